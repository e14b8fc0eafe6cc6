//! The job that reads a provider's list: a poll, or a backfill.

use super::queue::{self, Job, JobFailed};
use crate::{Engine, Error, Result, poll};
use twinwire_store::backfills::{self, Kind};

/// The job's name in the queue.
pub const KIND: &str = "read_list";

/// Asks for a reading of a provider's account, unless one of the kind waits or runs already. Gives its key.
pub async fn request(
    engine: &Engine,
    account: i64,
    channel: Option<i64>,
    kind: Kind,
    requested_by: &str,
) -> Result<i64> {
    let mut tx = engine.pool().begin().await?;
    let (id, new) = backfills::request(&mut tx, account, channel, kind, requested_by).await?;
    if new {
        push(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Puts a reading into the queue, again if need be: the reading's own row keeps it from being done twice.
pub(super) async fn push(conn: &mut sqlx::PgConnection, id: i64) -> Result<()> {
    let job = Job { kind: KIND.to_owned(), id };
    queue::push(conn, &job).await.map_err(|error| Error::Jobs(error.to_string()))
}

pub(super) async fn perform(engine: &Engine, id: i64) -> std::result::Result<(), JobFailed> {
    let again = |error: Error| JobFailed::new(error.to_string());
    // Two workers may be handed one job when the first was only slow: one of them reads, the other goes.
    let mut guard = engine.pool().begin().await.map_err(|error| again(error.into()))?;
    let free: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtext('read_list'), $1::int)")
        .bind(i32::try_from(id % i64::from(i32::MAX)).unwrap_or(0))
        .fetch_one(&mut *guard)
        .await
        .map_err(|error| again(error.into()))?;
    if !free
        || !backfills::start(engine.pool(), id, engine.now()).await.map_err(|error| again(error.into()))?
    {
        return Ok(());
    }
    let reading = backfills::get(engine.pool(), id).await.map_err(|error| again(error.into()))?;
    let Some(reading) = reading else { return Ok(()) };
    let outcome = poll::run(engine, &reading).await;
    let error = match &outcome {
        Err(error) if error.is_outage() => return Err(JobFailed::new(error.to_string())),
        Err(error) => Some(error.to_string()),
        Ok(()) => None,
    };
    // A failed reading is over: the next poll or the person who asked starts a new one, which has nothing to catch up on.
    backfills::finish(engine.pool(), id, engine.now(), error.as_deref())
        .await
        .map_err(|error| again(error.into()))?;
    match error {
        Some(error) => {
            tracing::warn!(reading = id, kind = ?reading.kind, %error, "a provider's list could not be read");
            Err(JobFailed::for_good(error))
        }
        None => Ok(()),
    }
}
