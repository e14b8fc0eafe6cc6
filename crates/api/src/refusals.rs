//! Requests that were refused: nothing of them is stored but a count, and that in one write for many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_engine::Engine;
use twinwire_store::webhook_log;

/// How often counts are written.
const FLUSH: Duration = Duration::from_secs(5);

/// The hooks that set-up pages and answers name.
const HOOKS: &[&str] = &["authorization", "channel", "inbound", "message", "status"];

type Kind = (String, String, String);

/// Counts of refused requests since the last flush.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Kind, i64>>);

impl Refusals {
    /// Counts one. `hook` comes from anybody: others than ours are counted together, so that counts stay few.
    pub fn count(&self, engine: &Engine, connector: &str, hook: &str, reason: &str) {
        let hook = if HOOKS.contains(&hook) { hook } else { "other" };
        engine.metrics().webhook_refused(connector, hook, reason);
        self.add((connector.to_owned(), hook.to_owned(), reason.to_owned()), 1);
    }

    fn add(&self, kind: Kind, count: i64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(kind).or_default() += count;
    }

    /// Writes the counts now and then until `shutdown`, and once more then.
    pub async fn run(&self, engine: Engine, shutdown: CancellationToken) {
        loop {
            let over = shutdown.run_until_cancelled(tokio::time::sleep(FLUSH)).await.is_none();
            self.flush(&engine).await;
            if over {
                return;
            }
        }
    }

    async fn flush(&self, engine: &Engine) {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let day = engine.now().date_naive();
        for ((connector, hook, reason), count) in counts {
            let written =
                webhook_log::count_refused(engine.pool(), day, &connector, &hook, &reason, count).await;
            if let Err(error) = written {
                tracing::warn!(%error, connector, hook, reason, count, "refused requests could not be counted yet");
                self.add((connector, hook, reason), count);
            }
        }
    }
}
