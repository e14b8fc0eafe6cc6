//! Whether anything has changed that people look at, for one query a second.

use crate::Result;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::PgExecutor;

/// What stands there at a moment. Each part is another one when something of it has changed; what it is says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Messages: lines of their stories.
    pub messages: (i64, i64),
    /// Logged requests.
    pub webhooks: (i64, i64),
    /// Jobs and backfills that wait or run; polls are left out.
    pub jobs: (i64, Option<DateTime<Utc>>),
    /// Channels and their accounts.
    pub channels: i64,
}

/// Feels it. Only what is younger than two minutes is looked at, from a whole minute on: so that one more change is seen
/// when a minute ends, and none is missed because it was written late.
pub async fn feel(conn: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Pulse> {
    let minute = TimeDelta::minutes(1);
    let since = now.duration_trunc(minute).unwrap_or(now) - minute;
    let row = sqlx::query!(
        r#"select
            (select count(*) from attempts where at >= $1) as "lines!",
            (select coalesce(max(id), 0) from attempts where at >= $1) as "line!",
            (select count(*) from webhook_log where received_at >= $1) as "requests!",
            (select coalesce(max(id), 0) from webhook_log where received_at >= $1) as "request!",
            (select count(*) from backfills where state in ('queued', 'running') and kind <> 'poll')
                + (select count(*) from jobs where state in ('queued', 'running')) as "open!",
            greatest(
                (select max(row_updated_at) from backfills where state in ('queued', 'running') and kind <> 'poll'),
                (select max(row_updated_at) from jobs where state in ('queued', 'running'))
            ) as moved,
            (select coalesce(sum(hashtext(concat_ws(' ', id, state, shown_works, address))), 0) from channels)
                + (select coalesce(sum(hashtext(concat_ws(' ', id, paused_until, pause_reason, verification))), 0)
                    from accounts) as "channels!""#,
        since
    )
    .fetch_one(conn)
    .await?;
    Ok(Pulse {
        messages: (row.lines, row.line),
        webhooks: (row.requests, row.request),
        jobs: (row.open, row.moved),
        channels: row.channels,
    })
}
