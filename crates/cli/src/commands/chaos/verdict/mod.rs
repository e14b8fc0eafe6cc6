//! Whether everything that was put in is where it should be: once, in order, and every failure told.
//!
//! It is read from what the doubles hold, not from what Twinwire says of itself; the database is asked only for what is not
//! settled and why a message was put aside. A run in which too little happened shows nothing, and does not pass.

mod conversation;
mod findings;
mod rows;
#[cfg(test)]
mod tests;
mod told;
mod world;

pub(super) use findings::{Evidence, Findings, Offences, Verdict};

use super::ledger::Taken;
use super::plan::PutIn;
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
    /// Where strangers write.
    strangers: Vec<Place>,
    planned: PutIn,
}

/// A conversation and what its agents have put in.
#[derive(Clone, Debug)]
struct Known {
    place: Place,
    taken: Vec<Taken>,
    /// Of somebody whose texts are a double's own doing, and in no plan.
    passer_by: bool,
}

impl Asked {
    pub(super) fn of(stage: &Stage, planned: PutIn) -> Self {
        let known = |(at, conversation): (usize, &super::stage::Conversation)| Known {
            place: (stage.line(conversation).number.clone(), conversation.phone.clone()),
            taken: stage.ledger.read(at),
            passer_by: conversation.is_passer_by(),
        };
        let line = |which: usize| stage.lines[which % stage.lines.len()].number.clone();
        Self {
            conversations: stage.conversations.iter().enumerate().map(known).collect(),
            strangers: (0..planned.strangers).map(|which| (line(which), stranger(which))).collect(),
            planned,
        }
    }
}

/// Compares what both doubles hold with what was put in.
pub(super) async fn find(stage: &Stage, planned: PutIn) -> anyhow::Result<Findings> {
    let rows = Rows::read(stage.engine.pool()).await?;
    Ok(judge(&Asked::of(stage, planned), World::look(stage), &rows))
}

/// The same, of what was read.
fn judge(asked: &Asked, mut world: World, rows: &Rows) -> Findings {
    let (mut found, mut aside) = (Findings::default(), HashSet::new());
    for (at, known) in asked.conversations.iter().enumerate() {
        let front = world.front.remove(&known.place).unwrap_or_default();
        let sms = world.provider.remove(&known.place).unwrap_or_default();
        let both = Both { at, known, front: &front, sms: &sms, rows };
        aside.extend(both.compare(&mut found));
    }
    for (which, place) in asked.strangers.iter().enumerate() {
        compare_stranger(which, place, &mut world, &mut found);
    }
    leftovers(&world, &mut found);
    rows.report(&aside, &mut found);
    if found.put_in != asked.planned {
        let (planned, put_in) = (asked.planned, found.put_in);
        found.broken.add(1, || format!("put in was {put_in:?}, planned {planned:?}"));
    }
    for complaint in std::mem::take(&mut world.complaints) {
        found.broken.add(1, || complaint);
    }
    found
}

/// The first text of a conversation: never lost, and at most shown again under the same id, once.
fn compare_stranger(which: usize, place: &Place, world: &mut World, found: &mut Findings) {
    let shown = world.front.remove(place).unwrap_or_default();
    let (texts, others): (Vec<Sms>, Vec<Sms>) =
        world.provider.remove(place).unwrap_or_default().into_iter().partition(|sms| sms.inbound);
    found.put_in.strangers += texts.len();
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
    for ((number, phone), messages) in &world.provider {
        let say = |sms: &Sms| format!("{} “{}” at the provider, {number} with {phone}", sms.sid, sms.text);
        strange.extend(messages.iter().map(say));
    }
    strange.sort();
    for one in strange {
        found.duplicated.add(1, || format!("a message nobody asked for: {one}"));
    }
}
