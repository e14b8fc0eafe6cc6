//! One conversation, both ways. What is on both sides is compared by its name and its text together, so that a lost "OK"
//! and a copied one do not make up for each other.

use super::super::ledger::Taken;
use super::super::plan::Ending;
use super::rows::Rows;
use super::told::is_note;
use super::world::{InFront, Sms};
use super::{Findings, Known};
use chrono::{DurationRound, TimeDelta};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Between an attempt and another application's equal text, at most, for the one to be taken for the other: what Twinwire
/// allows for a call and for clocks.
const LIKENESS: TimeDelta = TimeDelta::minutes(70);

/// A message's name and its text.
type Named<'a> = (&'a str, &'a str);

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
        self.agents(&open, found);
        self.told(found);
        self.customers(found);
        self.applications(&open, found);
        let refused = self.known.taken.iter().filter(|taken| taken.ending == Ending::Refused);
        let refused = refused.map(|taken| (self.name_of(taken), "refused"));
        refused.chain(open.into_iter().map(|name| (name, "uncertain"))).collect()
    }

    /// Twinwire's name of an agent's message to this customer.
    pub(super) fn name_of(&self, taken: &Taken) -> String {
        format!("{}-{}", taken.id, self.known.place.1)
    }

    /// Agents' messages that nobody can tell from another application's equal text to the same person: put aside as
    /// uncertain, or taken for it.
    fn left_open(&self) -> HashSet<String> {
        let looks_like = |taken: &Taken, name: &str| {
            let Some(row) = self.rows.get(name) else { return false };
            let uncertain = row.parked.as_deref() == Some("uncertain");
            let mut others = self.sms.iter().filter(|sms| sms.foreign && sms.text == taken.text);
            others.any(|sms| {
                let near = row.attempted_at.is_none_or(|at| (at - sms.created).abs() < LIKENESS);
                (uncertain && near) || row.provider_message_id.as_ref() == Some(&sms.sid)
            })
        };
        let named = self.known.taken.iter().map(|taken| (taken, self.name_of(taken)));
        named.filter(|(taken, name)| looks_like(taken, name)).map(|(_, name)| name).collect()
    }

    /// Agents' messages are at the provider once, in the order in which Front's were taken.
    fn agents(&self, open: &HashSet<String>, found: &mut Findings) {
        // The greeting was there before.
        found.put_in_at(self.known.provider).agents += self.known.taken.len().saturating_sub(1);
        let named: Vec<(&Taken, String)> =
            self.known.taken.iter().map(|taken| (taken, self.name_of(taken))).collect();
        let there: Vec<Named> = self
            .sms
            .iter()
            .filter(|sms| !sms.inbound && !sms.foreign)
            .map(|sms| (sms.reference.as_str(), sms.text.as_str()))
            .collect();
        let wanted: Vec<Named> = named
            .iter()
            .filter(|(taken, _)| taken.ending != Ending::Refused)
            .map(|(taken, name)| (name.as_str(), taken.text.as_str()))
            // One of which nobody can say whether it is there, may be there.
            .filter(|one| !open.contains(one.0) || there.contains(one))
            .collect();
        let whereabouts = format!("at {}", self.known.provider);
        self.count(&wanted, &there, &whereabouts, found);
        if let Some((name, text)) = misplaced(&wanted, &there) {
            found.out_of_order.add(1, || format!("conversation {}: {name} “{text}”", self.at));
        }
        for (taken, name) in named.iter().filter(|(taken, _)| taken.ending == Ending::Refused) {
            if !self.rows.is_parked(name, "refused") {
                found.put_aside.add(1, || format!("{name} “{}” was refused, and is not", taken.text));
            }
        }
    }

    /// Customers' texts are in Front once, and in order as far as order is promised.
    fn customers(&self, found: &mut Findings) {
        let texts: Vec<&Sms> = self.sms.iter().filter(|sms| sms.inbound).collect();
        let shown: Vec<&InFront> = self
            .front
            .iter()
            .filter(|message| message.synced && message.inbound && !is_note(message))
            .collect();
        found.put_in_at(self.known.provider).customers += if self.known.passer_by { 0 } else { texts.len() };
        let wanted: Vec<Named> = texts.iter().map(|sms| (sms.sid.as_str(), sms.text.as_str())).collect();
        self.count(&wanted, &names(&shown), "in Front", found);
        self.order_of_customers(&texts, &shown, found);
    }

    /// A text whose webhook had been answered before another one was sent comes before it. The provider's clock, by which
    /// a poll puts texts in order, has whole seconds: within one, nothing is promised.
    fn order_of_customers(&self, texts: &[&Sms], shown: &[&InFront], found: &mut Findings) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, message) in shown.iter().enumerate() {
            places.entry(message.external_id.as_str()).or_insert(place);
        }
        for (nth, later) in texts.iter().enumerate() {
            let Some(place) = places.get(later.sid.as_str()) else { continue };
            let second = later.created.duration_trunc(TimeDelta::seconds(1)).unwrap_or(later.created);
            for earlier in &texts[..nth] {
                let Some(taken) = earlier.taken else { continue };
                let overtaken = places.get(earlier.sid.as_str()).is_some_and(|before| before > place);
                if !overtaken || taken >= later.created {
                    continue;
                }
                if taken < second {
                    let (earlier, later) = (&earlier.sid, &later.sid);
                    found
                        .out_of_order
                        .add(1, || format!("conversation {}: {later} before {earlier}", self.at));
                } else {
                    found.order_left_open += 1;
                }
            }
        }
    }

    /// What another application sent is shown to the agents once, and nothing else of what was sent.
    fn applications(&self, open: &HashSet<String>, found: &mut Findings) {
        let sent: Vec<&Sms> = self.sms.iter().filter(|sms| sms.foreign).collect();
        found.put_in_at(self.known.provider).applications += sent.len();
        let shown: Vec<&InFront> =
            self.front.iter().filter(|message| message.synced && !message.inbound).collect();
        let there = names(&shown);
        // What may be an agent's is not shown as somebody else's: one for each that it may be.
        let named = self.known.taken.iter().filter(|taken| open.contains(&self.name_of(taken)));
        let mut may_be: Vec<&str> = named.map(|taken| taken.text.as_str()).collect();
        let mut wanted: Vec<Named> = Vec::new();
        for one in sent.iter().map(|sms| (sms.sid.as_str(), sms.text.as_str())) {
            match may_be.iter().position(|text| *text == one.1 && !there.contains(&one)) {
                Some(at) => drop(may_be.swap_remove(at)),
                None => wanted.push(one),
            }
        }
        self.count(&wanted, &there, "in Front, not written there", found);
    }

    /// Counts by name and text together.
    fn count(&self, wanted: &[Named], there: &[Named], whereabouts: &str, found: &mut Findings) {
        let mut both: BTreeMap<Named, [usize; 2]> = BTreeMap::new();
        for one in wanted {
            both.entry(*one).or_default()[0] += 1;
        }
        for one in there {
            both.entry(*one).or_default()[1] += 1;
        }
        for ((name, text), [wanted, there]) in both {
            let name = if name.is_empty() { "without a name" } else { name };
            let say = || {
                format!(
                    "conversation {}: {name} “{text}” {whereabouts}, {there} times, not {wanted}",
                    self.at
                )
            };
            found.lost.add(wanted.saturating_sub(there), say);
            found.duplicated.add(there.saturating_sub(wanted), say);
        }
    }
}

fn names<'a>(shown: &[&'a InFront]) -> Vec<Named<'a>> {
    shown.iter().map(|message| (message.external_id.as_str(), message.text.as_str())).collect()
}

/// The first message that does not stand where it should, of those that both have once.
fn misplaced<'a, T: Copy + Eq + std::hash::Hash + 'a>(wanted: &[T], there: &[T]) -> Option<T> {
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
