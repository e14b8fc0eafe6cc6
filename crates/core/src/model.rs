//! The row of the replication table: one message of one conversation.
//!
//! A row has two ids, the helpdesk's and the provider's. One of them missing is work to do; both there is done.
//! Everything else on the row says what the message is, what became of it, and how far the work has got.

use crate::media::Medium;
use crate::parts::{self, Part};
use crate::payload::Payload;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One of the two systems that a channel joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where agents work (Front).
    Helpdesk,
    /// Where customers are reached (SignalWire).
    Provider,
}

impl Side {
    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Self::Helpdesk => Self::Provider,
            Self::Provider => Self::Helpdesk,
        }
    }
}

/// Which way a message goes, seen from the support team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// What became of a message at the provider, in ranked words: later evidence never moves a message down.
///
/// The order of the final words is a choice: a failure outranks a delivery receipt, so that no order of
/// contradicting callbacks can hide a failure from the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken, not yet in the sender's queue.
    Accepted,
    /// Waiting at the provider.
    Queued,
    /// On its way to the carrier.
    Sending,
    /// Handed to the carrier. Final where the carrier sends no receipts.
    Sent,
    /// An inbound message that is still arriving.
    Receiving,
    /// An inbound message that is there.
    Received,
    /// The carrier says that it arrived.
    Delivered,
    /// Withdrawn before it went out.
    Canceled,
    /// The carrier could not deliver it.
    Undelivered,
    /// It did not go out.
    Failed,
    /// The customer opened it.
    Read,
}

impl Status {
    /// Whether the customer did not get the message.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed | Self::Canceled)
    }

    /// Whether the provider has nothing more to say.
    pub fn is_final(self) -> bool {
        self >= Self::Received
    }
}

/// What the helpdesk was told about a message that did not reach the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The helpdesk would not take the failure on the message itself: a note is due.
    StatusRefused,
    /// The message is marked as failed, with the reason.
    Failed,
    /// A note stands in the conversation.
    Noted,
    /// Neither could be done; an operator has been alerted.
    Untold,
}

/// An outside call that the engine makes for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Bring the message to the side where its id is missing: send at the provider, sync into the helpdesk.
    Deliver,
    /// Get a file of it from the side where it was born.
    Fetch,
    /// Ask that side whether a delivery of unknown outcome happened.
    LookUp,
    /// Mark the message as failed in the helpdesk.
    Report,
    /// Put a note about the failure into the helpdesk conversation, where marking was refused.
    Note,
}

impl Act {
    /// Whether doing it twice would be seen by a person. Such an act leaves doubt behind when its outcome is unknown.
    /// Marking a message as failed sets a state and may be repeated; looking changes nothing.
    pub fn is_unsafe(self) -> bool {
        matches!(self, Self::Deliver | Self::Note)
    }
}

/// How a provider's id came to stand on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundBy {
    /// Seen at the provider with the same person and text while our send was in flight or in doubt: a good guess.
    Echo,
    /// Our reference came back in a status callback: certain.
    Reference,
    /// The answer to our own call, or the provider's own message: certain.
    Answer,
}

/// An act that was begun and whose outcome is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What is being tried.
    pub act: Act,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Why a message was put aside. A parked message lets the next ones of its conversation pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parked {
    /// The other side refused it for good.
    Refused,
    /// The customer does not want to be texted.
    OptedOut,
    /// It was too old to be delivered.
    TooOld,
    /// It never moved for many attempts, on a side where twice is worse than never.
    GaveUp,
    /// Whether it was delivered cannot be known, and delivering twice would be worse than not at all.
    Uncertain,
    /// It is the rest of a text whose earlier part was put aside. The agent was told of that one.
    Incomplete,
}

/// One message of one conversation of one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Our id, unique in the channel: from the helpdesk `<message id>-<recipient>`, from the provider its own id.
    pub external_id: String,
    /// The side on which the message was born. The other side is where it has to be delivered.
    pub origin: Side,
    /// Which way it goes.
    pub direction: Direction,
    /// The customer's address: one customer is one conversation of the channel.
    pub conversation: String,
    /// E.164, or an opaque address (short code, alphanumeric sender).
    pub sender: String,
    /// E.164, or an opaque address.
    pub recipient: String,
    /// Plain text; may be empty when there are only files.
    pub body: String,
    /// Its files.
    pub media: Vec<Medium>,
    /// Which part of the helpdesk's message it is, where that was too long for one of the provider's.
    pub part: Part,
    /// The vendor's payload of the side of origin.
    pub data: Payload,
    /// When it was written, by the clock of its origin; the earliest that any evidence says.
    pub occurred_at: DateTime<Utc>,
    /// When we first learnt of it, by our own clock.
    pub seen_at: DateTime<Utc>,
    /// The helpdesk's id. Missing: not there yet.
    pub helpdesk_message_id: Option<String>,
    /// The provider's id. Missing: not there yet.
    pub provider_message_id: Option<String>,
    /// How sure the provider's id is.
    pub bound_by: Option<BoundBy>,
    /// What the provider says became of it.
    pub provider_status: Option<Status>,
    /// The provider's error code, as it wrote it.
    pub provider_error_code: Option<String>,
    /// The provider's words for the error.
    pub provider_error_message: Option<String>,
    /// The provider's own time of its latest change.
    pub provider_updated_at: Option<DateTime<Utc>>,
    /// What the helpdesk was told of a failure.
    pub helpdesk_status: Option<Told>,
    /// What is being tried right now, or was when a process died.
    pub in_flight: Option<Begun>,
    /// An unsafe act of unknown outcome.
    pub doubt: Option<Begun>,
    /// When delivery was first tried: nothing of ours can be at the other side from before.
    pub attempted_at: Option<DateTime<Utc>>,
    /// Attempts in a row that did not move it. A look-up that was refused for good counts as
    /// [`crate::plan::GIVE_UP_AFTER`] of them: the side cannot be asked.
    pub failures: u32,
    /// The last refusal or uncertainty, for people.
    pub last_error: Option<String>,
    /// Put aside, and why.
    pub parked: Option<Parked>,
    /// When there is something to do next; nothing to do when missing.
    pub wake_at: Option<DateTime<Utc>>,
    /// When its text and the vendor's payload were let go; they are not filled in again.
    pub emptied_at: Option<DateTime<Utc>>,
}

impl Message {
    /// Its id for logs: without the customer's number, which our id may end in.
    pub fn log_id(&self) -> String {
        log_id(&self.external_id)
    }

    /// Our id of the whole message that it is a part of: by that one the helpdesk knows it.
    pub fn whole_id(&self) -> &str {
        parts::whole_id(&self.external_id, self.part)
    }

    /// The side where the message has to be delivered.
    pub fn destination(&self) -> Side {
        self.origin.other()
    }

    /// The id at the side where it has to be delivered.
    pub fn destination_id(&self) -> Option<&str> {
        match self.destination() {
            Side::Helpdesk => self.helpdesk_message_id.as_deref(),
            Side::Provider => self.provider_message_id.as_deref(),
        }
    }

    /// The doubt that stands, the one left by a crash in flight included; gone once the destination's id is known.
    pub fn standing_doubt(&self) -> Option<Begun> {
        let doubt = match self.in_flight {
            Some(begun) if begun.act.is_unsafe() => Some(begun),
            _ => self.doubt,
        }?;
        let settled = doubt.act == Act::Deliver && self.destination_id().is_some();
        (!settled).then_some(doubt)
    }

    /// What the row asks for, whatever the hour: the first thing that is not as it should be.
    pub fn need(&self) -> Need {
        // A message parked as uncertain stays in doubt about its delivery; a note about it is settled all the same.
        let open = |doubt: &Begun| self.parked != Some(Parked::Uncertain) || doubt.act == Act::Note;
        if let Some(doubt) = self.standing_doubt().filter(open) {
            return Need::Settle(doubt);
        }
        if self.destination_id().is_none() && self.parked.is_none() {
            return Need::Deliver;
        }
        let untold = matches!(self.helpdesk_status, None | Some(Told::StatusRefused));
        let aside = self.parked.is_some_and(|why| why != Parked::Incomplete);
        let failed = aside || self.provider_status.is_some_and(Status::is_failure);
        if self.origin == Side::Helpdesk && failed && untold {
            return Need::Tell;
        }
        Need::Nothing
    }
}

/// A row's id for logs. Ids that come from the helpdesk end in the customer's number; two digits of it are left.
pub fn log_id(external_id: &str) -> String {
    let Some((name, address)) = external_id.rsplit_once('-').filter(|(name, _)| name.contains('_')) else {
        return external_id.to_owned();
    };
    let last: Vec<char> = address.chars().rev().take(2).collect();
    format!("{name}-\u{2026}{}", last.into_iter().rev().collect::<String>())
}

/// What a row asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Both sides are in step.
    Nothing,
    /// Find out what became of an unsafe act.
    Settle(Begun),
    /// Bring it to its destination.
    Deliver,
    /// Tell the agent that it did not arrive.
    Tell,
}

#[cfg(test)]
mod tests {
    use super::log_id;

    #[test]
    fn an_id_for_logs_holds_no_number() {
        for (id, logged) in [
            ("msg_1-+12025550147", "msg_1-\u{2026}47"),
            ("msg_1_autoreply_0a1b2c3d-22395", "msg_1_autoreply_0a1b2c3d-\u{2026}95"),
            ("c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13", "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13"),
            ("", ""),
        ] {
            assert_eq!(log_id(id), logged);
        }
    }
}
