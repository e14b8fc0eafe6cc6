//! Whether everything that was put in is where it should be: once, in order, and every failure told.
//!
//! It is read from what the doubles hold, not from what Twinwire says of itself; the database is asked only for what is not
//! settled and why a message was put aside. A run in which too little happened shows nothing, and does not pass.

mod agents;
mod conversation;
mod customers;
mod files;
mod findings;
mod rows;
#[cfg(test)]
mod tests;
mod told;
mod world;

pub(super) use findings::{Evidence, Findings, Offences, Verdict};

use super::ledger::Taken;
use super::plan::{PutIn, PutInAt};
use super::stage::Stage;
use super::traffic::{first_text, stranger};
use conversation::Both;
use rows::Rows;
use std::collections::HashSet;
use world::{Place, Sms, World};

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    conversations: Vec<Known>,
    /// Where strangers write, each with the provider.
    strangers: Vec<(Place, &'static str)>,
    planned: PutInAt,
}

/// A conversation and what its agents have put in.
#[derive(Clone, Debug)]
struct Known {
    place: Place,
    /// The provider of the number.
    provider: &'static str,
    taken: Vec<Taken>,
    /// Of somebody whose texts are a double's own doing, and in no plan.
    passer_by: bool,
}

impl Asked {
    pub(super) fn of(stage: &Stage, planned: PutInAt) -> Self {
        let known = |(at, conversation): (usize, &super::stage::Conversation)| Known {
            place: (stage.line(conversation).number.clone(), conversation.phone.clone()),
            provider: stage.provider(stage.line(conversation)).title(),
            taken: stage.ledger.read(at),
            passer_by: conversation.is_passer_by(),
        };
        let stranger = |which: usize| {
            let line = stage.line_of_stranger(which);
            ((line.number.clone(), stranger(which)), stage.provider(line).title())
        };
        let strangers = planned.values().copied().sum::<PutIn>().strangers;
        Self {
            conversations: stage.conversations.iter().enumerate().map(known).collect(),
            strangers: (0..strangers).map(stranger).collect(),
            planned,
        }
    }
}

/// Compares what the doubles hold with what was put in.
pub(super) async fn find(stage: &Stage, planned: PutInAt) -> anyhow::Result<Findings> {
    let rows = Rows::read(stage.engine.pool()).await?;
    Ok(judge(&Asked::of(stage, planned), World::look(stage), &rows))
}

/// The same, of what was read.
fn judge(asked: &Asked, mut world: World, rows: &Rows) -> Findings {
    let (mut found, mut aside) = (Findings::default(), HashSet::new());
    found.put_in_at = asked.planned.keys().map(|provider| (*provider, PutIn::default())).collect();
    for (at, known) in asked.conversations.iter().enumerate() {
        let front = world.front.remove(&known.place).unwrap_or_default();
        let sms = world.providers.remove(&(known.provider, known.place.clone())).unwrap_or_default();
        let both = Both { at, known, front: &front, sms: &sms, rows };
        aside.extend(both.compare(&mut found));
    }
    for (which, (place, provider)) in asked.strangers.iter().enumerate() {
        compare_stranger(which, place, provider, &mut world, &mut found);
    }
    leftovers(&world, &mut found);
    rows.report(&aside, &mut found);
    found.put_in = found.put_in_at.values().copied().sum();
    if found.put_in_at != asked.planned {
        let (planned, put_in) = (&asked.planned, found.put_in_at.clone());
        found.broken.add(1, || format!("put in was {put_in:?}, planned {planned:?}"));
    }
    for complaint in std::mem::take(&mut world.complaints) {
        found.broken.add(1, || complaint);
    }
    found
}

/// The first text of a conversation: never lost, and at most shown again under the same id, once.
fn compare_stranger(
    which: usize,
    place: &Place,
    provider: &'static str,
    world: &mut World,
    found: &mut Findings,
) {
    let shown = world.front.remove(place).unwrap_or_default();
    let there = world.providers.remove(&(provider, place.clone())).unwrap_or_default();
    let (texts, others): (Vec<Sms>, Vec<Sms>) = there.into_iter().partition(|sms| sms.inbound);
    found.put_in_at(provider).strangers += texts.len();
    found.duplicated.add(others.len(), || format!("stranger {which} got a message that nobody wrote"));
    let own = |external_id: &str, text: &str| {
        texts.iter().any(|sms| sms.sid == external_id) && text == first_text(which)
    };
    let right = shown
        .iter()
        .filter(|message| message.synced && message.inbound && own(&message.external_id, &message.text));
    let right = right.count();
    found.lost.add(usize::from(right == 0), || format!("stranger {which}'s first text"));
    found.first_texts_shown_again += usize::from(right > 1);
    let too_many = shown.len() - right + right.saturating_sub(2);
    found.duplicated.add(too_many, || format!("stranger {which}: {too_many} too many in Front"));
}

/// Whatever stands where nobody wrote.
fn leftovers(world: &World, found: &mut Findings) {
    let mut strange: Vec<String> = Vec::new();
    for ((number, phone), messages) in &world.front {
        strange.extend(messages.iter().map(|message| {
            format!("{} “{}” in Front, {number} with “{phone}”", message.external_id, message.text)
        }));
    }
    for ((provider, (number, phone)), messages) in &world.providers {
        let say = |sms: &Sms| format!("{} “{}” at {provider}, {number} with {phone}", sms.sid, sms.text);
        strange.extend(messages.iter().map(say));
    }
    strange.sort();
    for one in strange {
        found.duplicated.add(1, || format!("a message nobody asked for: {one}"));
    }
}
