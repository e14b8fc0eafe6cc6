//! The daily job that lets go of what is old: logged requests, texts, files, stories, records of polls, finished jobs.
//!
//! * this file — partitions and records;
//! * [`messages`] — texts and stories, message by message;
//! * [`files`] — files.

mod files;
mod messages;

use super::queue;
use super::work::{self, Stopped, Work};
use crate::{Engine, Error, Result};
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;
use twinwire_store::jobs::{self, Asked};
use twinwire_store::retention::What;
use twinwire_store::{backfills, dashboard_sessions, hours, setups, verification, webhook_log};

/// Partitions are made so many days ahead: a day on which that fails does no harm.
const DAYS_AHEAD: u64 = 14;
/// Days for which refused and unverified requests stay counted.
const REFUSAL_DAYS: u64 = 90;
/// How long the counts of hours are kept.
const HOURS: TimeDelta = TimeDelta::days(90);
/// Days for which finished jobs are kept in the queue: their records say what they did, and every account has one a minute.
const QUEUE_DAYS: i32 = 1;
/// How long records of polls are kept.
const POLLS: TimeDelta = TimeDelta::days(2);
/// How long records of other jobs are kept, and of the hourly readings.
const JOBS: TimeDelta = TimeDelta::days(90);

/// Asks for retention, unless it waits already. Gives its key.
pub async fn request(conn: &mut PgConnection, engine: &Engine, by: &str) -> Result<i64> {
    work::request(conn, engine, Asked { kind: "retain", by, what: &json!({}) }).await
}

pub(super) async fn run(engine: &Engine, work: &mut Work) -> std::result::Result<(), Stopped> {
    let now = engine.now();
    work.doing("letting go of logged requests");
    work.step(engine).await?;
    // What fails does not keep the rest from being done; the job then comes again.
    let mut failed = Vec::new();
    for done in [partitions(engine, now).await, requests(engine, work, now).await, records(engine, now).await]
    {
        failed.extend(done.err().map(|error| error.to_string()));
    }
    for (what, keep) in [(What::Bodies, engine.keep().bodies), (What::Attempts, engine.keep().attempts)] {
        if let Some(keep) = keep {
            failed.extend(unless_it_ends(messages::run(engine, work, what, now - keep).await)?);
        }
    }
    let keep = engine.keep().media;
    failed.extend(unless_it_ends(files::run(engine, work, keep.map(|keep| (keep, now - keep))).await)?);
    work.step(engine).await?;
    if failed.is_empty() { Ok(()) } else { Err(Stopped::Failed(Error::Jobs(failed.join("; ")))) }
}

fn unless_it_ends(done: std::result::Result<(), Stopped>) -> std::result::Result<Option<String>, Stopped> {
    match done {
        Ok(()) => Ok(None),
        Err(Stopped::Failed(error)) if !error.is_outage() => Ok(Some(error.to_string())),
        Err(stopped) => Err(stopped),
    }
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

async fn requests(engine: &Engine, work: &mut Work, now: DateTime<Utc>) -> Result<()> {
    let counted = now.date_naive() - Days::new(REFUSAL_DAYS);
    let refusals = webhook_log::forget_refusals(engine.pool(), counted).await?;
    let unverified = verification::forget(engine.pool(), counted).await?;
    let Some(keep) = engine.keep().webhooks else { return Ok(()) };
    let before = (now - keep).date_naive();
    let in_default = webhook_log::delete_before(engine.pool(), before).await?;
    let mut days = 0;
    while webhook_log::drop_before(engine.pool(), before).await? {
        days += 1;
    }
    work.add("webhook_days", days);
    tracing::info!(days, in_default, refusals, unverified, "old requests let go");
    Ok(())
}

async fn records(engine: &Engine, now: DateTime<Utc>) -> Result<()> {
    let readings = backfills::forget(engine.pool(), now - POLLS, now - JOBS).await?;
    let records = jobs::forget(engine.pool(), now - JOBS).await?;
    let sessions = dashboard_sessions::forget(engine.pool(), now).await?;
    let hours = hours::forget(engine.pool(), now - HOURS).await?;
    // Nobody goes on with these any more, and there are credentials in them.
    let setups = setups::forget(engine.pool(), now).await?;
    let jobs =
        queue::clean(engine.pool(), QUEUE_DAYS).await.map_err(|error| Error::Jobs(error.to_string()))?;
    tracing::info!(readings, records, sessions, hours, setups, jobs, "old records let go");
    Ok(())
}
