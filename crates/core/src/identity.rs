//! Which row a message seen at the provider is.
//!
//! An echo never makes a second row: an unknown outgoing message seen at the provider, while a send of ours to the same
//! person with the same text is in flight or in doubt, is that send.

use crate::model::{Act, Begun, BoundBy, Direction, Message, Parked, Side};
use crate::observe::AtProvider;
use crate::text::same_text;
use chrono::TimeDelta;

/// How far the provider's clock and ours may differ, and then some. Wide, because a send that its own clock rules out is
/// sent again, while a message that is let in has still to be of the same person, text and reference, and nobody's yet.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(10);

/// The longest that a call can take from its begin until the vendor has the message, and then some.
pub const LONGEST_CALL: TimeDelta = TimeDelta::hours(1);

/// What is known around a message that was seen at the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The row that has its id.
    pub by_id: Option<&'a Message>,
    /// The row that our reference in it names.
    pub by_reference: Option<&'a Message>,
    /// The conversation's row whose send is in flight or in doubt. Sends of a conversation go one after the other; a
    /// parked one may stand beside the current one.
    pub uncertain: &'a [Message],
    /// Other messages at the provider, bound to no row, that could be the same uncertain send.
    pub rivals: &'a [AtProvider],
}

/// What a message seen at the provider is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Identity<'a> {
    /// This row. If it had another id, by a guess, then the message of that id is no row's now: identify it anew.
    Row(&'a Message, BoundBy),
    /// The row `to`; the row `from` had its id by a guess that is now proved wrong.
    Moved {
        /// The row that loses the id.
        from: &'a Message,
        /// The row that gets it.
        to: &'a Message,
    },
    /// No row yet: one has to be made.
    New,
    /// It may be a send of unknown outcome; wait until that is settled.
    Hold,
    /// A second copy of this row's message. It must not happen; it is recorded and not imported.
    Copy(&'a Message),
    /// Not a message of this channel.
    Foreign,
}

/// Decides which row `seen` is, in the channel of `our_address`.
pub fn identify<'a>(seen: &AtProvider, our_address: &str, known: Known<'a>) -> Identity<'a> {
    if let Some(row) = known.by_reference {
        return by_reference(seen, row, known.by_id);
    }
    if let Some(row) = known.by_id {
        return Identity::Row(row, row.bound_by.unwrap_or(BoundBy::Echo));
    }
    // Without a person there is no conversation to put it in; a later look at the provider's list tells who it was.
    if seen.ours() != our_address || seen.customer().is_empty() {
        return Identity::Foreign;
    }
    if seen.direction == Direction::Inbound {
        return Identity::New;
    }
    echo(seen, known)
}

fn by_reference<'a>(seen: &AtProvider, row: &'a Message, by_id: Option<&'a Message>) -> Identity<'a> {
    if let Some(guessed) = by_id.filter(|other| other.external_id != row.external_id) {
        return Identity::Moved { from: guessed, to: row };
    }
    match (&row.provider_message_id, row.bound_by) {
        (Some(id), Some(BoundBy::Reference | BoundBy::Answer)) if *id != seen.id => Identity::Copy(row),
        _ => Identity::Row(row, BoundBy::Reference),
    }
}

fn echo<'a>(seen: &AtProvider, known: Known<'a>) -> Identity<'a> {
    let mut candidates = known.uncertain.iter().filter(|row| could_be(seen, row));
    let Some(row) = candidates.next() else { return Identity::New };
    let rivals = known.rivals.iter().any(|other| other.id != seen.id && could_be(other, row));
    // Of a message with files some providers show no text at all.
    let bare = seen.body.is_none() && seen.files.is_empty();
    if rivals || candidates.next().is_some() || bare {
        return Identity::Hold;
    }
    Identity::Row(row, BoundBy::Echo)
}

/// Whether `seen` can be the uncertain send of `row`: from our address, same person, same text, not older than the first
/// attempt, and not so much younger than the last one that it must be another, and not one that our reference in it gives
/// to another row; with as many files. A text, files or sender that the evidence does not show rule nothing out.
pub fn could_be(seen: &AtProvider, row: &Message) -> bool {
    // A note in doubt says nothing of the send that it is about, unless that one is uncertain itself.
    let about_send = |doubt: &Begun| doubt.act == Act::Deliver || row.parked == Some(Parked::Uncertain);
    let Some(doubt) = row.standing_doubt().filter(about_send) else { return false };
    let since = row.attempted_at.unwrap_or(doubt.at) - CLOCK_SKEW;
    // Without this end, a message parked as uncertain would claim or hold every later "Thanks!" to the same person.
    let until = doubt.at + LONGEST_CALL + CLOCK_SKEW;
    row.origin == Side::Helpdesk
        && row.provider_message_id.is_none()
        && seen.direction == Direction::Outbound
        && seen.to == row.recipient
        && (seen.from.is_empty() || seen.from == row.sender)
        && seen.reference.as_ref().is_none_or(|reference| *reference == row.external_id)
        && seen.created_at.is_none_or(|at| since <= at && at <= until)
        && seen.body.as_deref().is_none_or(|body| same_text(&row.body, body))
        && (seen.files.is_empty() || seen.files.len() == row.media.len())
}
