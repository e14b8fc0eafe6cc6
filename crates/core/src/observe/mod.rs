//! Evidence, and what it does to rows.
//!
//! Webhooks, polls, backfills, echoes, status callbacks and the answers to our own calls are all only evidence. A
//! connector turns each into an [`Observation`]; the functions of [`fold`] fold it into a row. The same evidence twice, late
//! or in another order ends in the same row: every field is joined by a rule that does not care (earliest, highest
//! rank, first that is certain), see [`AtProvider::join`].

mod fold;

pub use fold::{fold_helpdesk, fold_order, fold_provider, release};

use crate::consent::Word;
use crate::media::File;
use crate::model::{Direction, Message, Status};
use crate::parts::Part;
use crate::payload::Payload;
use chrono::{DateTime, Utc};

/// One thing that a vendor's request or answer shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The helpdesk asks for a message to be brought to a customer.
    Ordered(Ordered),
    /// The provider has a message.
    AtProvider(AtProvider),
    /// The helpdesk has a message.
    AtHelpdesk(AtHelpdesk),
    /// A helpdesk user has connected the channel.
    Connected {
        /// The helpdesk's id of the channel.
        helpdesk_channel_id: String,
    },
    /// A helpdesk user has removed the channel.
    Disconnected,
}

/// The helpdesk's order to deliver one message to one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// Our id for it.
    pub external_id: String,
    /// The names to take when `external_id` already is another message. Set only where the helpdesk's own ids can
    /// collide (two autoreplies to one message).
    pub second_choice: Option<Names>,
    /// The helpdesk's id.
    pub helpdesk_message_id: String,
    /// The helpdesk's id of the conversation, where it says one.
    pub thread: Option<String>,
    /// The customer, E.164 or opaque.
    pub recipient: String,
    /// Plain text.
    pub body: String,
    /// Its files.
    pub files: Vec<File>,
    /// Which part of it this is, see [`crate::parts`]; a connector gives it whole.
    pub part: Part,
    /// The helpdesk's payload.
    pub data: Payload,
    /// When the agent wrote it.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl Ordered {
    /// Whether `row`, which stands under our id, is this very message. Of one whose text was let go the time has to tell.
    pub fn is(&self, row: &Message) -> bool {
        (row.body == self.body || row.emptied_at.is_some())
            && self.occurred_at.is_none_or(|at| at == row.occurred_at)
    }

    /// The order under the names it stands under, given the row that stands under its first choice.
    pub fn named(mut self, under_first_choice: Option<&Message>) -> Self {
        let taken = under_first_choice.is_some_and(|row| !self.is(row));
        if let Some(second) = self.second_choice.take().filter(|_| taken) {
            self.external_id = second.external_id;
            self.helpdesk_message_id = second.helpdesk_message_id;
        }
        self
    }
}

/// What a message is called on our side and on the helpdesk's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Our id.
    pub external_id: String,
    /// The helpdesk's id.
    pub helpdesk_message_id: String,
}

/// A message as the provider has it, in either direction, ours or not.
#[derive(Clone, Debug, PartialEq)]
pub struct AtProvider {
    /// The provider's id.
    pub id: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Sender's address.
    pub from: String,
    /// Recipient's address.
    pub to: String,
    /// Text; missing where the evidence does not show it.
    pub body: Option<String>,
    /// Its files, as far as the evidence shows them.
    pub files: Vec<File>,
    /// What it says about the customer's wish to be texted, where the provider itself says so.
    pub said: Option<Word>,
    /// How far it got.
    pub status: Option<Status>,
    /// The provider's error code.
    pub error_code: Option<String>,
    /// The provider's words for it.
    pub error_message: Option<String>,
    /// When the provider took or got it.
    pub created_at: Option<DateTime<Utc>>,
    /// When the provider sent it.
    pub sent_at: Option<DateTime<Utc>>,
    /// The provider's time of its latest change. Only evidence that carries `data` says it: it tells which payload is
    /// the newest, and [`AtProvider::join`] could not tell that any more once it stood beside an older payload.
    pub updated_at: Option<DateTime<Utc>>,
    /// Our own reference (a row's `external_id`), where the evidence brings it back.
    pub reference: Option<String>,
    /// The provider's payload; missing in evidence that only says a status.
    pub data: Option<Payload>,
}

impl AtProvider {
    /// Everything that two pieces of evidence about one message say together.
    ///
    /// Commutative, associative and idempotent, so that the order and number of webhooks, callbacks and polls do not
    /// matter: the status goes up only, an error stays, times are the earliest (creation) or the latest (change), a
    /// text that was redacted later stays known.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let data = match (self.data, other.data) {
            (Some(mine), Some(theirs)) => {
                let (a, b) = ((self.updated_at, mine.to_string()), (other.updated_at, theirs.to_string()));
                Some(if b > a { theirs } else { mine })
            }
            (mine, theirs) => mine.or(theirs),
        };
        Self {
            data,
            direction: self.direction,
            from: fuller(self.from, other.from),
            to: fuller(self.to, other.to),
            body: fuller(self.body, other.body),
            files: fuller(self.files, other.files),
            said: self.said.max(other.said),
            status: self.status.max(other.status),
            error_code: self.error_code.max(other.error_code),
            error_message: self.error_message.max(other.error_message),
            created_at: earlier(self.created_at, other.created_at),
            sent_at: earlier(self.sent_at, other.sent_at),
            updated_at: self.updated_at.max(other.updated_at),
            reference: self.reference.max(other.reference),
            id: self.id,
        }
    }

    /// The customer's address.
    pub fn customer(&self) -> &str {
        match self.direction {
            Direction::Inbound => &self.from,
            Direction::Outbound => &self.to,
        }
    }

    /// Our own address.
    pub fn ours(&self) -> &str {
        match self.direction {
            Direction::Inbound => &self.to,
            Direction::Outbound => &self.from,
        }
    }
}

/// The longer of two, then the greater: something beats nothing, whichever came first.
fn fuller<T: Ord + Length>(a: T, b: T) -> T {
    if (b.length(), &b) > (a.length(), &a) { b } else { a }
}

trait Length {
    fn length(&self) -> usize;
}

impl Length for String {
    fn length(&self) -> usize {
        self.len()
    }
}

impl Length for Option<String> {
    fn length(&self) -> usize {
        self.as_ref().map_or(0, String::len)
    }
}

impl Length for Vec<File> {
    /// Files that can be fetched are worth more than the bare number of them.
    fn length(&self) -> usize {
        self.iter().map(|file| 1 + 1000 * usize::from(file.url.is_some())).sum()
    }
}

fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A message that we put into the helpdesk, as the helpdesk has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtHelpdesk {
    /// Our id, where the evidence shows it.
    pub external_id: Option<String>,
    /// The id under which the helpdesk took the message, before it had its own.
    pub accepted_as: Option<String>,
    /// The helpdesk's own id, once there is one.
    pub id: Option<String>,
    /// The helpdesk's id of the conversation.
    pub thread: Option<String>,
    /// Our id of the conversation: the customer's address.
    pub conversation: Option<String>,
    /// The helpdesk's time of the message, where a list shows it. Of a message that we put there it may be the time that
    /// we gave it (the row's `occurred_at`), long before the delivery.
    pub created_at: Option<DateTime<Utc>>,
}
