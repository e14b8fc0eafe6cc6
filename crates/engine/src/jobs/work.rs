//! The life of a job that is no reading: its record says where it is, and it goes on from there after a crash.

use super::guard::Guard;
use super::queue::{self, Job, JobFailed, Queue};
use super::{MAX_FAILURES, erase, replay, retain, whole};
use crate::{Engine, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use twinwire_store::jobs::{self, Asked, Progress};

/// The name of these jobs in the queue.
pub const KIND: &str = "job";
/// How long a job waits for another one of its kind before it looks again.
const BUSY: Duration = Duration::from_secs(15);
/// The longest that a job rests after a step.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// What is said of a job whose process stops; the next one that has room goes on with it at once.
pub(super) const LEAVING: &str = "this process stops";

/// Why a job stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Somebody wanted it to end.
    #[error("cancelled")]
    Cancelled,
    /// The time has not come.
    #[error("{0}")]
    NotYet(String),
    /// This process stops.
    #[error("{LEAVING}")]
    Leaving,
    /// It cannot be done at all.
    #[error("{0}")]
    Refused(String),
    /// Something failed that may work later.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<twinwire_store::Error> for Stopped {
    fn from(error: twinwire_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// A job that runs.
pub struct Work {
    /// Its record, as it was when it began or went on.
    pub(super) job: jobs::Job,
    counts: Map<String, Value>,
    place: Value,
    doing: String,
    worked_since: Instant,
    /// That this process is to stop.
    stop: CancellationToken,
}

impl Work {
    fn new(job: jobs::Job, stop: CancellationToken) -> Self {
        let counts = job.counts.as_object().cloned().unwrap_or_default();
        let place = job.place.clone();
        Self { job, counts, place, doing: String::new(), worked_since: Instant::now(), stop }
    }

    /// Where to go on; nothing at the beginning.
    pub(super) fn place<P: DeserializeOwned + Default>(&self) -> P {
        serde_json::from_value(self.place.clone()).unwrap_or_default()
    }

    /// It is at something else now.
    pub(super) fn doing(&mut self, what: impl Into<String>) {
        self.doing = what.into();
    }

    /// Counts what was done.
    pub(super) fn add(&mut self, name: &str, count: u64) {
        let sum = self.counts.get(name).and_then(Value::as_u64).unwrap_or(0) + count;
        self.counts.insert(name.to_owned(), json!(sum));
    }

    /// Where to go on from now.
    pub(super) fn at(&mut self, place: impl Serialize) {
        self.place = json!(place);
    }

    /// Writes down how far it got, in the transaction that did it.
    pub(super) async fn save(&self, conn: &mut PgConnection) -> std::result::Result<bool, Stopped> {
        let counts = Value::Object(self.counts.clone());
        let progress = Progress { doing: &self.doing, place: &self.place, counts: &counts };
        Ok(jobs::progress(conn, self.job.id, progress).await?)
    }

    /// Rests for as long as the last step took, so that whoever else needs the database has its half. Ends here if
    /// somebody wanted that, and for now if this process stops: the next one goes on.
    pub(super) async fn rest(&mut self, ends: bool) -> std::result::Result<(), Stopped> {
        if ends {
            return Err(Stopped::Cancelled);
        }
        let rest = tokio::time::sleep(self.worked_since.elapsed().min(LONGEST_REST));
        if self.stop.run_until_cancelled(rest).await.is_none() {
            return Err(Stopped::Leaving);
        }
        self.worked_since = Instant::now();
        Ok(())
    }

    /// Writes down how far it got, and rests.
    pub(super) async fn step(&mut self, engine: &Engine) -> std::result::Result<(), Stopped> {
        let mut conn = engine.pool().acquire().await?;
        let ends = self.save(&mut conn).await?;
        drop(conn);
        self.rest(ends).await
    }
}

/// Asks for a job, in the caller's transaction. Gives its key.
pub(super) async fn request(conn: &mut PgConnection, engine: &Engine, asked: Asked<'_>) -> Result<i64> {
    let (id, new) = jobs::request(&mut *conn, asked, engine.now()).await?;
    if new {
        push(conn, id).await?;
    }
    Ok(id)
}

/// Puts a job into its queue.
async fn push(conn: &mut PgConnection, id: i64) -> Result<()> {
    queue::push(conn, Queue::Long, &job(id)).await.map_err(|error| Error::Jobs(error.to_string()))
}

/// Puts a job into its queue again, unless it is there.
pub(super) async fn push_if_lost(conn: &mut PgConnection, id: i64) -> Result<()> {
    let queued = queue::holds(conn, Queue::Long, &job(id)).await;
    if queued.map_err(|error| Error::Jobs(error.to_string()))? {
        return Ok(());
    }
    push(conn, id).await
}

fn job(id: i64) -> Job {
    Job { kind: KIND.to_owned(), id }
}

pub(super) async fn perform(
    engine: &Engine,
    id: i64,
    stop: &CancellationToken,
) -> std::result::Result<(), JobFailed> {
    let Some(job) = open(engine, id).await.map_err(|error| again(&error))? else { return Ok(()) };
    let guard = Guard::take(engine, &format!("job {}", job.kind)).await.map_err(|error| again(&error))?;
    let Some(mut guard) = guard else {
        return Err(JobFailed::not_yet("another job of its kind goes on", BUSY));
    };
    let stopped = tokio::select! {
        outcome = whole(run(engine, id, stop)) => outcome.err(),
        error = guard.lost() => return Err(again(&error)),
    };
    let outcome = end(engine, id, stopped).await;
    guard.release().await;
    outcome
}

/// The job, unless it is over.
async fn open(engine: &Engine, id: i64) -> Result<Option<jobs::Job>> {
    Ok(jobs::get(engine.pool(), id).await?.filter(|job| !job.is_over()))
}

async fn run(engine: &Engine, id: i64, stop: &CancellationToken) -> std::result::Result<(), Stopped> {
    // Anew, now that nobody else has it in hand.
    let Some(job) = open(engine, id).await? else { return Ok(()) };
    if job.cancelled_by.is_some() {
        return Err(Stopped::Cancelled);
    }
    if !jobs::start(engine.pool(), id, engine.now()).await? {
        // It was cancelled in between.
        return Ok(());
    }
    let mut work = Work::new(job, stop.clone());
    match work.job.kind.as_str() {
        "retain" => retain::run(engine, &mut work).await,
        "erase" => erase::run(engine, &mut work).await,
        "replay" => replay::run(engine, &mut work).await,
        other => Err(Stopped::Refused(format!("this version has no job named {other}"))),
    }
}

/// Writes down how a job ended, or lets it go on later from where it is.
async fn end(engine: &Engine, id: i64, stopped: Option<Stopped>) -> std::result::Result<(), JobFailed> {
    let (state, error) = match stopped {
        None => ("done", None),
        Some(Stopped::Cancelled) => ("cancelled", None),
        Some(Stopped::Leaving) => return Err(JobFailed::not_yet(LEAVING, Duration::ZERO)),
        Some(Stopped::NotYet(why)) => return Err(JobFailed::not_yet(why, BUSY)),
        // Nothing can be written down either.
        Some(Stopped::Failed(error)) if error.is_outage() => return Err(again(&error)),
        Some(Stopped::Refused(error)) => ("failed", Some(error)),
        Some(Stopped::Failed(error)) => {
            let error = error.to_string();
            let failures = jobs::interrupted(engine.pool(), id, &error).await;
            if failures.map_err(|error| again(&error.into()))? < MAX_FAILURES {
                return Err(JobFailed::new(error));
            }
            ("failed", Some(error))
        }
    };
    let finished = jobs::finish(engine.pool(), id, engine.now(), state, error.as_deref()).await;
    finished.map_err(|error| again(&error.into()))?;
    match error {
        None => Ok(()),
        Some(error) => {
            tracing::warn!(job = id, %error, "a job could not be done");
            Err(JobFailed::for_good(error))
        }
    }
}

fn again(error: &Error) -> JobFailed {
    JobFailed::new(error.to_string())
}
