//! What an operator may ask for a message: a new attempt, no more waiting, or the answer to an uncertain one.
//!
//! Nothing here is done to a message whose last attempt's outcome is not known: what may have happened is looked up
//! first, whoever asks.

use crate::media::State;
use crate::model::{Begun, Message, Need, Parked, Side, Status};
use chrono::{DateTime, Utc};

/// Why an operator's wish is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryRefused {
    /// Something is being tried for it, or was when a process died.
    InFlight(Begun),
    /// What became of its last attempt is not known yet.
    InDoubt(Begun),
    /// Whether it was delivered is for an operator to say first.
    Uncertain,
    /// It has something to do already.
    Waits,
    /// The provider took it and could not deliver it.
    NotDelivered,
    /// It is where it belongs.
    InStep,
    /// It was taken for a message of the provider's own and is one that we sent.
    NoMessage,
    /// It is not uncertain.
    NotUncertain,
    /// Its text is not kept any more.
    Emptied,
}

impl RetryRefused {
    /// In words. `name` is how commands name the message.
    pub fn words(self, name: &str) -> String {
        match self {
            Self::InFlight(_) => "it is being worked on; what comes of it has to be known first".to_owned(),
            Self::InDoubt(_) => "what became of its last attempt is not known yet; it is looked up first".to_owned(),
            Self::Uncertain => format!(
                "whether it was delivered is not known. Look at the other side, then say \
                 `twinwire settle {name} --arrived <id>` or `twinwire settle {name} --not-arrived`"
            ),
            Self::Waits => format!(
                "it is to be tried anyway; `twinwire retry {name} --now` lets it wait no longer"
            ),
            Self::NotDelivered => {
                "it was sent and not delivered. The provider has it as a message of its own: the agent writes it again"
                    .to_owned()
            }
            Self::InStep => "nothing to retry: both sides have it".to_owned(),
            Self::NoMessage => "it is no message of its own: it is one that we sent".to_owned(),
            Self::NotUncertain => {
                format!("only an uncertain message can be settled, and this one is not; see `twinwire why {name}`")
            }
            Self::Emptied => "its text is not kept any more, so there is nothing to deliver".to_owned(),
        }
    }
}

/// A new attempt for a message that was put aside. The agent is told anew if that fails as well: it is another failure.
///
/// Its attempts begin anew: nothing of it is at the other side, or somebody has said so, and its age counts from now, so
/// that it is not put aside again at once.
pub fn retry(row: &Message, now: DateTime<Utc>) -> Result<Message, RetryRefused> {
    known(row)?;
    match row.parked {
        _ if row.destination_id().is_some() => Err(in_place(row)),
        None => Err(RetryRefused::Waits),
        Some(_) if row.emptied_at.is_some() => Err(RetryRefused::Emptied),
        Some(Parked::Uncertain) if is_no_message(row) => Err(RetryRefused::NoMessage),
        Some(Parked::Uncertain) => Err(RetryRefused::Uncertain),
        Some(_) => Ok(anew(row, now)),
    }
}

/// The same, and a message that waits for a time waits no longer. What it waits for beside that, it still waits for: its
/// turn, its account, the time after which a look-up can be trusted.
pub fn hurry(row: &Message, now: DateTime<Utc>) -> Result<Message, RetryRefused> {
    match retry(row, now) {
        Err(RetryRefused::Waits | RetryRefused::InDoubt(_) | RetryRefused::NotDelivered)
            if row.need() != Need::Nothing =>
        {
            Ok(Message { wake_at: Some(now), ..row.clone() })
        }
        other => other,
    }
}

/// Whether an operator may say that an uncertain message arrived.
pub fn may_have_arrived(row: &Message) -> Result<(), RetryRefused> {
    if row.parked != Some(Parked::Uncertain) {
        return Err(RetryRefused::NotUncertain);
    }
    if is_no_message(row) {
        return Err(RetryRefused::NoMessage);
    }
    row.in_flight.map_or(Ok(()), |begun| Err(RetryRefused::InFlight(begun)))
}

/// An operator says that an uncertain message did not arrive: it stays aside, without the doubt, and can be retried. That
/// the agent was told stays as it is: that it failed is true now.
pub fn not_arrived(row: &Message, now: DateTime<Utc>) -> Result<Message, RetryRefused> {
    may_have_arrived(row)?;
    if let Need::Settle(doubt) = row.need() {
        // The telling is in doubt, and that mark may stand before the one about the delivery.
        return Err(RetryRefused::InDoubt(doubt));
    }
    let mut after = row.clone();
    after.doubt = None;
    after.parked = Some(Parked::GaveUp);
    after.failures = 0;
    after.last_error = Some("an operator says that it did not arrive".to_owned());
    after.wake_at = (after.need() != Need::Nothing).then_some(now);
    Ok(after)
}

/// The outcome of everything that was tried is known.
fn known(row: &Message) -> Result<(), RetryRefused> {
    if let Some(begun) = row.in_flight {
        return Err(RetryRefused::InFlight(begun));
    }
    match row.standing_doubt() {
        Some(_) if row.parked == Some(Parked::Uncertain) => Ok(()),
        Some(doubt) => Err(RetryRefused::InDoubt(doubt)),
        None => Ok(()),
    }
}

fn in_place(row: &Message) -> RetryRefused {
    let failed = row.origin == Side::Helpdesk && row.provider_status.is_some_and(Status::is_failure);
    if failed { RetryRefused::NotDelivered } else { RetryRefused::InStep }
}

/// See [`crate::observe::release`]: the provider's id was all that made it a message.
fn is_no_message(row: &Message) -> bool {
    row.origin == Side::Provider && row.provider_message_id.is_none()
}

fn anew(row: &Message, now: DateTime<Utc>) -> Message {
    let mut after = row.clone();
    after.parked = None;
    after.failures = 0;
    after.last_error = None;
    after.attempted_at = Some(now);
    for medium in &mut after.media {
        if matches!(medium.state, State::Missing { .. }) {
            medium.state = State::Wanted;
        }
    }
    if row.origin == Side::Helpdesk {
        // Of a message that never got a provider's id this is all about the failure that is over now.
        after.provider_status = None;
        after.provider_error_code = None;
        after.provider_error_message = None;
        after.provider_updated_at = None;
        after.helpdesk_status = None;
    }
    after.wake_at = Some(now);
    after
}
