//! What an operator should look at, beside the [vitals](crate::vitals): by tables that are small, or by indexes whose size is
//! the trouble at hand.

use crate::Result;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// Messages of a channel of which nobody knows whether they arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncertain {
    /// The channel's public id.
    pub channel: String,
    /// How many.
    pub messages: i64,
}

/// Channels with such messages.
pub async fn uncertain(conn: impl PgExecutor<'_>) -> Result<Vec<Uncertain>> {
    let rows = sqlx::query_as!(
        Uncertain,
        r#"select c.public_id as channel, count(*) as "messages!" from messages m join channels c on c.id = m.channel_id
        where m.parked = 'uncertain' group by c.id order by c.id"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An endpoint that takes no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingEndpoint {
    /// Its public id.
    pub endpoint: String,
    /// Whether it is sent nothing any more, until somebody says so.
    pub disabled: bool,
    /// The channel of which it wants to hear; none where it is all.
    pub channel: Option<String>,
    /// Since when it has failed.
    pub since: Option<DateTime<Utc>>,
}

/// Endpoints that are disabled, or that have failed several times in a row and rest.
pub async fn failing_endpoints(conn: impl PgExecutor<'_>) -> Result<Vec<FailingEndpoint>> {
    let rows = sqlx::query_as!(
        FailingEndpoint,
        r#"select e.public_id as endpoint, e.state = 'disabled' as "disabled!", c.public_id as "channel?",
            e.failing_since as since
        from endpoints e left join channels c on c.id = e.channel_id
        where e.state = 'disabled' or (e.state = 'active' and e.paused_until is not null) order by e.id"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A job that failed, or that fails again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJob {
    /// Its number.
    pub job: i64,
    /// What it is.
    pub kind: String,
    /// Whether it is over; else it is tried again.
    pub over: bool,
    /// Failures since it last got further.
    pub failures: i32,
    /// The channel for which it was asked.
    pub channel: Option<String>,
}

/// Jobs that failed since a moment and were not done by a later one of the same kind, those that fail at present, and the
/// last backfill of each channel where that failed.
pub async fn failed_jobs(conn: impl PgExecutor<'_>, since: DateTime<Utc>) -> Result<Vec<FailedJob>> {
    let rows = sqlx::query_as!(
        FailedJob,
        r#"select j.id as "job!", j.kind as "kind!", j.state = 'failed' as "over!", j.failures as "failures!",
            null as channel
        from jobs j
        where (j.state in ('queued', 'running') and j.failures > 0)
            or (j.state = 'failed' and j.finished_at >= $1
                and not (j.kind = 'retain' and exists (
                    select from jobs l where l.kind = 'retain' and l.state = 'done' and l.id > j.id)))
        union all
        select b.id, b.kind, true, b.failures, c.public_id
        from channels c cross join lateral (
            select * from backfills b where b.channel_id = c.id order by b.id desc limit 1
        ) b
        where c.state <> 'deleted' and b.state = 'failed' and b.finished_at >= $1
        order by 1"#,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
