//! One conversation, both ways. What is on both sides is compared by its name, its text and its files together, so that a
//! lost "OK" and a copied one do not make up for each other.

use super::super::files::{self, File};
use super::agents::Piece;
use super::rows::Rows;
use super::world::{InFront, Sms};
use super::{Findings, Known};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Characters of a text that are shown of one that is not where it should be.
const SHOWN: usize = 80;

/// A message's name, its text and its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) files: &'a [File],
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "without a name" } else { self.name };
        let text: String = self.text.chars().take(SHOWN).collect();
        let more = if text.len() < self.text.len() { "…" } else { "" };
        write!(f, "{name} “{text}{more}”{}", files::named(self.files))
    }
}

/// What is compared.
pub(super) struct Both<'a> {
    pub(super) at: usize,
    pub(super) known: &'a Known,
    pub(super) front: &'a [InFront],
    pub(super) sms: &'a [Sms],
    pub(super) rows: &'a Rows,
}

impl Both<'_> {
    /// Compares both sides. Gives what may have been put aside, each with the reason.
    pub(super) fn compare(&self, found: &mut Findings) -> Vec<(String, &'static str)> {
        let open = self.left_open();
        found.left_to_the_operator += open.len();
        let pieces: Vec<Piece> = self.known.taken.iter().flat_map(|taken| self.pieces(taken)).collect();
        self.agents(&pieces, &open, found);
        self.told(found);
        self.customers(found);
        let may_be = self.known.taken.iter().filter(|taken| open.contains(&self.name_of(taken)));
        self.applications(may_be.map(|taken| taken.text.as_str()).collect(), found);
        let aside = pieces.into_iter().filter_map(|piece| Some((piece.reason()?, piece.name)));
        let aside = aside.map(|(reason, name)| (name, reason));
        aside.chain(open.into_iter().map(|name| (name, "uncertain"))).collect()
    }

    /// Counts by name, text and files together.
    pub(super) fn count(&self, wanted: &[Named], there: &[Named], whereabouts: &str, found: &mut Findings) {
        let mut both: BTreeMap<Named, [usize; 2]> = BTreeMap::new();
        for one in wanted {
            both.entry(*one).or_default()[0] += 1;
        }
        for one in there {
            both.entry(*one).or_default()[1] += 1;
        }
        for (one, [wanted, there]) in both {
            let say =
                || format!("conversation {}: {one} {whereabouts}, {there} times, not {wanted}", self.at);
            found.lost.add(wanted.saturating_sub(there), say);
            found.duplicated.add(there.saturating_sub(wanted), say);
        }
    }
}

/// A message as Front shows it.
pub(super) fn named(message: &InFront) -> Named<'_> {
    Named { name: &message.external_id, text: &message.text, files: &message.files }
}

/// The first message that does not stand where it should, of those that both have once.
pub(super) fn misplaced<'a, T: Copy + Eq + std::hash::Hash + 'a>(wanted: &[T], there: &[T]) -> Option<T> {
    let (in_wanted, in_there) = (tally(wanted), tally(there));
    let once = |one: &&T| in_wanted.get(one) == Some(&1) && in_there.get(one) == Some(&1);
    let (mut wanted, mut there) = (wanted.iter().filter(once), there.iter().filter(once));
    std::iter::from_fn(|| wanted.next().zip(there.next()))
        .find(|(wanted, there)| wanted != there)
        .map(|(_, there)| *there)
}

fn tally<T: Copy + Eq + std::hash::Hash>(all: &[T]) -> HashMap<T, usize> {
    let mut tally = HashMap::new();
    for one in all {
        *tally.entry(*one).or_default() += 1;
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::misplaced;

    #[test]
    fn what_stands_elsewhere_is_found_beside_losses_and_copies() {
        assert_eq!(misplaced(&["a", "b", "c"], &["a", "b", "c"]), None);
        assert_eq!(misplaced(&["a", "b", "c"], &["a", "c"]), None);
        assert_eq!(misplaced(&["a", "b", "c"], &["a", "b", "a", "c"]), None);
        assert_eq!(misplaced(&["a", "b", "c"], &["c", "a"]), Some("c"));
    }
}
