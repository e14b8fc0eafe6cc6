//! Readings of a provider's list, with what they found and where they are.

use crate::Result;
use crate::words::{value, word};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};

/// How far back a reading goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What is new since the last one, each minute.
    Poll,
    /// The last days again.
    Incremental,
    /// Everything.
    Full,
}

/// A reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backfill {
    /// Key.
    pub id: i64,
    /// The provider's account.
    pub account_id: i64,
    /// The channel for which it was asked.
    pub channel_id: Option<i64>,
    /// How far back.
    pub kind: Kind,
    /// queued, running, done, failed or cancelled.
    pub state: String,
    /// Where to go on.
    pub next_page: Option<String>,
    /// Pages read.
    pub pages: i32,
    /// Messages seen.
    pub seen: i64,
    /// Rows made.
    pub inserted: i64,
    /// Rows changed.
    pub updated: i64,
    /// Failures since the last page.
    pub failures: i32,
    /// Why it failed; while it runs, why it was interrupted last.
    pub error: Option<String>,
    /// Who wants it to end.
    pub cancelled_by: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Backfill {
    /// Whether it has come to its end.
    pub fn is_over(&self) -> bool {
        crate::jobs::is_over(&self.state)
    }
}

/// Asks for a reading, unless one of the kind waits for the account already. Gives its key, and whether it is new.
///
/// One that runs is not joined: it may be past the part of the list that the asker wants to be read.
pub async fn request(
    conn: &mut PgConnection,
    account: i64,
    channel: Option<i64>,
    kind: Kind,
    requested_by: &str,
) -> Result<(i64, bool)> {
    let kind = word(kind);
    loop {
        let made = sqlx::query_scalar!(
            "insert into backfills (account_id, channel_id, kind, requested_by) values ($1, $2, $3, $4)
            on conflict (account_id, kind) where state = 'queued' do nothing returning id",
            account,
            channel,
            kind,
            requested_by
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = made {
            return Ok((id, true));
        }
        let waits = sqlx::query_scalar!(
            r#"select id as "id!" from backfills where account_id = $1 and kind = $2 and state = 'queued'"#,
            account,
            kind
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = waits {
            return Ok((id, false));
        }
        // It has begun in between.
    }
}

/// One reading.
pub async fn get(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<Backfill>> {
    let row = sqlx::query!(
        "select id, account_id, channel_id, kind, state, next_page, pages, seen, inserted, updated, failures,
            error, cancelled_by, created_at, started_at, finished_at
        from backfills where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Backfill {
            id: row.id,
            account_id: row.account_id,
            channel_id: row.channel_id,
            kind: value("backfills.kind", &row.kind)?,
            state: row.state,
            next_page: row.next_page,
            pages: row.pages,
            seen: row.seen,
            inserted: row.inserted,
            updated: row.updated,
            failures: row.failures,
            error: row.error,
            cancelled_by: row.cancelled_by,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    })
    .transpose()
}

/// It begins, or goes on after a crash.
pub async fn start(conn: impl PgExecutor<'_>, id: i64, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "update backfills set state = 'running', started_at = coalesce(started_at, $2), row_updated_at = now()
        where id = $1 and state in ('queued', 'running')",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A page is done, in the transaction that folded it: a killed reading goes on with the next one. True when somebody wants
/// the reading to end.
pub async fn page_done(
    conn: &mut PgConnection,
    id: i64,
    next_page: Option<&str>,
    seen: i64,
    inserted: i64,
    updated: i64,
) -> Result<bool> {
    let ends = sqlx::query_scalar!(
        r#"update backfills set next_page = $2, pages = pages + 1, seen = seen + $3, inserted = inserted + $4,
            updated = updated + $5, failures = 0, error = null, row_updated_at = now()
        where id = $1 returning cancelled_by is not null as "ends!""#,
        id,
        next_page,
        seen,
        inserted,
        updated
    )
    .fetch_one(conn)
    .await?;
    Ok(ends)
}

/// Messages read again by id have changed rows.
pub async fn add_updated(conn: &mut PgConnection, id: i64, updated: i64) -> Result<()> {
    if updated > 0 {
        sqlx::query!(
            "update backfills set updated = updated + $2, row_updated_at = now() where id = $1",
            id,
            updated
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// It was interrupted, and goes on later from where it was. Gives how often that happened since the last page.
pub async fn interrupted(conn: impl PgExecutor<'_>, id: i64, error: &str) -> Result<i32> {
    let failures = sqlx::query_scalar!(
        "update backfills set failures = failures + 1, error = $2, row_updated_at = now() where id = $1
        returning failures",
        id,
        error
    )
    .fetch_one(conn)
    .await?;
    Ok(failures)
}

/// It is over because somebody wanted it to end.
pub async fn end(conn: impl PgExecutor<'_>, id: i64, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update backfills set state = 'cancelled', finished_at = $2, next_page = null, row_updated_at = now()
        where id = $1 and state in ('queued', 'running')",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It is over, well or with an error.
pub async fn finish(
    conn: impl PgExecutor<'_>,
    id: i64,
    now: DateTime<Utc>,
    error: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update backfills set state = case when $3::text is null then 'done' else 'failed' end, error = $3,
            finished_at = $2, next_page = null, row_updated_at = now()
        where id = $1 and state in ('queued', 'running')",
        id,
        now,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops the records of old readings: one a minute and account adds up, and so does one an hour. Full ones stay.
pub async fn forget(
    conn: impl PgExecutor<'_>,
    polls_before: DateTime<Utc>,
    incremental_before: DateTime<Utc>,
) -> Result<u64> {
    let done = sqlx::query!(
        "delete from backfills where state in ('done', 'failed', 'cancelled')
            and finished_at < case kind when 'poll' then $1 when 'incremental' then $2::timestamptz end",
        polls_before,
        incremental_before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Providers' accounts that the schedule may read: they serve a channel, they do not rest, and nothing of the kind waits
/// or runs for them.
pub async fn due(conn: impl PgExecutor<'_>, kind: Kind, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        r#"select a.id as "id!" from accounts a
        where exists (select from channels c where c.provider_account_id = a.id and c.state <> 'deleted')
            and (a.paused_until is null or a.paused_until <= $2)
            and not exists (
                select from backfills b
                where b.account_id = a.id and b.kind = $1 and b.state in ('queued', 'running'))
        order by a.id"#,
        word(kind),
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Readings that wait or run and that nobody has touched for a while, with their kinds: their job may be lost.
pub async fn stale(conn: impl PgExecutor<'_>, untouched_since: DateTime<Utc>) -> Result<Vec<(i64, Kind)>> {
    let rows = sqlx::query!(
        "select id, kind from backfills where state in ('queued', 'running') and row_updated_at < $1",
        untouched_since
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, value("backfills.kind", &row.kind)?))).collect()
}
