//! The two writes around an outside call: `begin` before it, `apply` after it.
//!
//! `begin` commits what is about to be tried. The call happens with no transaction open. `apply` commits what came of
//! it. A process that dies between the two leaves the row in flight; whoever plans it next finds the doubt.

use crate::backoff::backoff;
use crate::media::{self, Fetched};
use crate::model::{Act, Begun, Message, Need, Parked, Side, Told};
use crate::outcome::{Outcome, Refusal, RefusalKind};
use crate::plan::GIVE_UP_AFTER;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// What is left of the failures when an act is repeated in the dark: the side is asked again before the next repetition,
/// and the back-off stays at its cap.
const ASK_ANEW: u32 = 10;

/// Attempts to get a file, or to upload a customer's. They take a quarter of an hour; after that a customer's message goes
/// without it, and an agent is told.
pub const FETCH_TRIES: u32 = 10;

/// Writes down that `act` is about to be tried.
///
/// The doubt left by an earlier crash is kept before the mark of it is overwritten: without this line a crashed
/// look-up after a crashed send hides the send, and the next round sends twice.
///
/// An act that is repeated in the dark, because nobody could say what became of the one before, starts the asking anew.
#[must_use]
pub fn begin(row: &Message, act: Act, now: DateTime<Utc>) -> Message {
    let mut after = row.clone();
    after.doubt = row.standing_doubt();
    after.in_flight = Some(Begun { act, at: now });
    if act.is_unsafe() && in_doubt_about(&after, act) {
        after.failures = row.failures.min(ASK_ANEW);
    }
    if act == Act::Deliver {
        after.attempted_at = row.attempted_at.or(Some(now));
    }
    after
}

/// What came of an act, as far as the row is concerned. Evidence that the answer carried has been folded in before.
#[derive(Clone, Debug, PartialEq)]
pub enum Result {
    /// Delivered, or the agent told.
    Done,
    /// A file was fetched, or never will be.
    Fetched(Fetched),
    /// The look-up is complete and does not show it: it certainly is not there.
    NotThere,
    /// The look-up shows more than one message that it may be.
    Ambiguous,
    /// It certainly did not happen.
    Refused(Refusal),
    /// It may have happened.
    Unknown(String),
    /// The vendor answers nobody at present, or this process could not ask in time. That says nothing about this message,
    /// so no attempt is counted.
    Away {
        /// What the call met, for people.
        why: String,
        /// Whether it may have happened all the same.
        perhaps: bool,
    },
}

impl Result {
    /// The same when it came while the vendor answers nobody: what would have counted against the message does not.
    #[must_use]
    pub fn while_away(self) -> Self {
        match self {
            Self::Unknown(why) => Self::Away { why, perhaps: true },
            Self::Refused(Refusal { kind: RefusalKind::Later, message, .. }) => {
                Self::Away { why: message, perhaps: false }
            }
            other => other,
        }
    }
}

impl From<Outcome> for Result {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done(_) => Self::Done,
            Outcome::Refused(refusal) => Self::Refused(refusal),
            Outcome::Unknown(why) => Self::Unknown(why),
        }
    }
}

/// Writes down what came of `act`. `chance` is drawn evenly from `0.0..1.0` and spreads retries.
#[must_use]
pub fn apply(row: &Message, act: Act, result: &Result, now: DateTime<Utc>, chance: f64) -> Message {
    let mut after = row.clone();
    after.in_flight = None;
    after.wake_at = Some(now);
    let delivery = act == Act::Deliver || (act == Act::LookUp && !in_doubt_about(row, Act::Note));
    match result {
        // Evidence that came during the call is stronger than a lost or contradicting answer.
        _ if delivery && row.destination_id().is_some() => done(&mut after, act),
        // Nothing is done that left no id: to believe it would be to deliver a second time, and at once.
        Result::Done if delivery => {
            unknown(&mut after, row, "it is said to be there, but without its id", now, chance);
        }
        Result::Done => done(&mut after, act),
        Result::Fetched(what) => fetched(&mut after, what),
        Result::NotThere => {
            note_settled(&mut after);
            after.last_error = Some("looked up: it is not there".to_owned());
        }
        Result::Ambiguous => {
            uncertain(&mut after);
            after.failures = 0;
            after.last_error =
                Some("more than one message there may be this one: an operator has to say which".to_owned());
        }
        Result::Refused(refusal) => refused(&mut after, act, refusal, now, chance),
        Result::Unknown(why) => unknown(&mut after, row, why, now, chance),
        Result::Away { why, perhaps } => away(&mut after, row, why, *perhaps, now, chance),
    }
    // Nobody waits for ever for a file.
    if act == Act::Fetch && after.failures >= FETCH_TRIES {
        let last = after.last_error.take().unwrap_or_default();
        fetched(&mut after, &Fetched::Missing { why: format!("it could not be fetched ({last})") });
        after.wake_at = Some(now);
    }
    if act == Act::Deliver && after.parked.is_none() && after.failures >= FETCH_TRIES {
        media::leave(&mut after, "the upload never came to its end");
    }
    // Why the message did not arrive is what the agent is told; trouble with the telling must not take its place.
    if matches!(act, Act::Report | Act::Note) || (act == Act::LookUp && in_doubt_about(row, Act::Note)) {
        after.last_error.clone_from(&row.last_error);
    }
    after.doubt = after.standing_doubt();
    if after.need() == Need::Nothing {
        after.wake_at = None;
    }
    after
}

/// Puts a row aside; the agent is told next if it was theirs.
#[must_use]
pub fn park(row: &Message, why: Parked, now: DateTime<Utc>) -> Message {
    let mut after = row.clone();
    after.doubt = row.standing_doubt();
    after.in_flight = None;
    match why {
        Parked::Uncertain => uncertain(&mut after),
        _ => after.parked = Some(why),
    }
    after.failures = 0;
    let reason = match why {
        Parked::TooOld => "too old to be delivered",
        Parked::OptedOut => "the customer has opted out of texts from this number, until they write START",
        Parked::GaveUp => "it never moved; see the attempts",
        Parked::Uncertain => "whether it was delivered cannot be known",
        Parked::Refused => "refused",
        Parked::Incomplete => "an earlier part of the same text did not go out",
    };
    after.last_error = Some(match &row.last_error {
        Some(last) if why == Parked::GaveUp => format!("{reason}; last: {last}"),
        _ => reason.to_owned(),
    });
    after.wake_at = (after.need() != Need::Nothing).then_some(now);
    after
}

/// Takes away the mark of an act that a process left behind when it died, where evidence has settled the rest since.
#[must_use]
pub fn tidy(row: &Message) -> Message {
    let mut after = row.clone();
    after.doubt = row.standing_doubt();
    after.in_flight = None;
    after.wake_at = None;
    after
}

fn in_doubt_about(row: &Message, act: Act) -> bool {
    row.doubt.is_some_and(|doubt| doubt.act == act)
}

/// What cannot be found out is left to an operator. About a note that is only the telling: the message stands as it did.
fn uncertain(row: &mut Message) {
    if in_doubt_about(row, Act::Note) {
        row.helpdesk_status = Some(Told::Untold);
        note_settled(row);
    } else {
        row.parked = Some(Parked::Uncertain);
    }
}

/// Takes the doubt away that was looked into. Behind a note about a message parked as uncertain stands the doubt about
/// its delivery, which stays until evidence comes.
fn note_settled(row: &mut Message) {
    let delivery = row.parked == Some(Parked::Uncertain) && row.destination_id().is_none();
    row.doubt = row.doubt.filter(|_| delivery).map(|doubt| Begun { act: Act::Deliver, at: doubt.at });
}

fn done(row: &mut Message, act: Act) {
    row.failures = 0;
    row.last_error = if act == Act::Deliver { None } else { row.last_error.take() };
    match act {
        Act::Deliver => row.doubt = None,
        Act::Report => row.helpdesk_status = Some(Told::Failed),
        Act::Note => {
            row.helpdesk_status = Some(Told::Noted);
            note_settled(row);
        }
        Act::Fetch => {}
        // The look-up found it and the fold bound it, or it settles by [`Result::NotThere`].
        Act::LookUp => {
            if in_doubt_about(row, Act::Note) {
                row.helpdesk_status = Some(Told::Noted);
            }
            note_settled(row);
        }
    }
}

/// A customer's message goes on without what will never be there; an agent's does not go out in pieces.
fn fetched(row: &mut Message, what: &Fetched) {
    media::fetched(row, what);
    row.failures = 0;
    row.last_error = None;
    if let (Fetched::Missing { why }, Side::Helpdesk) = (what, row.origin) {
        row.parked = Some(Parked::Refused);
        row.last_error = Some(format!("a file could not be had from the helpdesk: {why}"));
    }
}

fn refused(row: &mut Message, act: Act, refusal: &Refusal, now: DateTime<Utc>, chance: f64) {
    let words = refusal.describe();
    match (refusal.kind, act) {
        // The account rests, not the message: no attempt is counted, and the row stays due for when the rest ends.
        (RefusalKind::Throttled(_) | RefusalKind::Credentials, _) => row.last_error = Some(words),
        (RefusalKind::Permanent | RefusalKind::OptedOut, Act::Fetch) => {
            fetched(row, &Fetched::Missing { why: words });
        }
        // Perhaps it is only the files that it does not want: what the customer wrote is not lost for them.
        (RefusalKind::Permanent, Act::Deliver) if media::leave(row, &words) => {
            row.failures = 0;
            row.last_error = Some(words);
        }
        // This attempt did not happen, but the one before may have: the agent must not be told that it failed.
        (RefusalKind::Permanent | RefusalKind::OptedOut, Act::Deliver)
            if in_doubt_about(row, Act::Deliver) =>
        {
            row.parked = Some(Parked::Uncertain);
            row.failures = 0;
            row.last_error = Some(format!("{words}; an attempt before may have been delivered"));
        }
        (kind @ (RefusalKind::Permanent | RefusalKind::OptedOut), Act::Deliver) => {
            let opted_out = kind == RefusalKind::OptedOut;
            row.doubt = None;
            row.parked = Some(if opted_out { Parked::OptedOut } else { Parked::Refused });
            row.provider_error_code =
                row.provider_error_code.take().max(code_for(row.destination(), refusal));
            row.provider_error_message =
                row.provider_error_message.take().max(message_for(row.destination(), refusal));
            row.failures = 0;
            row.last_error = Some(words);
        }
        (RefusalKind::Permanent | RefusalKind::OptedOut, Act::Report) => {
            row.helpdesk_status = Some(Told::StatusRefused);
            row.failures = 0;
        }
        (RefusalKind::Permanent | RefusalKind::OptedOut, Act::Note) => {
            row.helpdesk_status = Some(Told::Untold);
            note_settled(row);
        }
        // The side cannot be asked about this one: as if it had been asked in vain often enough.
        (RefusalKind::Permanent | RefusalKind::OptedOut, Act::LookUp) => {
            row.failures = row.failures.max(GIVE_UP_AFTER);
            row.last_error = Some(words);
        }
        (RefusalKind::Later, _) => retry_later(row, &words, now, chance),
    }
}

/// Only the provider's words are the provider's error; a refusal of the helpdesk stands in `last_error` alone.
fn code_for(destination: Side, refusal: &Refusal) -> Option<String> {
    (destination == Side::Provider).then(|| refusal.code.clone()).flatten()
}

fn message_for(destination: Side, refusal: &Refusal) -> Option<String> {
    (destination == Side::Provider).then(|| refusal.message.clone())
}

fn unknown(after: &mut Message, row: &Message, why: &str, now: DateTime<Utc>, chance: f64) {
    after.doubt = in_doubt(row);
    retry_later(after, why, now, chance);
}

/// A crash before this one may have left an older doubt; the newer attempt is the one to wait for.
fn in_doubt(row: &Message) -> Option<Begun> {
    row.in_flight.filter(|begun| begun.act.is_unsafe()).or(row.doubt)
}

/// An account whose vendor is away rests beside that, and a process that was slow once need not be so again.
fn away(after: &mut Message, row: &Message, why: &str, perhaps: bool, now: DateTime<Utc>, chance: f64) {
    if perhaps {
        after.doubt = in_doubt(row);
    }
    after.last_error = Some(why.to_owned());
    after.wake_at = Some(now + delta(backoff(1, chance)));
}

fn retry_later(row: &mut Message, why: &str, now: DateTime<Utc>, chance: f64) {
    row.failures += 1;
    row.last_error = Some(why.to_owned());
    row.wake_at = Some(now + delta(backoff(row.failures, chance)));
}

fn delta(wait: Duration) -> TimeDelta {
    TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
