//! Keeps Postgres informed while its tables grow from nothing, see [`statistics::renew`].

use crate::Engine;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_store::statistics;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// Looks now and then until `shutdown`.
pub async fn run(engine: Engine, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        match statistics::renew(engine.pool()).await {
            Ok(tables) if tables.is_empty() => {}
            Ok(tables) => tracing::debug!(?tables, "Postgres has looked at tables that have grown"),
            Err(error) => tracing::debug!(%error, "Postgres was not asked to look at tables that have grown"),
        }
    }
}
