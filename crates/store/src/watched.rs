//! What is beside the messages and has to be watched as well: endpoints of other programs, jobs, and accounts whose webhooks
//! need not be signed.

use crate::Result;
use crate::tx;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

/// How long a job that failed is shown.
const FAILED_WITHIN: TimeDelta = TimeDelta::hours(24);
/// How long a job may stand still.
const STANDSTILL: TimeDelta = TimeDelta::hours(1);

/// The numbers. Lists go by the word in the first place; what is not there is zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Endpoints by state; active ones that rest are `resting`. Deleted ones are left out.
    pub endpoints: Vec<(String, f64)>,
    /// For how many seconds the first event has been due, of endpoints that could be told.
    pub oldest_event: f64,
    /// Jobs and full backfills that failed in the last day, by kind. Others come again by themselves, and `poll_lag` shows
    /// that they fail.
    pub failed_jobs: Vec<(String, f64)>,
    /// Those that wait or run and have not moved for an hour, by kind; what waits behind another one of its kind is left
    /// out.
    pub stuck_jobs: Vec<(String, f64)>,
    /// Accounts of living channels that are log-only, by connector.
    pub log_only: Vec<(String, f64)>,
}

/// Reads them, over one connection. No question takes longer than a scrape waits.
pub async fn read(pool: &PgPool, now: DateTime<Utc>) -> Result<Watched> {
    let mut tx = tx::begin(pool).await?;
    sqlx::query("set local statement_timeout = '2500ms'").execute(&mut *tx).await?;
    let endpoints = sqlx::query!(
        r#"select case when state = 'active' and paused_until > $1 then 'resting' else state end as "word!",
            count(*)::float8 as "value!"
        from endpoints where state <> 'deleted' group by 1"#,
        now
    )
    .fetch_all(&mut *tx)
    .await?;
    // The first of each endpoint by the index of what is due; what is claimed is due again once its claim ends.
    let oldest_event = sqlx::query_scalar!(
        r#"select coalesce(greatest(extract(epoch from clock_timestamp() - min(d.next_at)), 0), 0)::float8 as "age!"
        from endpoints e cross join lateral (
            select next_at from deliveries where endpoint_id = e.id and state = 'pending' order by next_at, id limit 1) d
        where e.state = 'active' and (e.paused_until is null or e.paused_until <= $1)"#,
        now
    )
    .fetch_one(&mut *tx)
    .await?;
    let jobs = sqlx::query!(
        r#"select j.kind as "kind!", count(*) filter (where j.state = 'failed')::float8 as "failed!",
            count(*) filter (where j.state in ('queued', 'running') and not j.waits
                and j.row_updated_at < $2)::float8 as "stuck!"
        from (
            select kind, state, row_updated_at, false as waits from backfills
                where kind = 'full' and state = 'failed' and finished_at >= $1
            union all
            select b.kind, b.state, b.row_updated_at, b.state = 'queued' and exists (select from backfills r
                    where r.account_id = b.account_id and r.kind = b.kind and r.state = 'running')
                from backfills b where b.kind <> 'poll' and b.state in ('queued', 'running')
            union all
            select kind, state, row_updated_at, false from jobs where state = 'failed' and finished_at >= $1
            union all
            select q.kind, q.state, q.row_updated_at, q.state = 'queued' and exists (select from jobs r
                    where r.kind = q.kind and r.state = 'running')
                from jobs q where q.state in ('queued', 'running')
        ) j group by 1"#,
        now - FAILED_WITHIN,
        now - STANDSTILL
    )
    .fetch_all(&mut *tx)
    .await?;
    let log_only = sqlx::query!(
        r#"select a.connector as "word!", count(*)::float8 as "value!" from accounts a
        where a.verification = 'log_only' and exists (select from channels c
            where a.id in (c.provider_account_id, c.helpdesk_account_id) and c.state <> 'deleted')
        group by 1"#
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Watched {
        endpoints: endpoints.into_iter().map(|row| (row.word, row.value)).collect(),
        oldest_event,
        failed_jobs: jobs.iter().map(|row| (row.kind.clone(), row.failed)).collect(),
        stuck_jobs: jobs.into_iter().map(|row| (row.kind, row.stuck)).collect(),
        log_only: log_only.into_iter().map(|row| (row.word, row.value)).collect(),
    })
}
