//! The daily job that lets go of what is old: logged requests, records of polls, finished jobs.

use super::queue::{self, JobFailed};
use crate::{Engine, Error, Result};
use chrono::{DateTime, Days, TimeDelta, Utc};
use twinwire_store::{backfills, verification, webhook_log};

/// The job's name in the queue.
pub const KIND: &str = "retain";
/// Partitions are made so many days ahead: a day on which that fails does no harm.
const DAYS_AHEAD: u64 = 14;
/// Days for which requests are kept.
const WEBHOOK_DAYS: u64 = 30;
/// Days for which refused and unverified requests stay counted.
const REFUSAL_DAYS: u64 = 90;
/// Days for which finished jobs are kept.
const JOB_DAYS: i32 = 7;
/// How long records of polls are kept.
const POLLS: TimeDelta = TimeDelta::days(2);

pub(super) async fn perform(engine: &Engine) -> std::result::Result<(), JobFailed> {
    let now = engine.now();
    // What fails does not keep the rest from being done; the job then comes again.
    let done = [partitions(engine, now).await, requests(engine, now).await, records(engine, now).await];
    let failed: Vec<String> =
        done.into_iter().filter_map(|done| done.err().map(|error| error.to_string())).collect();
    if failed.is_empty() { Ok(()) } else { Err(JobFailed::new(failed.join("; "))) }
}

/// One transaction for each partition: ingest waits for none of them longer than a second.
async fn partitions(engine: &Engine, now: DateTime<Utc>) -> Result<()> {
    for day in webhook_log::days(now, DAYS_AHEAD) {
        if !webhook_log::make_partition(engine.pool(), day).await? {
            // Who is in the way of one is in the way of all, and each try makes ingest wait.
            return Err(Error::Jobs(format!("no partition of webhook_log could be made for {day} yet")));
        }
    }
    Ok(())
}

async fn requests(engine: &Engine, now: DateTime<Utc>) -> Result<()> {
    let today = now.date_naive();
    let before = today - Days::new(WEBHOOK_DAYS);
    let in_default = webhook_log::delete_before(engine.pool(), before).await?;
    let refusals = webhook_log::forget_refusals(engine.pool(), today - Days::new(REFUSAL_DAYS)).await?;
    let unverified = verification::forget(engine.pool(), today - Days::new(REFUSAL_DAYS)).await?;
    let mut days = 0;
    while webhook_log::drop_before(engine.pool(), before).await? {
        days += 1;
    }
    tracing::info!(days, in_default, refusals, unverified, "old requests let go");
    Ok(())
}

async fn records(engine: &Engine, now: DateTime<Utc>) -> Result<()> {
    let polls = backfills::forget_polls(engine.pool(), now - POLLS).await?;
    let jobs = queue::clean(engine.pool(), JOB_DAYS).await.map_err(|error| Error::Jobs(error.to_string()))?;
    tracing::info!(polls, jobs, "old records let go");
    Ok(())
}
