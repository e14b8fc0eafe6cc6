//! Coarse background work as apalis jobs on Postgres: polls, backfills, retention, erasing a person, taking
//! logged requests again. A message is never a job: its row is.
//!
//! * [`queue`] — apalis, with what it needs to be safe under `kill -9`.
//! * [`schedule`] — asks for polls and retention, once for all processes.
//! * `count_hours` — counts the traffic of the last hours, for who looks at it.
//! * [`read_list`] — the job that reads a provider's list.
//! * [`work`] — the life of the others: [`retain`], [`erase`], [`replay`].

mod count_hours;
pub mod erase;
mod guard;
pub mod queue;
pub mod read_list;
pub mod replay;
pub mod retain;
pub mod schedule;
pub mod work;

use crate::{Engine, Error};
use futures_util::FutureExt;
use queue::{Job, JobFailed, Queue};
use std::panic::AssertUnwindSafe;
use tokio_util::sync::CancellationToken;
use twinwire_store::jobs;
use twinwire_store::tx;

/// A job that fails so often without getting any further is over.
pub const MAX_FAILURES: i32 = 10;
/// Short jobs of one process at a time.
const SHORT_AT_ONCE: usize = 4;
/// And long ones.
const LONG_AT_ONCE: usize = 3;

/// Runs jobs until `shutdown`.
pub async fn run(engine: Engine, shutdown: CancellationToken) -> Result<(), Error> {
    let (pool, owner) = (engine.pool().clone(), engine.owner().to_owned());
    let stop = shutdown.clone();
    let handler = move |job: Job| {
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { perform(&engine, &job, &stop).await }
    };
    let run = |queue, at_once| {
        let name = format!("{owner}-{queue:?}").to_lowercase();
        queue::run(pool.clone(), queue, name, at_once, shutdown.clone(), handler.clone())
    };
    tokio::try_join!(run(Queue::Short, SHORT_AT_ONCE), run(Queue::Long, LONG_AT_ONCE))
        .map_err(|error| Error::Jobs(error.to_string()))?;
    Ok(())
}

/// Wants a job or a reading to end, see [`jobs::cancel`]. What was asked for with a job that has not begun is taken back
/// with it. Gives its state now; none where there is no such job.
pub async fn cancel(engine: &Engine, id: i64, by: &str) -> Result<Option<String>, Error> {
    let mut tx = tx::begin(engine.pool()).await?;
    if let Some(job) = jobs::lock_queued(&mut tx, id).await?.filter(|job| job.kind == "erase") {
        erase::take_back(engine, &mut tx, &job).await?;
    }
    let state = jobs::cancel(&mut tx, id, by, engine.now()).await?;
    tx.commit().await?;
    Ok(state)
}

/// What a job comes to, a panic in it as well: else it would be tried again for ever, and nobody could see why.
async fn whole<E: From<Error>>(work: impl Future<Output = Result<(), E>>) -> Result<(), E> {
    let broken =
        |_| Err(Error::Jobs("it broke off where it never should; the log says where".to_owned()).into());
    AssertUnwindSafe(Box::pin(work)).catch_unwind().await.unwrap_or_else(broken)
}

async fn perform(engine: &Engine, job: &Job, stop: &CancellationToken) -> Result<(), JobFailed> {
    match job.kind.as_str() {
        read_list::KIND => read_list::perform(engine, job.id, stop).await,
        work::KIND => work::perform(engine, job.id, stop).await,
        count_hours::KIND => count_hours::perform(engine).await,
        other => Err(JobFailed::for_good(format!("this version has no job named {other}"))),
    }
}
