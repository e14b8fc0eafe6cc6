//! The whole policy of Twinwire in one pure function: a row and a few facts in, one action out.
//!
//! The rules are told for people in `docs/CONVERGENCE.md`; each line there is a row of the table test in
//! `crates/core/tests/plan_table.rs`.

use crate::caps::{Caps, LookUp, Worse};
use crate::model::{Act, Begun, Message, Need, Parked, Side, Told};
use chrono::{DateTime, TimeDelta, Utc};

/// What the planner needs to know beside the row.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The channel is connected and not deleted or paused.
    pub active: bool,
    /// The earlier messages of this conversation that go the same way are settled or parked.
    pub turn: bool,
    /// The helpdesk's id of this conversation is known.
    pub thread_known: bool,
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
    /// A message older than this when first tried is not delivered any more: nobody wants last month's backlog sent.
    pub too_old: TimeDelta,
    /// A failure whose provider-side time is older than this is not reported any more.
    pub report_within: TimeDelta,
    /// Attempts without any movement after which a message is parked.
    pub give_up_after: u32,
    /// Replaces every side's own settling time; for tests and demonstrations on doubles that answer at once.
    pub settling: Option<TimeDelta>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            too_old: TimeDelta::hours(48),
            report_within: TimeDelta::days(4),
            give_up_after: 50,
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

/// An unsafe act of unknown outcome is never answered with a blind second one.
fn settle(row: &Message, doubt: Begun, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    let end = facts.end(side_of(row, doubt.act));
    if row.failures >= facts.policy.give_up_after {
        return Action::Park(Parked::Uncertain);
    }
    let settled_at = doubt.at + facts.settling(end);
    if settled_at > now {
        return Action::WaitUntil(settled_at);
    }
    let can_look = match end.caps.look_up {
        LookUp::Always => true,
        LookUp::KnownThread => facts.thread_known,
        LookUp::Never => false,
    };
    match (can_look, end.caps.worse) {
        (true, _) => end.unless_paused(Act::LookUp, now),
        (false, Worse::Never) => end.unless_paused(doubt.act, now),
        (false, Worse::Twice) => Action::Park(Parked::Uncertain),
    }
}

fn deliver(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    if row.attempted_at.is_none() && now - row.occurred_at > facts.policy.too_old {
        return Action::Park(Parked::TooOld);
    }
    if row.failures >= facts.policy.give_up_after {
        return Action::Park(Parked::GaveUp);
    }
    if !facts.turn {
        return Action::WaitTurn;
    }
    facts.end(row.destination()).unless_paused(Act::Deliver, now)
}

fn tell(row: &Message, facts: &Facts<'_>, now: DateTime<Utc>) -> Action {
    let stale = row.provider_updated_at.is_some_and(|at| now - at > facts.policy.report_within);
    if stale || row.failures >= facts.policy.give_up_after {
        return Action::Nothing;
    }
    let act = if row.helpdesk_status == Some(Told::StatusRefused) { Act::Note } else { Act::Report };
    facts.helpdesk.unless_paused(act, now)
}

/// The side to which an act goes.
pub fn side_of(row: &Message, act: Act) -> Side {
    match act {
        Act::Deliver => row.destination(),
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
