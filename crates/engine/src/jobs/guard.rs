//! One job of a kind at a time.

use crate::{Engine, Error, Result};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// How often a job makes sure that it still has its guard.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Keeps two jobs of one kind (of readings, for one account) from going on at once, in all processes; also two workers that
/// were handed one job, as happens when the first was only slow.
///
/// The lock belongs to a session, on a connection that is taken out of the pool: a transaction that idles for hours would
/// keep Postgres from clearing away dead rows. It goes with the connection, however this process ends.
pub(super) struct Guard(PgConnection);

impl Guard {
    /// None when another one is at it.
    pub(super) async fn take(engine: &Engine, name: &str) -> Result<Option<Self>> {
        let mut conn = engine.pool().acquire().await?.detach();
        let free: bool = sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(name)
            .fetch_one(&mut conn)
            .await?;
        let guard = Self(conn);
        if free {
            return Ok(Some(guard));
        }
        guard.release().await;
        Ok(None)
    }

    /// Comes back when the connection is lost, and the lock with it.
    pub(super) async fn lost(&mut self) -> Error {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.0.ping().await {
                return error.into();
            }
        }
    }

    /// Lets the next one begin.
    pub(super) async fn release(self) {
        if let Err(error) = self.0.close().await {
            tracing::debug!(%error, "the connection of a job's guard was gone already");
        }
    }
}
