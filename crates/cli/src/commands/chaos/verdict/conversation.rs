//! One conversation, both ways.

use super::super::ledger::Taken;
use super::super::plan::Ending;
use super::super::stage::Stage;
use super::Findings;
use super::rows::Rows;
use super::world::World;
use chrono::DurationRound;
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use twinwire_sandbox::front::{Message, Source};
use twinwire_sandbox::signalwire::SmsMessage;

/// How Twinwire's notes about failures begin, and how much of the text they repeat.
const NOTE: &str = "SMS failed to send.";
const QUOTED: usize = 26;

/// What is compared.
struct Both<'a> {
    at: usize,
    phone: &'a str,
    taken: Vec<Taken>,
    front: &'a [Message],
    sms: &'a [SmsMessage],
    rows: &'a Rows,
}

/// Compares both sides of a conversation.
pub(super) fn compare(at: usize, stage: &Stage, world: &World, rows: &Rows, found: &mut Findings) {
    let conversation = &stage.conversations[at];
    let line = stage.line(conversation);
    let both = Both {
        at,
        phone: &conversation.phone,
        taken: stage.ledger.read(at),
        front: world.in_front(&line.inbox, &conversation.phone),
        sms: world.at_provider(&line.number, &conversation.phone),
        rows,
    };
    both.agents(found);
    both.told(found);
    both.customers(stage, found);
    both.applications(found);
}

impl Both<'_> {
    /// Agents' messages are at the provider once, in the order in which Front's were taken.
    fn agents(&self, found: &mut Findings) {
        // The greeting was there before.
        found.put_in.agents += self.taken.len().saturating_sub(1);
        let should: Vec<&Taken> = self.taken.iter().filter(|taken| taken.ending != Ending::Refused).collect();
        let sent: Vec<&SmsMessage> =
            self.sms.iter().filter(|sms| sms.direction == "outbound-api" && !sms.foreign).collect();
        // One that was put aside is not lost: it has a reason, and the agent knows.
        let aside = |text: &str| {
            let of_text = should.iter().filter(|taken| taken.text == text);
            of_text.filter(|taken| self.rows.is_parked(&taken.id, self.phone)).count()
        };
        let wanted: Vec<&str> = should.iter().map(|taken| taken.text.as_str()).collect();
        let there: Vec<&str> = sent.iter().map(|sms| sms.body.as_str()).collect();
        let name = |text: &str| {
            let taken = self.taken.iter().find(|taken| taken.text == text);
            let id = taken.map_or("no message of an agent", |taken| taken.id.as_str());
            let sids: Vec<&str> =
                sent.iter().filter(|sms| sms.body == text).map(|sms| sms.sid.as_str()).collect();
            format!("{id} “{text}” at SignalWire [{}]", sids.join(", "))
        };
        self.count(&wanted, &there, aside, name, found);
        if let Some(text) = misplaced(&wanted, &there) {
            found.out_of_order.add(1, || format!("conversation {}: {}", self.at, name(text)));
        }
    }

    /// Of each failure the agent is told once, by a mark or by a note, and of nothing else.
    fn told(&self, found: &mut Findings) {
        let by_uid: HashMap<&str, &Message> =
            self.front.iter().map(|message| (message.message_uid.as_str(), message)).collect();
        let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
        for note in self.front.iter().filter(|message| is_note(message)) {
            *notes.entry(note.text.lines().last().unwrap_or_default()).or_default() += 1;
        }
        let texts: BTreeSet<&str> = self.taken.iter().map(|taken| taken.text.as_str()).collect();
        for text in texts {
            let same = || self.taken.iter().filter(|taken| taken.text == text);
            let failed = same().filter(|taken| self.is_failure(taken)).count();
            let marked = same().filter(|taken| {
                taken.at_home && by_uid.get(taken.uid.as_str()).is_some_and(|message| message.error.is_some())
            });
            let quoted: String = text.chars().take(QUOTED).collect();
            let told = marked.count() + notes.remove(quoted.as_str()).unwrap_or(0);
            found.told += failed.min(told);
            found.wrongly_told.add(failed.abs_diff(told), || {
                let id = same().next().map_or("", |taken| taken.id.as_str());
                format!("{id} “{text}” in conversation {}: {failed} failed, {told} told", self.at)
            });
        }
        let strange: usize = notes.values().sum();
        found.wrongly_told.add(strange, || format!("conversation {}: a note about nothing", self.at));
    }

    /// Whether the customer does not get it, so that the agent has to be told.
    fn is_failure(&self, taken: &Taken) -> bool {
        let there = || self.sms.iter().any(|sms| sms.body == taken.text);
        taken.ending != Ending::Delivered || (self.rows.is_parked(&taken.id, self.phone) && !there())
    }

    /// Customers' texts are in Front once, and in order as far as order is promised.
    fn customers(&self, stage: &Stage, found: &mut Findings) {
        let texts: Vec<&SmsMessage> = self.sms.iter().filter(|sms| sms.direction == "inbound").collect();
        let synced =
            |message: &&Message| message.source == Source::Sync && message.is_inbound && !is_note(message);
        let shown: Vec<&Message> = self.front.iter().filter(synced).collect();
        found.put_in.customers += texts.len();
        let wanted: Vec<&str> = texts.iter().map(|sms| sms.body.as_str()).collect();
        let there: Vec<&str> = shown.iter().map(|message| message.text.as_str()).collect();
        let aside = |text: &str| {
            texts.iter().filter(|sms| sms.body == text && self.rows.is_provider_parked(&sms.sid)).count()
        };
        let name = |text: &str| {
            let sids: Vec<&str> =
                texts.iter().filter(|sms| sms.body == text).map(|sms| sms.sid.as_str()).collect();
            format!("{} “{text}” in Front", sids.join(", "))
        };
        self.count(&wanted, &there, aside, name, found);
        self.order_of_customers(stage, &texts, &shown, found);
    }

    /// A text whose webhook had been answered before another one was sent comes before it. The provider's clock, by which
    /// a poll puts texts in order, has whole seconds: within one, nothing is promised.
    fn order_of_customers(
        &self,
        stage: &Stage,
        texts: &[&SmsMessage],
        shown: &[&Message],
        found: &mut Findings,
    ) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, message) in shown.iter().enumerate() {
            places.entry(message.external_id.as_deref().unwrap_or_default()).or_insert(place);
        }
        for (nth, later) in texts.iter().enumerate() {
            let Some(place) = places.get(later.sid.as_str()) else { continue };
            let second =
                later.date_created.duration_trunc(TimeDelta::seconds(1)).unwrap_or(later.date_created);
            for earlier in &texts[..nth] {
                let Some(taken) = stage.signalwire.taken_at(&earlier.sid) else { continue };
                let overtaken = places.get(earlier.sid.as_str()).is_some_and(|before| before > place);
                if !overtaken || taken >= later.date_created {
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
    fn applications(&self, found: &mut Findings) {
        let sent: Vec<&SmsMessage> = self.sms.iter().filter(|sms| sms.foreign).collect();
        found.put_in.applications += sent.len();
        let wanted: Vec<&str> = sent.iter().map(|sms| sms.body.as_str()).collect();
        let synced = |message: &&Message| message.source == Source::Sync && !message.is_inbound;
        let there: Vec<&str> =
            self.front.iter().filter(synced).map(|message| message.text.as_str()).collect();
        let name = |text: &str| format!("“{text}”, not written in Front, in Front");
        self.count(&wanted, &there, |_| 0, name, found);
    }

    /// Counts by text: the same words may well be meant twice.
    fn count(
        &self,
        wanted: &[&str],
        there: &[&str],
        aside: impl Fn(&str) -> usize,
        name: impl Fn(&str) -> String,
        found: &mut Findings,
    ) {
        let texts: BTreeSet<&str> = wanted.iter().chain(there).copied().collect();
        let (wanted, there) = (tally(wanted), tally(there));
        for text in texts {
            let of = |all: &HashMap<&str, usize>| all.get(text).copied().unwrap_or(0);
            let (wanted, there) = (of(&wanted), of(&there));
            let say = || format!("conversation {}: {}, {there} times, not {wanted}", self.at, name(text));
            let missing = wanted.saturating_sub(there);
            let missing = if missing > 0 { missing.saturating_sub(aside(text)) } else { 0 };
            found.lost.add(missing, say);
            found.duplicated.add(there.saturating_sub(wanted), say);
        }
    }
}

fn tally<'a>(texts: &[&'a str]) -> HashMap<&'a str, usize> {
    let mut tally = HashMap::new();
    for text in texts {
        *tally.entry(*text).or_default() += 1;
    }
    tally
}

fn is_note(message: &Message) -> bool {
    message.source == Source::Sync && message.is_inbound && message.text.starts_with(NOTE)
}

/// The first text that does not stand where it should. Where nothing is lost or doubled, both must be the same; else only
/// texts that both have once are looked at.
fn misplaced<'a>(wanted: &[&str], there: &[&'a str]) -> Option<&'a str> {
    let (in_wanted, in_there) = (tally(wanted), tally(there));
    let once = |text: &&&str| in_wanted.get(**text) == Some(&1) && in_there.get(**text) == Some(&1);
    let whole = in_wanted == in_there;
    let wanted: Vec<&&str> = wanted.iter().filter(|text| whole || once(text)).collect();
    let there: Vec<&&'a str> = there.iter().filter(|text| whole || once(text)).collect();
    wanted.iter().zip(&there).find(|(wanted, there)| **wanted != **there).map(|(_, there)| **there)
}

#[cfg(test)]
mod tests {
    use super::misplaced;

    #[test]
    fn what_stands_elsewhere_is_found_beside_losses_copies_and_repeats() {
        assert_eq!(misplaced(&["a", "OK", "b", "OK"], &["a", "OK", "b", "OK"]), None);
        assert_eq!(misplaced(&["a", "OK", "b", "OK"], &["a", "OK", "OK", "b"]), Some("OK"));
        assert_eq!(misplaced(&["a", "b", "c"], &["a", "c"]), None);
        assert_eq!(misplaced(&["a", "b", "c"], &["a", "b", "a", "c"]), None);
        assert_eq!(misplaced(&["a", "b", "c"], &["c", "a"]), Some("c"));
    }
}
