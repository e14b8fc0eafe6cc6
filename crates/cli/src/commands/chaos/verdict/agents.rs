//! What agents have written: at the provider once, in order, whole, and with its files. A long text is several messages
//! there, each of which is compared for itself.

use super::super::files::File;
use super::super::ledger::Taken;
use super::super::plan::{Ending, LONGEST};
use super::Findings;
use super::conversation::{Both, Named, misplaced};
use super::world::Sms;
use chrono::TimeDelta;
use std::collections::HashSet;

/// Between an attempt and another application's equal text, at most, for the one to be taken for the other: what Twinwire
/// allows for a call and for clocks.
const LIKENESS: TimeDelta = TimeDelta::minutes(70);
/// Room for the number before each part of a long text.
const NUMBER: usize = "(10/10) ".len();

/// What becomes of a message at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It gets there.
    Goes,
    /// It gets there and fails.
    Fails,
    /// The provider does not take it.
    Refused,
    /// It is not sent, for an earlier part was refused.
    HeldBack,
}

/// An agent's message as the provider should have it, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    /// Twinwire's name of it.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) files: &'a [File],
    pub(super) fate: Fate,
}

impl Piece<'_> {
    fn named(&self) -> Named<'_> {
        Named { name: &self.name, text: &self.text, files: self.files }
    }

    /// Why it is put aside, where it has to be.
    pub(super) fn reason(&self) -> Option<&'static str> {
        match self.fate {
            Fate::Refused => Some("refused"),
            Fate::HeldBack => Some("incomplete"),
            Fate::Goes | Fate::Fails => None,
        }
    }
}

impl Both<'_> {
    /// Twinwire's name of an agent's message to this customer.
    pub(super) fn name_of(&self, taken: &Taken) -> String {
        format!("{}-{}", taken.id, self.known.place.1)
    }

    /// The messages that an agent's message is at the provider. Files go with the first.
    pub(super) fn pieces<'t>(&self, taken: &'t Taken) -> Vec<Piece<'t>> {
        let (texts, whole) = (parts(&taken.text), self.name_of(taken));
        let (long, mut held_back) = (texts.len() > 1, false);
        let piece = |(nth, text): (usize, String)| {
            // Where there are several, the text says which one it is about.
            let about = !long || text.contains(taken.ending.mark());
            let fate = match taken.ending {
                _ if held_back => Fate::HeldBack,
                Ending::Refused if about => Fate::Refused,
                Ending::FailsLater if about => Fate::Fails,
                _ => Fate::Goes,
            };
            held_back |= fate == Fate::Refused;
            let name = if nth == 0 { whole.clone() } else { format!("{whole}.{}", nth + 1) };
            Piece { name, text, files: if nth == 0 { &taken.files } else { &[] }, fate }
        };
        texts.into_iter().enumerate().map(piece).collect()
    }

    /// Agents' messages that nobody can tell from another application's equal text to the same person: put aside as
    /// uncertain, or taken for it.
    pub(super) fn left_open(&self) -> HashSet<String> {
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
    pub(super) fn agents(&self, pieces: &[Piece], open: &HashSet<String>, found: &mut Findings) {
        self.count_agents(found);
        let sent = self.sms.iter().filter(|sms| !sms.inbound && !sms.foreign);
        let there: Vec<Named> = sent.map(|sms| as_sent(sms, pieces, found)).collect();
        let wanted: Vec<Named> = pieces
            .iter()
            .filter(|piece| piece.reason().is_none())
            .map(Piece::named)
            // One of which nobody can say whether it is there, may be there.
            .filter(|one| !open.contains(one.name) || there.contains(one))
            .collect();
        let whereabouts = format!("at {}", self.known.provider);
        self.count(&wanted, &there, &whereabouts, found);
        if let Some(one) = misplaced(&wanted, &there) {
            found.out_of_order.add(1, || format!("conversation {}: {one}", self.at));
        }
        for piece in pieces {
            let Some(reason) = piece.reason().filter(|reason| !self.rows.is_parked(&piece.name, reason))
            else {
                continue;
            };
            found
                .put_aside
                .add(1, || format!("{} was to be put aside as {reason}, and is not", piece.named()));
        }
        self.known_by(found);
    }

    fn count_agents(&self, found: &mut Findings) {
        let put_in = found.put_in_at(self.known.provider);
        // The greeting was there before.
        put_in.agents += self.known.taken.len().saturating_sub(1);
        for taken in &self.known.taken {
            put_in.count_extras(1, &taken.text, &taken.files);
        }
    }

    /// Front knows each message by our name of it, or of its first part.
    fn known_by(&self, found: &mut Findings) {
        for taken in self.known.taken.iter().filter(|taken| taken.at_home) {
            let name = self.name_of(taken);
            let known = self.front.iter().find(|message| message.uid == taken.uid);
            let known = known.map_or("nothing", |message| &message.external_id);
            found.broken.add(usize::from(known != name), || format!("Front knows {name} by {known}"));
        }
    }
}

/// A message as it was sent. Where the provider failed it because it could not fetch its files, what counts is that it
/// was asked to, and that the agent is told.
fn as_sent<'s>(sms: &'s Sms, pieces: &'s [Piece<'_>], found: &mut Findings) -> Named<'s> {
    let mut files = sms.files.as_slice();
    if sms.not_fetched {
        found.files_not_fetched += 1;
        files = pieces.iter().find(|piece| piece.name == sms.reference).map_or(files, |piece| piece.files);
    }
    Named { name: &sms.reference, text: &sms.text, files }
}

/// The texts as which a text goes out: whole, or cut between words and numbered.
fn parts(text: &str) -> Vec<String> {
    if text.chars().count() <= LONGEST {
        return vec![text.to_owned()];
    }
    let mut parts: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match parts.last_mut() {
            Some(part) if part.len() + 1 + word.len() <= LONGEST - NUMBER => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
    }
    let of = parts.len();
    parts.iter().enumerate().map(|(nth, part)| format!("({}/{of}) {part}", nth + 1)).collect()
}
