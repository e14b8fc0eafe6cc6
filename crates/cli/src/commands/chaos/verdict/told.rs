//! Of each failure the agent is told once, by a mark or by a note, and of nothing else.

use super::Findings;
use super::agents::{Fate, Piece};
use super::conversation::Both;
use super::world::{InFront, Sms};
use std::collections::BTreeMap;

/// Behind the name of a message, in that of the note about it.
const NOTE: &str = "_failed";

/// Whether it is Twinwire's note about a failure. By its id: a customer may write anything.
pub(super) fn is_note(message: &InFront) -> bool {
    message.synced && message.inbound && message.external_id.ends_with(NOTE)
}

impl Both<'_> {
    pub(super) fn told(&self, found: &mut Findings) {
        let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
        for note in self.front.iter().filter(|message| is_note(message)) {
            *notes.entry(note.external_id.trim_end_matches(NOTE)).or_default() += 1;
        }
        for taken in &self.known.taken {
            let (name, pieces) = (self.name_of(taken), self.pieces(taken));
            let marked =
                taken.at_home && self.front.iter().any(|message| message.uid == taken.uid && message.failed);
            let noted: usize =
                pieces.iter().map(|piece| notes.remove(piece.name.as_str()).unwrap_or(0)).sum();
            let told = usize::from(marked) + noted;
            let failed = pieces.iter().filter(|piece| self.has_failed(piece)).count();
            // One mark stands for all parts.
            let failed = if marked { failed.min(1) } else { failed };
            found.told += failed.min(told);
            found.wrongly_told.add(failed.abs_diff(told), || {
                let text: String = taken.text.chars().take(40).collect();
                format!("{name} “{text}”: {failed} failed, {told} told")
            });
        }
        for (name, count) in notes {
            found.wrongly_told.add(count, || format!("conversation {}: a note about {name}", self.at));
        }
    }

    /// Whether the customer does not get it, or nobody can know, so that the agent has to be told.
    fn has_failed(&self, piece: &Piece) -> bool {
        let own = |sms: &&Sms| sms.not_fetched && sms.reference == piece.name;
        match piece.fate {
            Fate::Refused | Fate::Fails => true,
            // Of the part before it the agent is told.
            Fate::HeldBack => false,
            Fate::Goes => {
                self.rows.get(&piece.name).is_some_and(|row| row.parked.is_some())
                    || self.sms.iter().find(own).is_some()
            }
        }
    }
}
