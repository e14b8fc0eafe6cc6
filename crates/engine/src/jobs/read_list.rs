//! The job that reads a provider's list: a poll, or a backfill.

use super::guard::Guard;
use super::queue::{self, Job, JobFailed, Queue};
use super::work::LEAVING;
use super::{MAX_FAILURES, whole};
use crate::poll::{self, Stopped};
use crate::{Engine, Error, Result};
use sqlx::PgConnection;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::tx;

/// The job's name in the queue.
pub const KIND: &str = "read_list";
/// How long a reading waits for another one of its kind before it looks again.
const BUSY: Duration = Duration::from_secs(15);
/// Shortest wait for an account that rests.
const SHORTEST: Duration = Duration::from_secs(1);

/// Asks for a reading of a provider's account, unless one of the kind waits already. Gives its key.
pub async fn request(
    engine: &Engine,
    account: i64,
    channel: Option<i64>,
    kind: Kind,
    requested_by: &str,
) -> Result<i64> {
    let mut tx = tx::begin(engine.pool()).await?;
    let (id, new) = backfills::request(&mut tx, account, channel, kind, requested_by).await?;
    if new {
        push(&mut tx, id, kind).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Puts a reading into its queue.
pub(super) async fn push(conn: &mut PgConnection, id: i64, kind: Kind) -> Result<()> {
    queue::push(conn, queue_of(kind), &job(id)).await.map_err(|error| Error::Jobs(error.to_string()))
}

/// Puts a reading into its queue again, unless it is there.
pub(super) async fn push_if_lost(conn: &mut PgConnection, id: i64, kind: Kind) -> Result<()> {
    let queued = queue::holds(conn, queue_of(kind), &job(id)).await;
    if queued.map_err(|error| Error::Jobs(error.to_string()))? {
        return Ok(());
    }
    push(conn, id, kind).await
}

fn job(id: i64) -> Job {
    Job { kind: KIND.to_owned(), id }
}

fn queue_of(kind: Kind) -> Queue {
    match kind {
        Kind::Poll => Queue::Short,
        Kind::Incremental | Kind::Full => Queue::Long,
    }
}

pub(super) async fn perform(
    engine: &Engine,
    id: i64,
    stop: &CancellationToken,
) -> std::result::Result<(), JobFailed> {
    let Some(reading) = open(engine, id).await.map_err(|error| again(&error))? else { return Ok(()) };
    let name = format!("read_list {} {:?}", reading.account_id, reading.kind);
    let guard = Guard::take(engine, &name).await.map_err(|error| again(&error))?;
    let Some(mut guard) = guard else {
        return Err(JobFailed::not_yet("another reading of the account goes on", BUSY));
    };
    let stopped = tokio::select! {
        outcome = whole(read(engine, id, stop)) => outcome.err(),
        error = guard.lost() => return Err(again(&error)),
    };
    let outcome = end(engine, &reading, stopped).await;
    guard.release().await;
    outcome
}

/// The reading, unless it is over.
async fn open(engine: &Engine, id: i64) -> Result<Option<Backfill>> {
    Ok(backfills::get(engine.pool(), id).await?.filter(|reading| !reading.is_over()))
}

async fn read(engine: &Engine, id: i64, stop: &CancellationToken) -> std::result::Result<(), Stopped> {
    // Anew, now that nobody else has it in hand.
    let Some(reading) = open(engine, id).await? else { return Ok(()) };
    if reading.cancelled_by.is_some() {
        return Err(Stopped::Cancelled);
    }
    poll::awake(engine, reading.account_id).await?;
    backfills::start(engine.pool(), id, engine.now()).await.map_err(Error::from)?;
    let Some(reading) = open(engine, id).await? else { return Ok(()) };
    poll::run(engine, &reading, stop).await
}

/// Writes down how a reading ended, or lets it go on later from where it is.
async fn end(
    engine: &Engine,
    reading: &Backfill,
    stopped: Option<Stopped>,
) -> std::result::Result<(), JobFailed> {
    let error = match stopped {
        None => return finish(engine, reading, None).await,
        Some(Stopped::Cancelled) => {
            let ended = backfills::end(engine.pool(), reading.id, engine.now()).await;
            return ended.map_err(|error| again(&error.into()));
        }
        Some(Stopped::Leaving) => return Err(JobFailed::not_yet(LEAVING, Duration::ZERO)),
        // The next poll will do: it has nothing else to catch up on.
        Some(Stopped::Rests { .. }) if reading.kind == Kind::Poll => {
            return finish(engine, reading, None).await;
        }
        Some(Stopped::Rests { until, reason }) => {
            let wait = (until - engine.now()).to_std().unwrap_or_default().max(SHORTEST);
            return Err(JobFailed::not_yet(format!("the account rests until {until}: {reason}"), wait));
        }
        // Nothing can be written down either.
        Some(Stopped::Failed(error)) if error.is_outage() => return Err(again(&error)),
        Some(Stopped::Refused(error)) => error,
        Some(Stopped::Failed(error)) => {
            let error = error.to_string();
            let now = open(engine, reading.id).await.map_err(|error| again(&error))?;
            let nothing_read = now.is_none_or(|now| now.pages == 0);
            let failures = backfills::interrupted(engine.pool(), reading.id, &error).await;
            let failures = failures.map_err(|error| again(&error.into()))?;
            // A poll that has read nothing has nothing to go on from either: the next one is due within a minute.
            let over = failures >= MAX_FAILURES || (reading.kind == Kind::Poll && nothing_read);
            if !over {
                return Err(JobFailed::new(error));
            }
            error
        }
    };
    finish(engine, reading, Some(&error)).await?;
    tracing::warn!(reading = reading.id, kind = ?reading.kind, %error, "a provider's list could not be read");
    Err(JobFailed::for_good(error))
}

async fn finish(
    engine: &Engine,
    reading: &Backfill,
    error: Option<&str>,
) -> std::result::Result<(), JobFailed> {
    let finished = backfills::finish(engine.pool(), reading.id, engine.now(), error).await;
    finished.map_err(|error| again(&error.into()))?;
    let kind = match reading.kind {
        Kind::Poll => "poll",
        Kind::Incremental => "incremental",
        Kind::Full => "full",
    };
    engine.metrics().read(kind, error.is_some());
    Ok(())
}

fn again(error: &Error) -> JobFailed {
    JobFailed::new(error.to_string())
}
