//! The workers: each place is filled again as soon as its worker has died as planned.

use super::balancer::Balancer;
use super::plan::{End, Life, Stall};
use super::tally::Tally;
use super::worker::{Recipe, Worker};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether a worker has stopped itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Wait before a worker that could not start is started again: the database may be down.
const TRY_AGAIN: Duration = Duration::from_millis(300);
/// How long the database may take to say what a worker was at.
const ASKING: Duration = Duration::from_secs(1);

/// Everything that a place needs.
#[derive(Clone)]
pub(super) struct Crew {
    pub(super) recipe: Recipe,
    pub(super) balancer: Balancer,
    pub(super) tally: Arc<Tally>,
    /// To be asked what a worker was at when it was killed.
    pub(super) pool: PgPool,
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
            self.ended_by_itself(place, &worker);
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
                    self.tally.count(|counts| counts.starts_failed += 1);
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
        let ended = timeout(limit, worker.ended()).await.is_ok();
        if !ended {
            worker.kill().await;
        }
        self.gone(place);
        // What it did at the very moment at which the time was up is judged by its last words as well.
        let died_at = worker.died_at();
        match point.filter(|point| died_at.as_deref() == Some(*point)) {
            None if ended => self.ended_by_itself(place, &worker),
            point => self.killed(&worker, point).await,
        }
    }

    async fn killed(&self, worker: &Worker, point: Option<&'static str>) {
        // Its lease stands until somebody else takes it, and the mark on the row until the row is looked at.
        let with_a_call = timeout(ASKING, at_work(&self.pool, worker.pid())).await;
        let with_a_call = with_a_call.is_ok_and(|asked| asked.unwrap_or(false));
        self.tally.count(|counts| {
            match point {
                Some(point) => *counts.killed_at.entry(point).or_default() += 1,
                None => counts.killed_at_random += 1,
            }
            counts.killed_with_a_call += usize::from(with_a_call);
            counts.killed_after_the_last += usize::from(counts.all_put_in);
        });
    }

    fn ended_by_itself(&self, place: usize, worker: &Worker) {
        let which = format!("worker {place}, process {}, ended by itself; see its log", worker.pid());
        self.tally.count(|counts| counts.ended_by_themselves.push(which));
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
        let held = leases(&self.pool, worker.pid()).await;
        sleep(lasts).await;
        let left = leases(&self.pool, worker.pid()).await;
        worker.go_on();
        self.tally.count(|counts| {
            match point {
                Some(point) => *counts.stalled_at.entry(point).or_default() += 1,
                None => counts.stalled_at_random += 1,
            }
            counts.taken_over += held.zip(left).map_or(0, |(held, left)| held.saturating_sub(left));
        });
    }
}

/// Whether a call of this process was on its way: a row marked so, in a channel that it works.
async fn at_work(pool: &PgPool, pid: i32) -> sqlx::Result<bool> {
    let asked = "select exists (select from messages m join channel_leases l using (channel_id)
        where m.in_flight is not null and starts_with(l.owner, $1))";
    sqlx::query_scalar(asked).bind(format!("{pid}-")).fetch_one(pool).await
}

/// How many channels this process works, unless the database cannot say.
async fn leases(pool: &PgPool, pid: i32) -> Option<usize> {
    let asked = "select count(*) from channel_leases where starts_with(owner, $1)";
    let asked = sqlx::query_scalar::<_, i64>(asked).bind(format!("{pid}-")).fetch_one(pool);
    usize::try_from(timeout(ASKING, asked).await.ok()?.ok()?).ok()
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
