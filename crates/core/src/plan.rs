//! The whole policy of Twinwire in one pure function: a row and a few facts in, one action out.
//!
//! The rules are told for people in `docs/CONVERGENCE.md`; each line there is a row of the table test in
//! `crates/core/tests/plan_table.rs`.

use crate::caps::{Caps, LookUp, Worse};
use crate::media::Medium;
use crate::model::{Act, Begun, Message, Need, Parked, Side, Status, Told};
use chrono::{DateTime, TimeDelta, Utc};

/// The most that [`Policy::give_up_after`] can be. A row that failed so often is not asked about any more, whatever the
/// policy: this is how [`crate::settle::apply`] writes down that a look-up was refused for good.
pub const GIVE_UP_AFTER: u32 = 50;

/// How long the last bytes of a call may be under way: as long as the kernel sends them again when nobody acknowledges
/// them, and the vendor's own time to show what it got.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(35);

/// A call starts at once after its begin, or something is wrong with the machine.
const LATEST_START: TimeDelta = TimeDelta::seconds(5);

/// How long a customer's message waits for its files, from when we first learnt of it or an operator asked for it anew:
/// after that it goes without.
pub const FETCH_WITHIN: TimeDelta = TimeDelta::hours(1);

/// How long a message that is still arriving at the provider is waited for.
const ARRIVES_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// What the planner needs to know beside the row.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub struct Facts<'a> {
    /// The channel is connected and not deleted or paused.
    pub active: bool,
    /// The earlier messages of this conversation that go the same way are settled or parked.
    pub turn: bool,
    /// The helpdesk's id of this conversation is known.
    pub thread_known: bool,
    /// The customer has opted out of being texted from this number.
    pub opted_out: bool,
    /// An earlier part of the same text was put aside.
    pub broken_off: bool,
    /// The helpdesk.
    pub helpdesk: End<'a>,
    /// The provider.
    pub provider: End<'a>,
    /// The installation's limits.
    pub policy: &'a Policy,
}

/// One end of a channel.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// What it can do.
    pub caps: &'a Caps,
    /// Its account rests until then (throttled, or its credentials refused).
    pub paused_until: Option<DateTime<Utc>>,
}

/// Limits that an installation can set.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// A message older than this is not delivered any more, see [`is_too_old`]: nobody wants last month's backlog sent.
    pub too_old: TimeDelta,
    /// A failure whose provider-side time is older than this is not reported any more. Where the provider has no time
    /// of it, the message's own counts, and `give_up_after` attempts are made however old it is.
    pub report_within: TimeDelta,
    /// Attempts without any movement after which a message is parked, where twice is worse than never; elsewhere they
    /// only end the asking. At most [`GIVE_UP_AFTER`].
    pub give_up_after: u32,
    /// Replaces every side's own settling time; for tests and demonstrations on doubles that answer at once.
    pub settling: Option<TimeDelta>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            too_old: TimeDelta::hours(48),
            report_within: TimeDelta::days(4),
            give_up_after: GIVE_UP_AFTER,
            settling: None,
        }
    }
}

/// What to do with a row now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Both sides are in step; sleep until evidence comes.
    Nothing,
    /// Not before then.
    WaitUntil(DateTime<Utc>),
    /// An earlier message of the conversation comes first.
    WaitTurn,
    /// The channel does not work at present; whoever makes it work wakes its rows.
    WaitChannel,
    /// One outside call.
    Do(Act),
    /// Put it aside for a person.
    Park(Parked),
}

/// Decides what to do with `row` at `now`.
pub fn plan(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    let need = row.need();
    if need == Need::Nothing {
        return Action::Nothing;
    }
    if let Some(wake_at) = row.wake_at.filter(|at| *at > now) {
        return Action::WaitUntil(wake_at);
    }
    if !facts.active {
        return Action::WaitChannel;
    }
    match need {
        Need::Nothing => Action::Nothing,
        Need::Settle(doubt) => settle(row, doubt, facts, now),
        Need::Deliver => deliver(row, facts, now),
        Need::Tell => tell(row, facts, now),
    }
}

/// An unsafe act of unknown outcome is not answered with a blind second one, unless nobody can say any more what became
/// of it and not at all would be worse than twice.
fn settle(row: &Message, doubt: Begun, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    let end = facts.end(side_of(row, doubt.act));
    let settled_at = doubt.at + facts.settling(end);
    if settled_at > now {
        return Action::WaitUntil(settled_at);
    }
    let can_look = match end.caps.look_up {
        _ if facts.is_worn(row) => false,
        LookUp::Always => true,
        LookUp::KnownThread => facts.thread_known,
        LookUp::Never => false,
    };
    // A provider that cannot be asked for so long leaves the agent to wonder.
    let stale = doubt.act == Act::Deliver
        && row.origin == Side::Helpdesk
        && now - doubt.at > facts.policy.too_old
        && end.paused_until.is_some_and(|until| until > now);
    match (can_look, end.caps.worse) {
        _ if stale => Action::Park(Parked::Uncertain),
        (true, _) => end.unless_paused(Act::LookUp, now),
        (false, _) if doubt.act == Act::Note && is_stale(row, facts, now) => Action::Park(Parked::Uncertain),
        (false, Worse::Never) => end.unless_paused(doubt.act, now),
        (false, Worse::Twice) => Action::Park(Parked::Uncertain),
    }
}

fn deliver(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    if facts.broken_off {
        return Action::Park(Parked::Incomplete);
    }
    if is_too_old(row, facts.policy.too_old, now) {
        return Action::Park(Parked::TooOld);
    }
    let end = facts.end(row.destination());
    if facts.opted_out && row.destination() == Side::Provider && !end.caps.keeps_opt_outs {
        return Action::Park(Parked::OptedOut);
    }
    // A helpdesk that is down for a day is no reason to lose what a customer wrote: there it is tried until it passes.
    if facts.is_worn(row) && end.caps.worse == Worse::Twice {
        return Action::Park(Parked::GaveUp);
    }
    if let Some(until) = arriving_until(row).filter(|until| *until > now) {
        return Action::WaitUntil(until);
    }
    if let Some(action) = fetch(row, facts, now) {
        return action;
    }
    if !facts.turn {
        return Action::WaitTurn;
    }
    end.unless_paused(Act::Deliver, now)
}

/// A message that the provider itself has not got whole yet shows neither its text nor its files. It is waited for a little.
fn arriving_until(row: &Message) -> Option<DateTime<Utc>> {
    let arriving = row.origin == Side::Provider && row.provider_status == Some(Status::Receiving);
    arriving.then(|| row.seen_at + ARRIVES_WITHIN)
}

/// Files are fetched before anything else and out of turn: vendors do not keep them for ever.
fn fetch(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> Option<Action> {
    if !wants_files(row, now) {
        return None;
    }
    let action = facts.end(row.origin).unless_paused(Act::Fetch, now);
    Some(match action {
        Action::WaitUntil(until) if row.origin == Side::Provider => {
            Action::WaitUntil(until.min(fetched_since(row) + FETCH_WITHIN))
        }
        other => other,
    })
}

/// Whether what is to be done for a row is to fetch a file of it.
#[must_use]
pub fn fetches(row: &Message, now: DateTime<Utc>) -> bool {
    row.parked.is_none() && wants_files(row, now)
}

/// Whether there is a file to be fetched, and still time for it.
fn wants_files(row: &Message, now: DateTime<Utc>) -> bool {
    let in_time = row.origin == Side::Helpdesk || now - fetched_since(row) < FETCH_WITHIN;
    in_time && row.media.iter().any(Medium::is_wanted)
}

/// From when a message's files are asked for. No delivery is tried while they are, so that an attempt before is one that
/// was put aside and is asked for anew.
fn fetched_since(row: &Message) -> DateTime<Utc> {
    row.attempted_at.unwrap_or(row.seen_at).max(row.seen_at)
}

/// Whether a message is not delivered any more because of its age. An agent's message goes stale while it waits, whatever
/// for: nobody wants an answer from last week sent. A customer's text was old when it was found, or it is news however long
/// the helpdesk could not be reached since.
pub fn is_too_old(row: &Message, too_old: TimeDelta, now: DateTime<Utc>) -> bool {
    match row.origin {
        Side::Helpdesk => now - row.attempted_at.unwrap_or(row.occurred_at).max(row.occurred_at) > too_old,
        Side::Provider => row.attempted_at.is_none() && row.seen_at - row.occurred_at > too_old,
    }
}

fn tell(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    if is_stale(row, facts, now) {
        return Action::Nothing;
    }
    let act = if row.helpdesk_status == Some(Told::StatusRefused) { Act::Note } else { Act::Report };
    facts.helpdesk.unless_paused(act, now)
}

/// Whether a failure is no news to the agent any more. Without a time of the provider's there is only the message's own,
/// and a message parked as too old is old from the start: of such a one the agent is told as long as attempts last.
fn is_stale(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> bool {
    match row.provider_updated_at {
        Some(at) => now - at > facts.policy.report_within,
        None => {
            let at = row.attempted_at.max(Some(row.occurred_at));
            facts.is_worn(row) && at.is_some_and(|at| now - at > facts.policy.report_within)
        }
    }
}

/// The side to which an act goes.
pub fn side_of(row: &Message, act: Act) -> Side {
    match act {
        Act::Deliver => row.destination(),
        Act::Fetch => row.origin,
        Act::Report | Act::Note => Side::Helpdesk,
        Act::LookUp => row.standing_doubt().map_or(row.destination(), |doubt| match doubt.act {
            Act::Note => Side::Helpdesk,
            _ => row.destination(),
        }),
    }
}

impl<'a> Facts<'a> {
    /// The end on `side`.
    pub fn end(&self, side: Side) -> End<'a> {
        match side {
            Side::Helpdesk => self.helpdesk,
            Side::Provider => self.provider,
        }
    }

    /// Whether it was tried often enough.
    fn is_worn(&self, row: &Message) -> bool {
        row.failures >= self.policy.give_up_after.min(GIVE_UP_AFTER)
    }

    /// How long after its begin a call to `side` may still start. A process that was held up in between must not call
    /// any more: by then another one may have looked, found nothing, and called itself. Far below the settling time, so
    /// that a call that starts at the last moment is there to be seen when somebody looks.
    pub fn start_within(&self, side: Side) -> TimeDelta {
        (self.settling(self.end(side)) / 3).min(LATEST_START)
    }

    /// How long after its begin the last of a call's bytes may leave: an upload takes its time, and one that a standstill
    /// has cut in two must not come to its end once somebody may have looked. What has left may be under way for a while.
    pub fn end_within(&self, side: Side) -> TimeDelta {
        let settling = self.settling(self.end(side));
        (settling - UNDER_WAY).max(settling / 3)
    }

    fn settling(&self, end: End<'_>) -> TimeDelta {
        let own = || TimeDelta::from_std(end.caps.settling).unwrap_or(TimeDelta::MAX);
        self.policy.settling.unwrap_or_else(own)
    }
}

impl End<'_> {
    fn unless_paused(self, act: Act, now: DateTime<Utc>) -> Action {
        match self.paused_until {
            Some(until) if until > now => Action::WaitUntil(until),
            _ => Action::Do(act),
        }
    }
}
