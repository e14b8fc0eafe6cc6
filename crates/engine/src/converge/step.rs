//! One act for one row: begin, call, apply.

use super::accounts::Ends;
use super::worker::{Both, PUT_OFF};
use super::{apply, begin, fetch, look_up};
use crate::call::{self, Caller, Made};
use crate::media::attach;
use crate::sender::Window;
use crate::trace::{Kind, Open, Within};
use crate::{Engine, Result, Safeguard, crash};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use twinwire_core::connector::{Attachment, Call};
use twinwire_core::model::{Act, Message, Need, Side, log_id};
use twinwire_core::observe::Observation;
use twinwire_core::outcome::{Done, Outcome, Refusal};
use twinwire_core::plan::{Action, side_of};
use twinwire_core::settle::Result as Came;
use twinwire_core::{report, segments};
use twinwire_store::attempts::Line;
use twinwire_store::conversations;
use twinwire_store::leases::{self, Lease};
use twinwire_store::unit::Unit;

/// How often writing an outcome is tried while the database is away. What is lost then is not the message: the row
/// stands in flight, and whoever works the channel next looks it up.
const APPLY_TRIES: u32 = 30;
/// Wait between those.
const APPLY_PAUSE: Duration = Duration::from_secs(1);

/// A wait after which what was read before is not believed any more.
const STALE: Duration = Duration::from_millis(500);

/// What a step is made with.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) engine: Engine,
    pub(super) lease: Lease,
    pub(super) ends: Ends,
    pub(super) limits: Arc<Both>,
    pub(super) shutdown: CancellationToken,
    pub(super) thread: Option<String>,
    /// The step's span.
    pub(super) within: Option<Within>,
    /// What is written down together with other steps of the channel.
    pub(super) begins: begin::Begins,
    pub(super) applies: apply::Applies,
}

impl Step {
    /// Who makes a call of an act.
    pub(super) fn caller<'a>(&'a self, row: &Message, act: Act, files: &'a [Attachment]) -> Caller<'a> {
        Caller {
            account: self.ends.account(side_of(row, act)),
            channel: Some(&self.ends.channel.channel),
            thread: self.thread.as_deref(),
            files,
            window: window(self, row, act),
            within: self.within.as_ref(),
        }
    }

    /// Reads again what may have changed while the limits were waited for. False when the channel is gone.
    async fn look_again(&mut self, row: &Message) -> Result<bool> {
        let Some(ends) = Ends::read(&self.engine, self.lease.channel).await? else { return Ok(false) };
        self.ends = ends;
        if row.need() != Need::Deliver {
            let mut conn = self.engine.pool().acquire().await?;
            self.thread = conversations::thread(&mut conn, self.lease.channel, &row.conversation).await?;
        }
        Ok(true)
    }
}

/// The files of a delivery. They are made ready before it begins, since an image may take seconds to be made smaller and a
/// call has to start at once after its begin.
enum Ready {
    Files(attach::Ready),
    /// They cannot be.
    Not(Came),
}

impl Ready {
    async fn of(step: &Step, row: &Message, act: Act) -> Self {
        if act != Act::Deliver {
            return Self::Files(attach::Ready::default());
        }
        match attach::ready(&step.engine, step.ends.connector(row.destination()), row).await {
            Ok(Ok(ready)) => Self::Files(ready),
            Ok(Err(refusal)) => Self::Not(Came::Refused(refusal)),
            Err(error) => {
                tracing::error!(row = row.log_id(), %error, "the files of a message cannot be read");
                Self::Not(Came::Refused(Refusal::later("our store of files cannot be read")))
            }
        }
    }
}

/// What an act brought, with the evidence that its answer carried.
pub(super) struct Brought {
    pub(super) came: Came,
    pub(super) evidence: Option<Observation>,
    /// Whether a failure is held against the message, see [`Made`].
    pub(super) counts: bool,
}

/// Makes one act for a row that was claimed.
pub(super) async fn run(mut step: Step, row: Message, act: Act) {
    let id = row.external_id.clone();
    let message = Within::message(&step.engine, &step.ends.channel.channel.id, &id);
    let span = Open::begin(&step.engine, message.as_ref(), "converge", Kind::Internal)
        .with("twinwire.act", act_word(act));
    step.within = span.within();
    let done = all(&mut step, row, act).await;
    span.end(done.is_err());
    if let Err(error) = done {
        let channel = &step.ends.channel.channel.id;
        tracing::warn!(channel, row = log_id(&id), ?act, %error, "a step was not finished; the row will be looked at again");
    }
}

async fn all(step: &mut Step, claimed: Message, act: Act) -> Result<()> {
    let asked = Instant::now();
    if !pace(step, &claimed, act).await? {
        return Ok(());
    }
    let ready = tokio::select! {
        biased;
        () = step.shutdown.cancelled() => return Ok(()),
        ready = Ready::of(step, &claimed, act) => ready,
    };
    let waited = asked.elapsed() > STALE;
    if waited && !step.look_again(&claimed).await? {
        return Ok(());
    }
    crash::point("before_begin");
    let Some(row) = begin::run(step, &claimed.external_id, act, waited).await? else { return Ok(()) };
    crash::point("after_begin");
    if act == Act::Deliver && claimed.attempted_at.is_none() {
        let lag = (step.engine.now() - row.seen_at).to_std().unwrap_or_default();
        step.engine.metrics().first_call(step.ends.connector(row.destination()).name(), lag);
    }
    let mut brought = make(step, &row, act, ready).await;
    if !brought.counts {
        brought.came = brought.came.while_away();
    }
    crash::point("after_call");
    let span = Open::begin(&step.engine, step.within.as_ref(), "apply", Kind::Internal);
    let done = insist(step, &row, act, brought).await;
    span.end(done.is_err());
    done
}

/// Writes down what came of the act, however often that takes.
async fn insist(step: &Step, row: &Message, act: Act, brought: Brought) -> Result<()> {
    let (mut tries, brought) = (0, Arc::new(brought));
    loop {
        tries += 1;
        match apply::run(step, row, act, &brought).await {
            Err(error) if error.is_conflict() && tries < APPLY_TRIES => {}
            Err(error) if error.is_outage() && tries < APPLY_TRIES => tokio::time::sleep(APPLY_PAUSE).await,
            done => return done,
        }
    }
}

/// An act, in a word.
fn act_word(act: Act) -> &'static str {
    match act {
        Act::Deliver => "deliver",
        Act::Fetch => "fetch",
        Act::LookUp => "look_up",
        Act::Report => "report",
        Act::Note => "note",
    }
}

/// Waits until the vendor's limits allow the call. Nothing has begun meanwhile, so a stop need not wait for it.
async fn pace(step: &Step, row: &Message, act: Act) -> Result<bool> {
    let side = side_of(row, act);
    let limits = step.limits.on(side);
    let allowed = async {
        if act == Act::Deliver && side == Side::Provider {
            limits.segments(segments::count(&row.body)).await;
        }
        limits.call(&step.engine).await
    };
    tokio::select! {
        allowed = allowed => allowed.map(|()| true),
        () = step.shutdown.cancelled() => Ok(false),
    }
}

/// Makes sure that this process still works the channel, until the commit.
pub(super) async fn fence(engine: &Engine, unit: &mut Unit, lease: &Lease) -> Result<()> {
    if engine.guards(Safeguard::Fence) {
        leases::hold(unit.conn().await?, lease).await?;
    }
    Ok(())
}

/// The row with the doubt that stands on it; in a proof without it, as a system would see it that keeps no doubt.
pub(super) fn as_known(engine: &Engine, mut row: Message) -> Message {
    if !engine.guards(Safeguard::Doubt) {
        (row.in_flight, row.doubt) = (None, None);
    }
    row
}

/// When a row that has to wait is looked at again.
pub(super) fn later(action: Action, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match action {
        Action::WaitUntil(at) => Some(at),
        Action::WaitTurn | Action::WaitChannel => Some(now + PUT_OFF),
        Action::Nothing | Action::Do(_) | Action::Park(_) => None,
    }
}

/// When a call that people would see twice has to be on its way, and all of it to be gone. A machine that stood still between begin and call may have
/// lost the channel to a process that has looked, found nothing, and made the call itself.
fn window(step: &Step, row: &Message, act: Act) -> Option<Window> {
    let began = row.in_flight.filter(|_| act.is_unsafe() && step.engine.guards(Safeguard::Start))?.at;
    let (facts, side) = (step.ends.facts(&step.engine, false), side_of(row, act));
    Some(Window { start_by: began + facts.start_within(side), end_by: began + facts.end_within(side) })
}

/// Makes the call, with no transaction open.
async fn make(step: &Step, row: &Message, act: Act, ready: Ready) -> Brought {
    let made = match act {
        Act::LookUp => return look_up::make(step, row).await,
        Act::Fetch => return fetch::make(step, row).await,
        Act::Deliver => match ready {
            Ready::Files(ready) => one(step, row, act, &Call::Deliver(row), &ready.files).await,
            Ready::Not(came) => return Brought { came, evidence: None, counts: true },
        },
        Act::Report => {
            one(step, row, act, &Call::Report { message: row, reason: &report::reason(row) }, &[]).await
        }
        Act::Note => {
            let (external_id, text) = (report::note_id(row), report::note(row));
            let note = Call::Note { message: row, external_id: &external_id, text: &text };
            one(step, row, act, &note, &[]).await
        }
    };
    let evidence = match &made.outcome {
        Outcome::Done(Done::Delivered(seen)) => Some(evidence(row, seen)),
        _ => None,
    };
    Brought { came: made.outcome.into(), evidence, counts: made.counts }
}

/// The answer to our own call says which row it is: as sure as our reference in a callback.
fn evidence(row: &Message, seen: &Observation) -> Observation {
    let mut seen = seen.clone();
    match &mut seen {
        Observation::AtProvider(seen) => seen.reference = Some(row.external_id.clone()),
        Observation::AtHelpdesk(seen) => seen.external_id = Some(row.external_id.clone()),
        Observation::Ordered(_) | Observation::Connected { .. } | Observation::Disconnected => {}
    }
    seen
}

/// One call. That the account's pause could not be written down does not make its outcome less known.
pub(super) async fn one(step: &Step, row: &Message, act: Act, made: &Call<'_>, files: &[Attachment]) -> Made {
    match call::make(&step.engine, step.caller(row, act, files), made).await {
        Ok(made) => made,
        Err(error) => Made { outcome: Outcome::Unknown(error.to_string()), counts: true },
    }
}

pub(super) fn line<'a>(step: &'a Step, id: &'a str) -> Line<'a> {
    let by = Some((step.lease.owner.as_str(), step.lease.fence));
    Line { channel: step.lease.channel, external_id: id, at: step.engine.now(), by }
}
