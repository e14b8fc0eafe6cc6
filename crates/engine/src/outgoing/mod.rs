//! Outgoing webhooks: what happened to messages, told to other programs by the rules of
//! [Standard Webhooks](https://www.standardwebhooks.com).
//!
//! An event is a row of the outbox, written in the transaction in which it happened
//! ([`twinwire_store::events`]). Here it is sent, by any number of processes side by side:
//!
//! * this file — which endpoints have something to be sent;
//! * [`deliver`] — claim, sign, send, write down what came of it;
//! * [`sign`] — secrets and signatures;
//! * [`endpoints`] — what operators do with endpoints.

mod deliver;
pub mod endpoints;
pub mod sign;

use crate::jobs::queue;
use crate::{Engine, Error, Result};
use chrono::TimeDelta;
use sqlx::postgres::PgListener;
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use twinwire_core::outgoing::GIVEN_UP_AFTER;
use twinwire_store::tx;
use twinwire_store::{deliveries, events};

/// How often it is looked for events by itself: what a lost notification costs at most.
const TICK: Duration = Duration::from_secs(1);
/// How often the outbox is tidied up, once for all processes.
const TIDY: Duration = Duration::from_secs(15 * 60);
/// How long a delivered event stays listed.
const DELIVERED: TimeDelta = TimeDelta::days(7);
/// How long one that was given up stays, so that it can be sent again.
const GIVEN_UP: TimeDelta = TimeDelta::days(30);

/// Runs until `shutdown`, then lets the calls that are in flight end.
pub async fn run(engine: Engine, shutdown: CancellationToken) {
    let mut at_work = AtWork { endpoints: HashMap::new(), tasks: JoinSet::new() };
    let (mut tick, mut tidy) = (interval(TICK), interval(TIDY));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listener = None;
    while !shutdown.is_cancelled() {
        if listener.is_none() {
            listener = listen(&engine).await;
        }
        let done = tokio::select! {
            () = shutdown.cancelled() => break,
            _ = tidy.tick() => tidy_up(&engine).await,
            _ = tick.tick() => at_work.look(&engine, &shutdown).await,
            () = heard(&mut listener) => at_work.look(&engine, &shutdown).await,
            () = at_work.ended() => at_work.look(&engine, &shutdown).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "cannot look for events to be sent");
            tokio::time::sleep(TICK).await;
        }
    }
    while !at_work.tasks.is_empty() {
        at_work.ended().await;
    }
}

/// The endpoints that this process sends to, one task each: a slow one holds no other up.
struct AtWork {
    endpoints: HashMap<Id, i64>,
    tasks: JoinSet<()>,
}

impl AtWork {
    async fn look(&mut self, engine: &Engine, shutdown: &CancellationToken) -> Result<()> {
        let busy: Vec<i64> = self.endpoints.values().copied().collect();
        for due in deliveries::due_endpoints(engine.pool(), engine.now(), &busy).await? {
            let id = due.id;
            let (engine, shutdown) = (engine.clone(), shutdown.clone());
            let task = self.tasks.spawn(async move { deliver::run(&engine, &due, &shutdown).await });
            self.endpoints.insert(task.id(), id);
        }
        Ok(())
    }

    /// Waits until the task of an endpoint ends.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                tracing::error!(%error, "sending to an endpoint broke");
                error.id()
            }
            None => std::future::pending().await,
        };
        self.endpoints.remove(&id);
    }
}

async fn listen(engine: &Engine) -> Option<PgListener> {
    let mut listener = PgListener::connect_with(engine.pool()).await.ok()?;
    listener.listen(events::DELIVERIES).await.ok()?;
    Some(listener)
}

/// Waits for the next announcement. Without a listener the tick does the work.
async fn heard(listener: &mut Option<PgListener>) {
    let Some(open) = listener else { return std::future::pending().await };
    match open.recv().await {
        // One look answers all that were announced by now.
        Ok(_) => while open.next_buffered().is_some() {},
        Err(error) => {
            tracing::warn!(%error, "the listener for events is lost; listening again");
            *listener = None;
            tokio::time::sleep(TICK).await;
        }
    }
}

/// Gives up what waits for too long, and lets go of what is old.
async fn tidy_up(engine: &Engine) -> Result<()> {
    let now = engine.now();
    let mut tx = tx::begin(engine.pool()).await?;
    let ours = queue::claim_tick(&mut tx, "deliveries", TIDY).await;
    if ours.map_err(|error| Error::Jobs(error.to_string()))? {
        let given_up = deliveries::give_up(&mut *tx, now - GIVEN_UP_AFTER - TimeDelta::hours(1), now).await?;
        if given_up > 0 {
            tracing::warn!(events = given_up, "events were given up that no endpoint took for three days");
        }
        deliveries::cancel_of_gone(&mut *tx).await?;
        deliveries::forget(&mut *tx, now - DELIVERED, now - GIVEN_UP).await?;
    }
    Ok(tx.commit().await?)
}
