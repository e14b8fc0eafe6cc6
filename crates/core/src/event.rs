//! What happened to a message, for those who want to hear of it: the transitions between two states of its row.
//!
//! A row changes by many ways and in any order; what counts is what it was and what it is now. So each transition is told
//! once, whichever evidence brought it and however often it is repeated.

use crate::model::{Message, Side, Status};
use serde::{Deserialize, Serialize};

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// There is a new one, from either side.
    Created,
    /// The provider has taken an agent's message.
    Sent,
    /// A message of the provider's side is in the helpdesk.
    Imported,
    /// The customer has it, as the carrier says.
    Delivered,
    /// The provider says that the customer does not get it.
    Failed,
    /// It was put aside, or is put aside for another reason now.
    Parked,
}

impl Happened {
    /// All of them, in the order in which they can happen.
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Sent, Self::Imported, Self::Delivered, Self::Failed, Self::Parked];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Imported => "imported",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Parked => "parked",
        }
    }

    /// The type of the event in outgoing webhooks.
    pub fn event_type(self) -> String {
        format!("message.{}", self.word())
    }
}

/// What happened between two states of a row; without a `before` it is new. At most each thing once, in their order.
pub fn between(before: Option<&Message>, after: &Message) -> Vec<Happened> {
    let arrived = before.is_none_or(|row| row.destination_id().is_none()) && after.destination_id().is_some();
    let is = |row: Option<&Message>, so: fn(Status) -> bool| {
        row.and_then(|row| row.provider_status).is_some_and(so)
    };
    let became = |so| is(Some(after), so) && !is(before, so);
    let aside = after.parked.is_some() && before.and_then(|row| row.parked) != after.parked;
    let happened = |what| match what {
        Happened::Created => before.is_none(),
        Happened::Sent => arrived && after.origin == Side::Helpdesk,
        Happened::Imported => arrived && after.origin == Side::Provider,
        Happened::Delivered => became(is_delivered),
        Happened::Failed => became(Status::is_failure),
        Happened::Parked => aside,
    };
    Happened::ALL.into_iter().filter(|what| happened(*what)).collect()
}

fn is_delivered(status: Status) -> bool {
    matches!(status, Status::Delivered | Status::Read)
}
