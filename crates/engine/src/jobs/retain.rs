//! The daily job that lets go of what is old: logged requests, records of polls, finished jobs.

use super::queue::{self, JobFailed};
use crate::Engine;
use chrono::TimeDelta;
use twinwire_store::{backfills, webhook_log};

/// The job's name in the queue.
pub const KIND: &str = "retain";
/// Days for which requests are kept.
const WEBHOOK_DAYS: u64 = 30;
/// Days for which finished jobs are kept.
const JOB_DAYS: i32 = 7;
/// How long records of polls are kept.
const POLLS: TimeDelta = TimeDelta::days(2);

pub(super) async fn perform(engine: &Engine) -> Result<(), JobFailed> {
    let now = engine.now();
    let failed = |error: twinwire_store::Error| JobFailed::new(error.to_string());
    let mut tx = engine.pool().begin().await.map_err(|error| failed(error.into()))?;
    webhook_log::make_partitions(&mut tx, now).await.map_err(failed)?;
    let days = webhook_log::retain(&mut tx, now, WEBHOOK_DAYS).await.map_err(failed)?;
    tx.commit().await.map_err(|error| failed(error.into()))?;
    let polls = backfills::forget_polls(engine.pool(), now - POLLS).await.map_err(failed)?;
    let jobs =
        queue::clean(engine.pool(), JOB_DAYS).await.map_err(|error| JobFailed::new(error.to_string()))?;
    tracing::info!(days, polls, jobs, "old records let go");
    Ok(())
}
