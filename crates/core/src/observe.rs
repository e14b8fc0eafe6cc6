//! Evidence, and what it does to rows.
//!
//! Webhooks, polls, backfills, echoes, status callbacks and the answers to our own calls are all only evidence. A
//! connector turns each into an [`Observation`]; the functions here fold it into a row. The same evidence twice, late
//! or in another order ends in the same row: every field is joined by a rule that does not care (earliest, highest
//! rank, first that is certain), see [`AtProvider::join`].

use crate::consent::Word;
use crate::media::{self, File, Medium, State};
use crate::model::{Act, Begun, BoundBy, Direction, Message, Need, Parked, Side, Status};
use crate::parts::Part;
use chrono::{DateTime, Utc};
use serde_json::Value;

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
    pub data: Value,
    /// When the agent wrote it.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl Ordered {
    /// Whether `row`, which stands under our id, is this very message.
    pub fn is(&self, row: &Message) -> bool {
        row.body == self.body && self.occurred_at.is_none_or(|at| at == row.occurred_at)
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
    pub data: Option<Value>,
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

/// Folds an order of the helpdesk into its row.
pub fn fold_order(row: Option<&Message>, order: &Ordered, our_address: &str, now: DateTime<Utc>) -> Message {
    let Some(row) = row else {
        let mut fresh = blank(&order.external_id, Side::Helpdesk, Direction::Outbound, now);
        fresh.conversation.clone_from(&order.recipient);
        fresh.sender = our_address.to_owned();
        fresh.recipient.clone_from(&order.recipient);
        fresh.body.clone_from(&order.body);
        fresh.media = order.files.iter().cloned().map(Medium::from).collect();
        fresh.part = order.part;
        fresh.data.clone_from(&order.data);
        fresh.occurred_at = order.occurred_at.unwrap_or(now);
        fresh.helpdesk_message_id = Some(order.helpdesk_message_id.clone());
        return woken(None, fresh, now);
    };
    let mut after = row.clone();
    if after.helpdesk_message_id.is_none() {
        after.helpdesk_message_id = Some(order.helpdesk_message_id.clone());
    }
    woken(Some(row), after, now)
}

/// Folds what the provider has into the row that it is, see [`crate::identity`]. `seen` is all that is known of it: the
/// [`AtProvider::join`] of every piece of evidence so far.
pub fn fold_provider(
    row: Option<&Message>,
    seen: &AtProvider,
    bound_by: BoundBy,
    now: DateTime<Utc>,
) -> Message {
    let mut after = row.cloned().unwrap_or_else(|| {
        let mut fresh = blank(&seen.id, Side::Provider, seen.direction, now);
        seen.customer().clone_into(&mut fresh.conversation);
        fresh
    });
    if after.provider_message_id.as_ref().is_some_and(|id| *id != seen.id) {
        if after.bound_by > Some(bound_by) {
            return after;
        }
        // It was bound to another message by a guess; what became of that one says nothing about this one.
        unbind(&mut after);
    }
    after.provider_message_id = Some(seen.id.clone());
    after.bound_by = after.bound_by.max(Some(bound_by));
    if after.origin == Side::Provider {
        after.sender.clone_from(&seen.from);
        after.recipient.clone_from(&seen.to);
        // A text that came as a file stays: the evidence goes on showing none.
        if !after.media.iter().any(|medium| medium.state == State::Said) {
            after.body = seen.body.clone().unwrap_or_default();
        }
        after.media = media::join(&after.media, &seen.files);
        after.occurred_at = seen.created_at.unwrap_or(after.occurred_at);
        if let Some(data) = &seen.data {
            after.data.clone_from(data);
        }
    }
    after.provider_status = after.provider_status.max(seen.status);
    after.provider_error_code = after.provider_error_code.max(seen.error_code.clone());
    after.provider_error_message = after.provider_error_message.max(seen.error_message.clone());
    after.provider_updated_at = after.provider_updated_at.max(seen.updated_at);
    woken(row, arrived(row, after), now)
}

/// Folds what the helpdesk has into the row that it is.
pub fn fold_helpdesk(row: &Message, seen: &AtHelpdesk, now: DateTime<Utc>) -> Message {
    let mut after = row.clone();
    // The helpdesk's own id is better than the one under which it took the message, whichever came first.
    after.helpdesk_message_id = match (&seen.id, after.helpdesk_message_id) {
        (Some(own), None) => Some(own.clone()),
        (Some(own), Some(had)) if is_accepted_id(row, seen, &had) => Some(own.clone()),
        (_, had) => had.or_else(|| seen.accepted_as.clone()),
    };
    woken(Some(row), arrived(Some(row), after), now)
}

/// Whether `had` is the id under which the helpdesk took the message. Evidence that does not say under which it took it
/// counts as saying so: otherwise the order of answer and import notice would decide about the id.
fn is_accepted_id(row: &Message, seen: &AtHelpdesk, had: &str) -> bool {
    seen.accepted_as.as_deref().map_or(row.origin == Side::Provider, |accepted| accepted == had)
}

/// Takes the provider's id away again from a row that got it by a guess which proved wrong.
///
/// A message of ours is in doubt again, as of now: nobody knows any more when the last attempt was. A message that was
/// taken for one of the provider's own is ours in truth, and must not be brought into the helpdesk a second time.
pub fn release(row: &Message, now: DateTime<Utc>) -> Message {
    let mut after = row.clone();
    unbind(&mut after);
    match after.origin {
        Side::Helpdesk if after.attempted_at.is_some() => {
            after.doubt = Some(Begun { act: Act::Deliver, at: now });
        }
        Side::Provider if after.helpdesk_message_id.is_none() => {
            after.parked = Some(Parked::Uncertain);
            after.last_error = Some("not a message of its own: it is one that we sent".to_owned());
        }
        _ => {}
    }
    woken(Some(row), after, now)
}

fn unbind(row: &mut Message) {
    row.provider_message_id = None;
    row.bound_by = None;
    row.provider_status = None;
    row.provider_error_code = None;
    row.provider_error_message = None;
    row.provider_updated_at = None;
}

/// A message that is known to have arrived is neither parked nor in doubt about its delivery.
fn arrived(before: Option<&Message>, mut row: Message) -> Message {
    if row.destination_id().is_some() {
        if row.doubt.is_some_and(|doubt| doubt.act == Act::Deliver) {
            row.doubt = None;
        }
        // What the helpdesk was told already stays as it is; a message refused and yet there keeps its reason.
        if row.parked.is_some_and(|why| why != Parked::Refused) {
            row.parked = None;
        }
        // Only once: later attempts are about telling a failure, and must come to their end however often a poll runs.
        if before.is_some_and(|before| before.destination_id().is_none()) {
            row.failures = 0;
            row.last_error = row.last_error.filter(|_| row.parked.is_some());
        }
    }
    row
}

/// Wakes a row when the evidence changed what it asks for; a wait that was going on goes on otherwise. A row that slept
/// with its need unmet (a failure too old to be told) gets another look when the evidence changed anything. A row in
/// flight stays awake though it asks for nothing any more: should its process die now, somebody has to tidy it up.
fn woken(before: Option<&Message>, mut after: Message, now: DateTime<Utc>) -> Message {
    let need = after.need();
    let whole_now = |before: &Message| {
        before.provider_status == Some(Status::Receiving) && after.provider_status != before.provider_status
    };
    after.wake_at = match before {
        _ if need == Need::Nothing && after.in_flight.is_none() => None,
        Some(before)
            if before.need() == need
                && !whole_now(before)
                && (before.wake_at.is_some() || *before == after) =>
        {
            before.wake_at
        }
        _ => Some(now),
    };
    after
}

fn blank(external_id: &str, origin: Side, direction: Direction, now: DateTime<Utc>) -> Message {
    Message {
        external_id: external_id.to_owned(),
        origin,
        direction,
        conversation: String::new(),
        sender: String::new(),
        recipient: String::new(),
        body: String::new(),
        media: Vec::new(),
        part: Part::WHOLE,
        data: Value::Null,
        occurred_at: now,
        seen_at: now,
        helpdesk_message_id: None,
        provider_message_id: None,
        bound_by: None,
        provider_status: None,
        provider_error_code: None,
        provider_error_message: None,
        provider_updated_at: None,
        helpdesk_status: None,
        in_flight: None,
        doubt: None,
        attempted_at: None,
        failures: 0,
        last_error: None,
        parked: None,
        wake_at: None,
    }
}
