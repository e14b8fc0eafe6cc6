//! Who works which channel.

use super::worker;
use crate::{Engine, Result};
use sqlx::postgres::PgListener;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use twinwire_store::leases;
use twinwire_store::work;

/// How often the dispatcher looks by itself: what a lost notification costs at most.
const TICK: Duration = Duration::from_secs(1);
/// Channels taken up in one look.
const AT_ONCE: i64 = 64;

/// Runs until `shutdown`, then lets the workers finish the calls that are in flight.
pub async fn run(engine: Engine, shutdown: CancellationToken) {
    let mut dispatcher =
        Dispatcher { engine, shutdown: shutdown.clone(), working: HashMap::new(), workers: JoinSet::new() };
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listener = None;
    while !shutdown.is_cancelled() {
        if listener.is_none() {
            listener = listen(&dispatcher.engine).await;
        }
        let which = tokio::select! {
            () = shutdown.cancelled() => break,
            _ = tick.tick() => None,
            channel = heard(&mut listener) => channel,
            Some(ended) = dispatcher.workers.join_next() => {
                dispatcher.ended(ended);
                None
            }
        };
        if let Some(notify) = which.and_then(|channel| dispatcher.working.get(&channel)) {
            notify.notify_one();
            continue;
        }
        if let Err(error) = dispatcher.look(which).await {
            tracing::warn!(%error, "cannot look for work");
            tokio::time::sleep(TICK).await;
        }
    }
    while let Some(ended) = dispatcher.workers.join_next().await {
        dispatcher.ended(ended);
    }
}

async fn listen(engine: &Engine) -> Option<PgListener> {
    let mut listener = PgListener::connect_with(engine.pool()).await.ok()?;
    listener.listen(work::WAKE).await.ok()?;
    Some(listener)
}

/// Waits for the next announcement, and gives its channel. Without a listener the tick does the work.
async fn heard(listener: &mut Option<PgListener>) -> Option<i64> {
    let Some(open) = listener else { return std::future::pending().await };
    match open.recv().await {
        Ok(announced) => announced.payload().parse().ok(),
        Err(error) => {
            tracing::warn!(%error, "the listener for work is lost; listening again");
            *listener = None;
            tokio::time::sleep(TICK).await;
            None
        }
    }
}

struct Dispatcher {
    engine: Engine,
    shutdown: CancellationToken,
    working: HashMap<i64, Arc<Notify>>,
    workers: JoinSet<i64>,
}

impl Dispatcher {
    /// Takes up channels that nobody works: all, or the one that something was announced for.
    async fn look(&mut self, which: Option<i64>) -> Result<()> {
        let engine = self.engine.clone();
        for channel in work::unworked_channels(engine.pool(), which, engine.now(), AT_ONCE).await? {
            if self.working.contains_key(&channel) {
                continue;
            }
            let Some(lease) =
                leases::acquire(engine.pool(), channel, engine.owner(), engine.lease_held()).await?
            else {
                continue;
            };
            let notify = Arc::new(Notify::new());
            self.working.insert(channel, notify.clone());
            let (engine, shutdown) = (engine.clone(), self.shutdown.clone());
            self.workers.spawn(async move {
                worker::run(engine, lease, notify, shutdown).await;
                channel
            });
        }
        self.engine.metrics().looked(self.working.len());
        Ok(())
    }

    fn ended(&mut self, ended: std::result::Result<i64, tokio::task::JoinError>) {
        match ended {
            Ok(channel) => {
                self.working.remove(&channel);
            }
            Err(error) => {
                // A panic in a worker: its lease runs out by itself, and the channel is taken up again.
                tracing::error!(%error, "a channel's worker broke");
                self.working.retain(|_, notify| Arc::strong_count(notify) > 1);
            }
        }
    }
}
