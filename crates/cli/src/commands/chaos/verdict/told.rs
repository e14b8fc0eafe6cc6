//! Of each failure the agent is told once, by a mark or by a note, and of nothing else.

use super::super::ledger::Taken;
use super::super::plan::Ending;
use super::Findings;
use super::conversation::Both;
use super::world::InFront;
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
            let name = self.name_of(taken);
            let marked =
                taken.at_home && self.front.iter().any(|message| message.uid == taken.uid && message.failed);
            let told = usize::from(marked) + notes.remove(name.as_str()).unwrap_or(0);
            let failed = usize::from(self.has_failed(taken, &name));
            found.told += failed.min(told);
            found.wrongly_told.add(failed.abs_diff(told), || {
                format!("{name} “{}”: {failed} failed, {told} told", taken.text)
            });
        }
        for (name, count) in notes {
            found.wrongly_told.add(count, || format!("conversation {}: a note about {name}", self.at));
        }
    }

    /// Whether the customer does not get it, or nobody can know, so that the agent has to be told.
    fn has_failed(&self, taken: &Taken, name: &str) -> bool {
        taken.ending != Ending::Delivered || self.rows.get(name).is_some_and(|row| row.parked.is_some())
    }
}
