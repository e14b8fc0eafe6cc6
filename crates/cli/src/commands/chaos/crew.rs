//! The workers: each place is filled again as soon as its worker has died as planned.

use super::balancer::Balancer;
use super::plan::{End, Life, Stall};
use super::tally::Tally;
use super::worker::{Recipe, Worker};
use nix::sys::signal::Signal;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether a worker has stopped itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Wait before a worker that could not start is started again: the database may be down.
const TRY_AGAIN: Duration = Duration::from_millis(300);

/// Everything that a place needs.
#[derive(Clone)]
pub(super) struct Crew {
    pub(super) recipe: Recipe,
    pub(super) balancer: Balancer,
    pub(super) tally: Arc<Tally>,
    /// Ends the calm before.
    pub(super) go: CancellationToken,
    /// Ends everything.
    pub(super) stop: CancellationToken,
}

impl Crew {
    /// Fills all places. What is left to do in `lives` is counted down by `dying`, which ends when all are dead that had to be.
    pub(super) fn start(&self, lives: Vec<Vec<Life>>) -> (JoinSet<()>, CancellationToken) {
        let (mut places, dying) = (JoinSet::new(), CancellationToken::new());
        // The token is dropped, and so cancelled, with the last place that still has a life to live.
        let last = Arc::new(dying.clone().drop_guard());
        for (place, lives) in lives.into_iter().enumerate() {
            let (crew, last) = (self.clone(), Arc::clone(&last));
            places.spawn(async move {
                let stopped = crew.stop.clone();
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = crew.fill(place, lives, last) => {}
                }
            });
        }
        (places, dying)
    }

    async fn fill<T>(&self, place: usize, lives: Vec<Life>, last: T) {
        let mut first = true;
        for life in lives {
            let worker = self.born(place, &traps(&life)).await;
            if first {
                self.go.cancelled().await;
                first = false;
            }
            self.live(place, worker, life).await;
            sleep(life.pause).await;
        }
        drop(last);
        loop {
            let mut worker = self.born(place, &[]).await;
            worker.ended().await;
            self.gone(place);
            self.tally.count(|counts| counts.ended_by_themselves += 1);
        }
    }

    /// A worker that listens, however often that takes.
    async fn born(&self, place: usize, traps: &[(&str, String)]) -> Worker {
        loop {
            match self.recipe.start(place, traps).await {
                Ok(worker) => {
                    self.balancer.lives(place, worker.address);
                    tracing::debug!(place, pid = worker.pid(), "a worker listens");
                    return worker;
                }
                Err(error) => {
                    tracing::debug!(place, %error, "a worker did not start");
                    self.tally.count(|counts| counts.ended_by_themselves += 1);
                    sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    fn gone(&self, place: usize) {
        self.balancer.died(place);
    }

    async fn live(&self, place: usize, mut worker: Worker, life: Life) {
        if let Some(stall) = life.stall {
            self.stall(&mut worker, stall).await;
        }
        let (limit, point) = match life.end {
            End::Killed(after) => (after, None),
            End::Dies { point, within, .. } => (within, Some(point)),
        };
        let ended = timeout(limit, worker.ended()).await;
        // Before the kill, as a balancer that sees the connection go; what it had carried is cut all the same.
        match (ended, point) {
            (Ok(signal), Some(point)) if signal == Some(Signal::SIGABRT as i32) => {
                self.tally.count(|counts| *counts.killed_at.entry(point).or_default() += 1);
            }
            (Ok(_), _) => self.tally.count(|counts| counts.ended_by_themselves += 1),
            (Err(_), _) => {
                worker.kill().await;
                self.tally.count(|counts| counts.killed_at_random += 1);
            }
        }
        self.gone(place);
    }

    async fn stall(&self, worker: &mut Worker, stall: Stall) {
        let (lasts, point) = match stall {
            Stall::AtRandom { after, lasts } => {
                sleep(after).await;
                worker.stop();
                (lasts, None)
            }
            Stall::At { point, within, lasts, .. } => {
                let until = Instant::now() + within;
                while !worker.is_stopped() {
                    if Instant::now() > until {
                        return;
                    }
                    sleep(LOOK_EVERY).await;
                }
                (lasts, Some(point))
            }
        };
        sleep(lasts).await;
        worker.go_on();
        self.tally.count(|counts| match point {
            Some(point) => *counts.stalled_at.entry(point).or_default() += 1,
            None => counts.stalled_at_random += 1,
        });
    }
}

/// What a worker has to be told before its life.
fn traps(life: &Life) -> Vec<(&'static str, String)> {
    let mut traps = Vec::new();
    if let End::Dies { point, pass, .. } = life.end {
        traps.push(("TWINWIRE_CRASH_AT", format!("{point}:{pass}")));
    }
    if let Some(Stall::At { point, pass, .. }) = life.stall {
        traps.push(("TWINWIRE_STALL_AT", format!("{point}:{pass}")));
    }
    traps
}
