//! Long work that is no reading of a list, with where it is and what it has done; and all jobs as operators see them.

use crate::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Key.
    pub id: i64,
    /// retain, erase or replay.
    pub kind: String,
    /// queued, running, done, failed or cancelled.
    pub state: String,
    /// What was asked for.
    pub asked: Value,
    /// What of it is about a person, sealed.
    pub sealed: Option<Vec<u8>>,
    /// Where to go on.
    pub place: Value,
    /// What it has done so far.
    pub counts: Value,
    /// Who wants it to end.
    pub cancelled_by: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

impl Job {
    /// Whether it has come to its end.
    pub fn is_over(&self) -> bool {
        is_over(&self.state)
    }
}

/// Whether a job in this state has come to its end.
pub fn is_over(state: &str) -> bool {
    matches!(state, "done" | "failed" | "cancelled")
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// retain, erase or replay.
    pub kind: &'a str,
    /// By whom.
    pub by: &'a str,
    /// What for.
    pub what: &'a Value,
}

/// Asks for a job. Of retention only one waits at a time: then its key is given, and that it is not new.
pub async fn request(conn: &mut PgConnection, asked: Asked<'_>, now: DateTime<Utc>) -> Result<(i64, bool)> {
    loop {
        let made = sqlx::query_scalar!(
            "insert into jobs (kind, requested_by, asked, created_at) values ($1, $2, $3, $4)
            on conflict do nothing returning id",
            asked.kind,
            asked.by,
            asked.what,
            now
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = made {
            return Ok((id, true));
        }
        let waits = sqlx::query_scalar!(
            "select id from jobs where kind = $1 and state = 'queued' limit 1",
            asked.kind
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = waits {
            return Ok((id, false));
        }
        // It has begun in between.
    }
}

/// Puts what is about a person beside a job, sealed.
pub async fn set_sealed(conn: impl PgExecutor<'_>, id: i64, sealed: &[u8]) -> Result<()> {
    sqlx::query!("update jobs set sealed = $2 where id = $1", id, sealed).execute(conn).await?;
    Ok(())
}

/// One job.
pub async fn get(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<Job>> {
    let job = sqlx::query_as!(
        Job,
        "select id, kind, state, asked, sealed, place, counts, cancelled_by, created_at from jobs where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(job)
}

/// One job that waits still, locked so that it does not begin; none where there is none or it has begun.
pub async fn lock_queued(conn: &mut PgConnection, id: i64) -> Result<Option<Job>> {
    let job = sqlx::query_as!(
        Job,
        "select id, kind, state, asked, sealed, place, counts, cancelled_by, created_at from jobs
        where id = $1 and state = 'queued' for update",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(job)
}

/// It begins, or goes on after a crash. False where it is over by now.
pub async fn start(conn: impl PgExecutor<'_>, id: i64, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "update jobs set state = 'running', started_at = coalesce(started_at, $2), row_updated_at = now()
        where id = $1 and state in ('queued', 'running')",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How far a job has got.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What it is at.
    pub doing: &'a str,
    /// Where to go on.
    pub place: &'a Value,
    /// What it has done so far.
    pub counts: &'a Value,
}

/// It is so far; in the transaction that got it there, where there is one. Only what got further than before has left its
/// failures behind: a step that comes to the same place each time and fails after it goes on to count. True when somebody
/// wants it to end.
pub async fn progress(conn: impl PgExecutor<'_>, id: i64, progress: Progress<'_>) -> Result<bool> {
    let ends = sqlx::query_scalar!(
        r#"update jobs set doing = $2, place = $3, counts = $4, row_updated_at = now(),
            failures = case when place = $3 and counts = $4 then failures else 0 end,
            error = case when place = $3 and counts = $4 then error end
        where id = $1 returning cancelled_by is not null as "ends!""#,
        id,
        progress.doing,
        progress.place,
        progress.counts
    )
    .fetch_one(conn)
    .await?;
    Ok(ends)
}

/// It was interrupted, and goes on later from where it was. Gives how often that happened since it last got further.
pub async fn interrupted(conn: impl PgExecutor<'_>, id: i64, error: &str) -> Result<i32> {
    let failures = sqlx::query_scalar!(
        "update jobs set failures = failures + 1, error = $2, row_updated_at = now() where id = $1
        returning failures",
        id,
        error
    )
    .fetch_one(conn)
    .await?;
    Ok(failures)
}

/// It is over: well, with an error, or because somebody wanted it to end.
pub async fn finish(
    conn: impl PgExecutor<'_>,
    id: i64,
    now: DateTime<Utc>,
    state: &str,
    error: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update jobs set state = $3, error = $4, finished_at = $2, doing = null, sealed = null, row_updated_at = now()
        where id = $1 and state in ('queued', 'running')",
        id,
        now,
        state,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Wants a job or a reading to end: at once where it waits, at the next step where it runs. Gives its state now; none
/// where there is no such job.
pub async fn cancel(
    conn: &mut PgConnection,
    id: i64,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    sqlx::query!(
        "with read as (
            update backfills set cancelled_by = coalesce(cancelled_by, $2),
                finished_at = case when state = 'queued' then $3::timestamptz end,
                state = case when state = 'queued' then 'cancelled' else state end, row_updated_at = now()
            where id = $1 and state in ('queued', 'running'))
        update jobs set cancelled_by = coalesce(cancelled_by, $2),
            finished_at = case when state = 'queued' then $3::timestamptz end,
            sealed = case when state = 'queued' then null else sealed end,
            state = case when state = 'queued' then 'cancelled' else state end, row_updated_at = now()
        where id = $1 and state in ('queued', 'running')",
        id,
        by,
        now
    )
    .execute(&mut *conn)
    .await?;
    Ok(listed(conn, id).await?.map(|job| job.state))
}

/// Jobs that wait or run and that nobody has touched for a while: their place in the queue may be lost.
pub async fn stale(conn: impl PgExecutor<'_>, untouched_since: DateTime<Utc>) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        "select id from jobs where state in ('queued', 'running') and row_updated_at < $1",
        untouched_since
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Drops the records of jobs that ended long ago.
pub async fn forget(conn: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "delete from jobs where state in ('done', 'failed', 'cancelled') and finished_at < $1",
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A job or a reading, as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// Key.
    pub id: i64,
    /// poll, incremental, full, retain, erase or replay.
    pub kind: String,
    /// queued, running, done, failed or cancelled.
    pub state: String,
    /// Of a reading, the provider's account.
    pub account: Option<String>,
    /// The channel for which it was asked.
    pub channel: Option<String>,
    /// By whom.
    pub requested_by: String,
    /// What it is at.
    pub doing: Option<String>,
    /// What it has done so far.
    pub counts: Value,
    /// Failures since it last got further.
    pub failures: i32,
    /// Why it failed; while it runs, why it was interrupted last.
    pub error: Option<String>,
    /// Who wanted it to end.
    pub cancelled_by: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it last got further.
    pub row_updated_at: DateTime<Utc>,
}

impl Listed {
    /// Whether it waits or runs.
    pub fn is_open(&self) -> bool {
        !is_over(&self.state)
    }
}

/// One job or reading.
pub async fn listed(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<Listed>> {
    Ok(select(conn, Some(id), true, None, 1).await?.pop())
}

/// Jobs and readings: first those that wait or run, then the latest. Polls that are over only where `all` is set. Those
/// past the place `before`, where one is named: whether the last one waited or ran, and its key. All are found by an
/// index, however many polls there are.
pub async fn list(
    conn: impl PgExecutor<'_>,
    all: bool,
    before: Option<(bool, i64)>,
    limit: i64,
) -> Result<Vec<Listed>> {
    select(conn, None, all, before, limit).await
}

async fn select(
    conn: impl PgExecutor<'_>,
    id: Option<i64>,
    all: bool,
    before: Option<(bool, i64)>,
    limit: i64,
) -> Result<Vec<Listed>> {
    let jobs = sqlx::query_as!(
        Listed,
        r#"select j.id as "id!", j.kind as "kind!", j.state as "state!", a.public_id as "account?",
            c.public_id as "channel?", j.requested_by as "requested_by!", j.doing, j.counts as "counts!",
            j.failures as "failures!", j.error, j.cancelled_by, j.created_at as "created_at!", j.started_at,
            j.finished_at, j.row_updated_at as "row_updated_at!"
        from (
            (select id, kind, state, account_id, channel_id, requested_by,
                case when state = 'running' then 'reading page ' || pages + 1 end as doing,
                jsonb_build_object('pages', pages, 'seen', seen, 'inserted', inserted, 'updated', updated) as counts,
                failures, error, cancelled_by, created_at, started_at, finished_at, row_updated_at
            from backfills where id in (
                select $1::bigint where $1 is not null
                union all select id from backfills where $1 is null and state in ('queued', 'running')
                union all (select id from backfills where $1 is null and $2::boolean
                    and state not in ('queued', 'running') and ($4::boolean is null or $4 or id < $5) order by id desc limit $3)
                union all (select id from backfills
                    where $1 is null and not $2 and (kind <> 'poll' or state in ('queued', 'running', 'failed'))
                        and state not in ('queued', 'running') and ($4 is null or $4 or id < $5)
                    order by id desc limit $3)))
            union all
            (select id, kind, state, null, (asked ->> 'channel')::bigint, requested_by, doing, counts, failures, error,
                cancelled_by, created_at, started_at, finished_at, row_updated_at
            from jobs where id in (
                select $1 where $1 is not null
                union all select id from jobs where $1 is null and state in ('queued', 'running')
                union all (select id from jobs
                    where $1 is null and state not in ('queued', 'running') and ($4 is null or $4 or id < $5) order by id desc limit $3)))
        ) j left join accounts a on a.id = j.account_id left join channels c on c.id = j.channel_id
        where $4::boolean is null or (j.state in ('queued', 'running'), j.id) < ($4, $5)
        order by j.state in ('queued', 'running') desc, j.id desc limit $3"#,
        id,
        all,
        limit,
        before.map(|(open, _)| open),
        before.map_or(0, |(_, id)| id)
    )
    .fetch_all(conn)
    .await?;
    Ok(jobs)
}
