//! The worker of one channel, for as long as it holds the lease.

use super::accounts::Ends;
use super::apply::Applies;
use super::aside;
use super::begin::Begins;
use super::standing;
use super::step::{self, Step};
use crate::gather::Gather;
use crate::pace::Limits;
use crate::{Engine, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use twinwire_core::model::{Message, Need, Side};
use twinwire_core::plan::{Action, fetches, plan};
use twinwire_store::channels;
use twinwire_store::conversations;
use twinwire_store::leases::{self, Lease};
use twinwire_store::tx;
use twinwire_store::work::{self, Ask};

/// Calls of one channel at a time, for messages of each side: what ends together is written together, and more than that
/// was no faster. Apart, so that neither a mass of texts that waits for the number's pace nor a provider that hangs holds up
/// what customers write, and the other way round.
const AT_ONCE: usize = 64;
/// Files fetched at a time for messages of each side, beside those calls: a storage that hangs holds up nobody's text.
const FILES_AT_ONCE: usize = 6;
/// Most acts that are begun or applied in one transaction.
const TOGETHER: usize = AT_ONCE;
/// How long, where more waits than there is room for, calls that end after another one are waited for, so that what follows
/// on them is found in one question.
const COMPANY: Duration = Duration::from_millis(5);
/// How long a worker without work keeps its lease.
const LINGER: Duration = Duration::from_secs(2);
/// Wait after an error of the database.
const PAUSE: Duration = Duration::from_secs(1);
/// How far a row is put off that cannot be worked at present (its channel was paused meanwhile).
pub(super) const PUT_OFF: TimeDelta = TimeDelta::seconds(30);

/// Works a channel until it has nothing to do, the lease is lost, or `shutdown`; calls in flight are finished.
pub(super) async fn run(engine: Engine, lease: Lease, notify: Arc<Notify>, shutdown: CancellationToken) {
    // Who waits for a limit when this ends has begun nothing, and need not wait on.
    let shutdown = shutdown.child_token();
    let mut worker = match Worker::start(engine.clone(), lease.clone(), notify, shutdown.clone()).await {
        Ok(Some(worker)) => worker,
        Ok(None) => return,
        Err(error) => return tracing::warn!(%error, "cannot read a channel"),
    };
    loop {
        match worker.round(&shutdown).await {
            Ok(Next::Go) => {}
            Ok(Next::Stop) => break,
            Err(error) if error.is_lease_lost() => {
                tracing::warn!(
                    channel = worker.ends.channel.channel.id,
                    "lease lost; another process works the channel"
                );
                break;
            }
            Err(error) => {
                tracing::warn!(channel = worker.ends.channel.channel.id, %error, "a round failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    shutdown.cancel();
    worker.finish().await;
    if let Err(error) = give_back(&engine, &lease).await {
        tracing::debug!(%error, "lease not given back; it runs out by itself");
    }
}

/// Gives the lease back and says so: what is left to do should not wait until another process looks by itself.
async fn give_back(engine: &Engine, lease: &Lease) -> Result<()> {
    let mut tx = tx::begin(engine.pool()).await?;
    leases::release(&mut *tx, lease).await?;
    work::announce(&mut tx, lease.channel).await?;
    Ok(tx.commit().await?)
}

enum Next {
    Go,
    Stop,
}

/// The limits of both ends.
#[derive(PartialEq)]
pub(super) struct Both {
    helpdesk: Limits,
    provider: Limits,
}

impl Both {
    fn of(ends: &Ends) -> Self {
        Self {
            helpdesk: Limits::of(ends.helpdesk_connector, &ends.helpdesk.settings),
            provider: Limits::of(ends.provider_connector, &ends.provider.settings),
        }
    }

    /// The limits of a side.
    pub(super) fn on(&self, side: Side) -> &Limits {
        match side {
            Side::Helpdesk => &self.helpdesk,
            Side::Provider => &self.provider,
        }
    }
}

/// Calls that do not get into each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lane {
    /// Where the message was born.
    origin: Side,
    /// A file of it is fetched.
    files: bool,
}

/// All of them. What customers write goes first.
const LANES: [Lane; 4] = [
    Lane { origin: Side::Provider, files: true },
    Lane { origin: Side::Helpdesk, files: true },
    Lane { origin: Side::Provider, files: false },
    Lane { origin: Side::Helpdesk, files: false },
];

impl Lane {
    fn of(ask: &Ask) -> Self {
        Self { origin: ask.origin, files: ask.files }
    }
}

/// A row whose call runs.
struct Running {
    lane: Lane,
    /// Its conversation, while it is not delivered: nothing else of it goes the same way then.
    delivering: Option<String>,
}

struct Worker {
    engine: Engine,
    lease: Lease,
    notify: Arc<Notify>,
    ends: Ends,
    limits: Arc<Both>,
    shutdown: CancellationToken,
    calls: JoinSet<()>,
    /// The row of each call.
    tasks: HashMap<task::Id, String>,
    running: HashMap<String, Running>,
    begins: Begins,
    applies: Applies,
    /// At the last look there was more than there was room for.
    crowded: bool,
    renewed: Instant,
    idle_since: Option<Instant>,
}

impl Worker {
    async fn start(
        engine: Engine,
        lease: Lease,
        notify: Arc<Notify>,
        shutdown: CancellationToken,
    ) -> Result<Option<Self>> {
        let Some(ends) = Ends::read(&engine, lease.channel).await? else { return Ok(None) };
        Ok(Some(Self {
            limits: Arc::new(Both::of(&ends)),
            shutdown,
            engine,
            lease,
            notify,
            ends,
            calls: JoinSet::new(),
            tasks: HashMap::new(),
            running: HashMap::new(),
            begins: Gather::new(TOGETHER),
            applies: Gather::new(TOGETHER),
            crowded: false,
            renewed: Instant::now(),
            idle_since: None,
        }))
    }

    async fn round(&mut self, shutdown: &CancellationToken) -> Result<Next> {
        if shutdown.is_cancelled() {
            return Ok(Next::Stop);
        }
        self.renew().await?;
        while let Some(ended) = self.calls.try_join_next_with_id() {
            self.ended(ended);
        }
        let now = self.engine.now();
        if self.ends.is_stale(now) {
            match Ends::read(&self.engine, self.lease.channel).await? {
                Some(ends) => self.look_at(ends),
                None => return Ok(Next::Stop),
            }
        }
        if standing::is_due(&self.ends, now) {
            channels::begin_show(self.engine.pool(), self.lease.channel, now).await?;
            self.calls.spawn(standing::show(self.engine.clone(), self.ends.clone(), self.limits.clone()));
            self.ends.expire();
        }
        if self.start_due(now).await? {
            return Ok(Next::Go);
        }
        self.wait(shutdown, now).await
    }

    /// Takes over how the ends stand now. New limits begin with a full burst, so they are made only where they changed.
    fn look_at(&mut self, ends: Ends) {
        let limits = Both::of(&ends);
        if limits != *self.limits {
            self.limits = Arc::new(limits);
        }
        self.ends = ends;
    }

    /// How many calls there may be in a lane. One is enough to see whether an account that rested works again.
    fn at_once(&self, lane: Lane) -> usize {
        let account = self.ends.account(if lane.files { lane.origin } else { lane.origin.other() });
        let probing = account.pauses > 0 || self.engine.health().is_away(account.id, self.engine.now());
        match (probing, lane.files) {
            (true, _) => 1,
            (false, true) => FILES_AT_ONCE,
            (false, false) => AT_ONCE,
        }
    }

    /// Starts what is due. Says whether there may be more that there is room for.
    async fn start_due(&mut self, now: DateTime<Utc>) -> Result<bool> {
        let asks: Vec<Ask> = LANES.into_iter().filter_map(|lane| self.ask(lane)).collect();
        if asks.is_empty() {
            return Ok(false);
        }
        let running: Vec<String> = self.running.keys().cloned().collect();
        let due = work::due(self.engine.pool(), self.lease.channel, now, &running, &asks).await?;
        let mut found = HashMap::<Lane, i64>::new();
        for row in due {
            let lane = Lane { origin: row.origin, files: fetches(&row, now) };
            *found.entry(lane).or_default() += 1;
            // Rows that are put aside are so one after the other.
            self.renew().await?;
            self.take(row, lane, now).await?;
        }
        let full = |ask: &&Ask| found.get(&Lane::of(ask)).is_some_and(|found| *found >= ask.most);
        self.crowded = asks.iter().any(|ask| full(&ask));
        Ok(asks.iter().filter(full).any(|ask| self.ask(Lane::of(ask)).is_some()))
    }

    /// What there is room for in a lane.
    fn ask(&self, lane: Lane) -> Option<Ask> {
        let same = || self.running.values().filter(|one| one.lane == lane);
        let free = self.at_once(lane).checked_sub(same().count()).filter(|free| *free > 0)?;
        let most = i64::try_from(free).unwrap_or(i64::MAX);
        let delivering = same().filter_map(|one| one.delivering.clone()).collect();
        Some(Ask { origin: lane.origin, files: lane.files, most, delivering })
    }

    /// Does what the planner says about a row.
    async fn take(&mut self, row: Message, lane: Lane, now: DateTime<Utc>) -> Result<()> {
        let row = step::as_known(&self.engine, row);
        let thread = match row.need() {
            Need::Nothing | Need::Deliver => None,
            Need::Settle(_) | Need::Tell => self.thread(&row).await?,
        };
        match plan(&row, &self.ends.facts(&self.engine, thread.is_some()), now) {
            Action::Do(act) => {
                let open = row.destination_id().is_none() && row.parked.is_none();
                let running = Running { lane, delivering: open.then(|| row.conversation.clone()) };
                self.running.insert(row.external_id.clone(), running);
                let step = Step {
                    engine: self.engine.clone(),
                    lease: self.lease.clone(),
                    ends: self.ends.clone(),
                    limits: self.limits.clone(),
                    shutdown: self.shutdown.clone(),
                    thread,
                    within: None,
                    begins: self.begins.clone(),
                    applies: self.applies.clone(),
                };
                let id = row.external_id.clone();
                let call = self.calls.spawn(step::run(step, row, act));
                self.tasks.insert(call.id(), id);
                return Ok(());
            }
            Action::Park(why) => {
                return aside::park(&self.engine, &self.lease, &self.ends, &row.external_id, why).await;
            }
            // Its own process would be running it: the one that began died.
            Action::Nothing if row.in_flight.is_some() => {
                return aside::tidy(&self.engine, &self.lease, &row).await;
            }
            Action::Nothing | Action::WaitUntil(_) | Action::WaitTurn | Action::WaitChannel => {}
        }
        // Who connects a channel or renews an account wakes its rows: what was read before must not put them off again.
        if !aside::put_off(&self.engine, &self.lease, &self.ends, &row.external_id, thread.is_some()).await? {
            self.ends.expire();
        }
        Ok(())
    }

    async fn thread(&self, row: &Message) -> Result<Option<String>> {
        let mut conn = self.engine.pool().acquire().await?;
        Ok(conversations::thread(&mut conn, self.lease.channel, &row.conversation).await?)
    }

    /// Sleeps until something may have changed. Stops after a while without anything to do.
    async fn wait(&mut self, shutdown: &CancellationToken, now: DateTime<Utc>) -> Result<Next> {
        let next = work::next_wake(self.engine.pool(), self.lease.channel, now).await?;
        let until_next = next.and_then(|at| (at - now).to_std().ok()).unwrap_or(LINGER);
        if self.calls.is_empty() {
            let idle_since = *self.idle_since.get_or_insert_with(Instant::now);
            if idle_since.elapsed() >= LINGER && until_next >= LINGER {
                return Ok(Next::Stop);
            }
        } else {
            self.idle_since = None;
        }
        let sleep = until_next.min(self.engine.lease() / 3).min(LINGER).max(Duration::from_millis(5));
        tokio::select! {
            () = shutdown.cancelled() => return Ok(Next::Stop),
            () = self.notify.notified() => self.idle_since = None,
            () = tokio::time::sleep(sleep) => {}
            Some(ended) = self.calls.join_next_with_id() => {
                self.ended(ended);
                // What was written down together ends together; the next round counts all of it.
                if self.crowded {
                    self.company().await;
                } else {
                    task::yield_now().await;
                }
            }
        }
        Ok(Next::Go)
    }

    /// Waits for more calls to end, until half of the room is free.
    async fn company(&mut self) {
        let enough = tokio::time::sleep(COMPANY);
        tokio::pin!(enough);
        for _ in 1..AT_ONCE / 2 {
            tokio::select! {
                () = &mut enough => return,
                ended = self.calls.join_next_with_id() => match ended {
                    Some(ended) => self.ended(ended),
                    None => return,
                },
            }
        }
    }

    fn ended(&mut self, ended: std::result::Result<(task::Id, ()), task::JoinError>) {
        let call = match ended {
            Ok((call, ())) => call,
            Err(error) => {
                // A panic in a step: the row stands in flight, which is doubt, and is looked at again.
                tracing::error!(%error, "a step broke");
                error.id()
            }
        };
        if let Some(row) = self.tasks.remove(&call) {
            self.running.remove(&row);
        }
    }

    async fn renew(&mut self) -> Result<()> {
        if self.renewed.elapsed() >= self.engine.lease() / 3 {
            leases::renew(self.engine.pool(), &self.lease, self.engine.lease_held()).await?;
            self.renewed = Instant::now();
        }
        Ok(())
    }

    /// Lets the calls in flight end, with the lease held for them.
    async fn finish(&mut self) {
        while !self.calls.is_empty() {
            tokio::select! {
                Some(ended) = self.calls.join_next_with_id() => self.ended(ended),
                () = tokio::time::sleep(self.engine.lease() / 3) => {}
            }
            if let Err(error) = self.renew().await {
                tracing::debug!(%error, "lease not renewed while finishing");
            }
        }
    }
}
