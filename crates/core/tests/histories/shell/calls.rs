//! Calls to the two sides, with everything that can go wrong with them.

use super::Shell;
use crate::world::at;
use twinwire_core::identity::could_be;
use twinwire_core::media::{self, Fetched};
use twinwire_core::model::{Act, Direction, Message, Side};
use twinwire_core::observe::{AtHelpdesk, AtProvider};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::plan::side_of;
use twinwire_core::settle::Result as Came;

impl Shell {
    /// Makes the call. None: the process died before it could write down what came of it.
    pub(super) fn make(&mut self, index: usize, act: Act) -> Option<Came> {
        let side = side_of(&self.rows[index], act);
        let trouble = if self.calm { 100 } else { self.rng.below(100) };
        let refused = |kind| Some(Came::Refused(Refusal { kind, code: None, message: "refused".to_owned() }));
        match trouble {
            0..6 => return refused(RefusalKind::Later),
            6..10 => {
                self.pause(side, 12);
                return refused(RefusalKind::Throttled(None));
            }
            10..12 => {
                self.pause(side, 25);
                return refused(RefusalKind::Credentials);
            }
            12..16 if matches!(act, Act::Deliver | Act::LookUp) => return refused(RefusalKind::Permanent),
            16..24 => return Some(self.times_out()),
            _ => {}
        }
        if act == Act::Report && self.helpdesk.unmarkable.contains(&self.rows[index].external_id) {
            return refused(RefusalKind::Permanent);
        }
        self.now += self.rng.below(4);
        let answer = self.happens(index, act, side);
        if self.rng.percent(40) {
            self.now += self.rng.below(4);
            self.evidence();
        }
        match trouble {
            24..36 => Some(self.times_out()),
            36..44 => None,
            _ => {
                let came = self.read(index, answer);
                (!self.dies(4)).then_some(came)
            }
        }
    }

    fn times_out(&mut self) -> Came {
        self.now += 20;
        self.evidence();
        Came::Unknown("no answer".to_owned())
    }

    fn pause(&mut self, side: Side, seconds: i64) {
        self.paused[usize::from(side == Side::Provider)] = Some(at(self.now + seconds));
    }

    fn happens(&mut self, index: usize, act: Act, side: Side) -> Answer {
        let (row, now) = (&self.rows[index], self.now);
        let id = row.external_id.clone();
        match (act, side) {
            (Act::Fetch, _) => Answer::File(self.rng.percent(5)),
            (Act::Deliver, Side::Provider) => {
                let what = (&*row.recipient, &*row.body);
                let sent_for = Some((&*id, !row.media.is_empty()));
                Answer::Sent(self.provider.take(&mut self.rng, now, Direction::Outbound, what, sent_for))
            }
            (Act::Deliver, Side::Helpdesk) => {
                let seen = self.helpdesk.take(&mut self.rng, now, &id, &row.conversation);
                Answer::Synced(AtHelpdesk { external_id: Some(id), ..seen })
            }
            (Act::Report, _) => {
                self.helpdesk.marks.insert(id);
                Answer::Told
            }
            (Act::Note, _) => {
                *self.helpdesk.notes.entry(id).or_default() += 1;
                Answer::Told
            }
            (Act::LookUp, _) if row.standing_doubt().is_some_and(|doubt| doubt.act == Act::Note) => {
                Answer::Notes(self.helpdesk.notes.contains_key(&id))
            }
            (Act::LookUp, Side::Provider) => Answer::Outgoing(self.provider.list(now)),
            (Act::LookUp, Side::Helpdesk) => Answer::Thread(self.helpdesk.list(now, &row.conversation)),
        }
    }

    fn read(&mut self, index: usize, answer: Answer) -> Came {
        match answer {
            Answer::Told => return Came::Done,
            Answer::File(gone) => return Came::Fetched(fetched(&self.rows[index], gone)),
            Answer::Notes(there) => {
                return if there && self.setup.safeguards.looks_up { Came::Done } else { Came::NotThere };
            }
            Answer::Sent(seen) => {
                self.answered(index, seen);
                return Came::Done;
            }
            Answer::Synced(seen) => {
                self.at_helpdesk(&seen);
                return Came::Done;
            }
            // The blind resend that the look-up is there to prevent.
            _ if !self.setup.safeguards.looks_up => return Came::NotThere,
            Answer::Outgoing(page) => self.at_provider(page),
            Answer::Thread(page) => page.iter().for_each(|seen| self.at_helpdesk(seen)),
        }
        let row = &self.rows[index];
        if row.destination_id().is_some() {
            Came::Done
        } else if self.unbound().iter().any(|seen| could_be(seen, row)) {
            Came::Ambiguous
        } else {
            Came::NotThere
        }
    }
}

/// What comes of fetching the first file that is wanted.
fn fetched(row: &Message, gone: bool) -> Fetched {
    let wanted = media::next(row).map(|(_, medium)| medium.file.clone());
    match wanted.and_then(|file| file.url.clone().map(|url| (file, url))) {
        Some((file, url)) if !gone => Fetched::Kept { key: url.clone(), url, file },
        Some(_) => Fetched::Missing { why: "gone".to_owned() },
        // Evidence settled it while the call was under way.
        None => Fetched::Listed(Vec::new()),
    }
}

enum Answer {
    /// Whether it is gone.
    File(bool),
    Sent(AtProvider),
    Synced(AtHelpdesk),
    Told,
    Notes(bool),
    Outgoing(Vec<AtProvider>),
    Thread(Vec<AtHelpdesk>),
}
