//! What customers have written: in Front once, with its files, in order as far as order is promised.

use super::super::files::File;
use super::Findings;
use super::conversation::{Both, Named, named};
use super::told::is_note;
use super::world::{InFront, Sms};
use chrono::{DurationRound, TimeDelta};
use std::collections::HashMap;

/// So many of the requests for the files of a message must have met a fault before Twinwire may give a file up.
pub(super) const LASTED: usize = 5;

impl Both<'_> {
    /// Customers' texts are in Front once, and in order as far as order is promised.
    pub(super) fn customers(&self, found: &mut Findings) {
        let texts: Vec<&Sms> = self.sms.iter().filter(|sms| sms.inbound).collect();
        let shown: Vec<&InFront> = self
            .front
            .iter()
            .filter(|message| message.synced && message.inbound && !is_note(message))
            .collect();
        if !self.known.passer_by {
            let put_in = found.put_in_at(self.known.provider);
            put_in.customers += texts.len();
            for sms in &texts {
                put_in.count_extras(1, "", &sms.files);
            }
        }
        found.texts_in_a_part += texts.iter().filter(|sms| sms.text_in_a_part).count();
        let wanted: Vec<Named> =
            texts.iter().map(|sms| Named { name: &sms.sid, text: &sms.text, files: &sms.files }).collect();
        let there: Vec<Named> = shown.iter().map(|message| shown_as(message, &texts, found)).collect();
        self.count(&wanted, &there, "in Front", found);
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
    pub(super) fn applications(&self, may_be: Vec<&str>, found: &mut Findings) {
        let sent: Vec<&Sms> = self.sms.iter().filter(|sms| sms.foreign).collect();
        found.put_in_at(self.known.provider).applications += sent.len();
        let shown = self.front.iter().filter(|message| message.synced && !message.inbound);
        let there: Vec<Named> = shown.map(named).collect();
        // What may be an agent's is not shown as somebody else's: one for each that it may be.
        let mut may_be = may_be;
        let mut wanted: Vec<Named> = Vec::new();
        for one in sent.iter().map(|sms| Named { name: &sms.sid, text: &sms.text, files: &sms.files }) {
            match may_be.iter().position(|text| *text == one.text && !there.contains(&one)) {
                Some(at) => drop(may_be.swap_remove(at)),
                None => wanted.push(one),
            }
        }
        self.count(&wanted, &there, "in Front, not written there", found);
    }
}

/// A message as Front shows it, or as it should be where a file is missing, says so, and could not be had.
fn shown_as<'a>(message: &'a InFront, texts: &[&'a Sms], found: &mut Findings) -> Named<'a> {
    let one = named(message);
    let Some(sms) = texts.iter().find(|sms| sms.sid == message.external_id && lacks_files(sms, message))
    else {
        return one;
    };
    found.arrived_without_a_file += 1;
    if sms.struck < LASTED { one } else { Named { text: &sms.text, files: &sms.files, ..one } }
}

/// Whether it is the message without some of its files, and with a line for each of those.
fn lacks_files(sms: &Sms, shown: &InFront) -> bool {
    let lines = shown.text.strip_prefix(&sms.text).unwrap_or_default().lines().skip(1);
    let (lines, wrong): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with('[') && line.contains(" is not here: "));
    let mut left = sms.files.iter();
    let in_order = shown.files.iter().all(|file: &File| left.any(|own| own == file));
    !lines.is_empty() && wrong.is_empty() && in_order && lines.len() + shown.files.len() == sms.files.len()
}
