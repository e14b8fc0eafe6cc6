//! What evidence does to a row.

use super::{AtHelpdesk, AtProvider, Ordered};
use crate::media::{self, Medium, State};
use crate::model::{Act, Begun, BoundBy, Direction, Message, Need, Parked, Side, Status};
use crate::parts::Part;
use crate::payload::Payload;
use chrono::{DateTime, Utc};

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
        // And what was let go stays away.
        if after.emptied_at.is_none() && !after.media.iter().any(|medium| medium.state == State::Said) {
            after.body = seen.body.clone().unwrap_or_default();
        }
        after.media = media::join(&after.media, &seen.files);
        after.occurred_at = seen.created_at.unwrap_or(after.occurred_at);
        if let Some(data) = seen.data.as_ref().filter(|_| row.is_none_or(|row| row.emptied_at.is_none())) {
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
        data: Payload::default(),
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
        emptied_at: None,
    }
}
