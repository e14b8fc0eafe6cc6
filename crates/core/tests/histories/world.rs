//! The two vendors and the people around them.

use crate::shell::file;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::{AtHelpdesk, AtProvider};

pub(crate) const OURS: &str = "+12015550100";
pub(crate) const CUSTOMERS: [&str; 2] = ["+12015550111", "+12015550122"];
pub(crate) const TEXTS: [&str; 3] = ["ok", "on my way", "thanks"];

/// The time of a history, in seconds from its begin.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_750_000_000 + seconds)
}

/// xorshift64: small, fast, and the same everywhere.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: i64) -> i64 {
        i64::try_from((self.next() >> 16) % u64::try_from(end).unwrap()).unwrap()
    }

    pub(crate) fn percent(&mut self, odds: i64) -> bool {
        self.below(100) < odds
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(i64::try_from(of.len()).unwrap())).unwrap()]
    }
}

/// A message that the provider has.
pub(crate) struct Sms {
    pub(crate) id: String,
    pub(crate) direction: Direction,
    pub(crate) customer: String,
    pub(crate) text: String,
    /// Which row of ours asked for it; none when a customer or another app sent it.
    pub(crate) sent_for: Option<String>,
    with_file: bool,
    /// What becomes of it in the end.
    becomes: Status,
    taken: i64,
    listed_from: i64,
}

#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) messages: Vec<Sms>,
    /// Webhooks and callbacks under way, with the time at which they arrive.
    pub(crate) under_way: Vec<(i64, AtProvider)>,
    /// How far its clock is from ours.
    pub(crate) skew: i64,
}

impl Provider {
    /// Takes a message; later than `now` shows it in lists, and earlier or later tells of it by itself.
    pub(crate) fn take(
        &mut self,
        rng: &mut Rng,
        now: i64,
        direction: Direction,
        (customer, text): (&str, &str),
        sent_for: Option<(&str, bool)>,
    ) -> AtProvider {
        let becomes = match direction {
            Direction::Inbound => Status::Received,
            Direction::Outbound if rng.percent(15) => Status::Undelivered,
            Direction::Outbound => Status::Delivered,
        };
        let sms = Sms {
            id: format!("SM{}", self.messages.len()),
            direction,
            customer: customer.to_owned(),
            text: text.to_owned(),
            sent_for: sent_for.map(|(id, _)| id.to_owned()),
            with_file: sent_for.map_or_else(|| rng.percent(20), |(_, with_file)| with_file),
            becomes,
            taken: now,
            listed_from: now + rng.below(26),
        };
        let answer = AtProvider { status: Some(Status::Queued), ..sms.shown(now, self.skew) };
        match (direction, sent_for) {
            (Direction::Inbound, _) => {
                self.tell(rng, now, &AtProvider { data: None, updated_at: None, ..answer.clone() });
            }
            (Direction::Outbound, None) => {}
            (Direction::Outbound, Some((reference, _))) => {
                // Some callbacks bring our reference back, none brings the text or a time.
                let reference = rng.percent(80).then(|| reference.to_owned());
                let bare = AtProvider {
                    body: None,
                    data: None,
                    created_at: None,
                    updated_at: None,
                    reference,
                    ..answer.clone()
                };
                self.tell(rng, now, &AtProvider { status: Some(Status::Sent), ..bare.clone() });
                self.tell(rng, now, &AtProvider { status: Some(becomes), ..bare });
            }
        }
        self.messages.push(sms);
        answer
    }

    /// Sends a webhook not at all, once or twice.
    fn tell(&mut self, rng: &mut Rng, now: i64, seen: &AtProvider) {
        for _ in 0..rng.pick(&[0, 1, 1, 1, 2]) {
            self.under_way.push((now + rng.below(90), seen.clone()));
        }
    }

    /// All that a list shows.
    pub(crate) fn list(&self, now: i64) -> Vec<AtProvider> {
        self.messages
            .iter()
            .filter(|sms| sms.listed_from <= now)
            .map(|sms| sms.shown(now, self.skew))
            .collect()
    }
}

impl Sms {
    fn shown(&self, now: i64, skew: i64) -> AtProvider {
        let (from, to) = match self.direction {
            Direction::Inbound => (self.customer.clone(), OURS.to_owned()),
            Direction::Outbound => (OURS.to_owned(), self.customer.clone()),
        };
        let is_over = now > self.taken + 40;
        AtProvider {
            id: self.id.clone(),
            direction: self.direction,
            from,
            to,
            body: Some(self.text.clone()),
            files: if self.with_file { file(&self.id) } else { Vec::new() },
            said: None,
            status: Some(if is_over { self.becomes } else { Status::Queued }),
            error_code: None,
            error_message: None,
            created_at: Some(at(self.taken + skew)),
            sent_at: None,
            updated_at: Some(at(self.taken + skew + if is_over { 40 } else { 0 })),
            reference: None,
            data: Some(serde_json::Value::from(is_over).into()),
        }
    }
}

/// A message that we brought into the helpdesk.
pub(crate) struct Import {
    pub(crate) external_id: String,
    conversation: String,
    listed_from: i64,
}

#[derive(Default)]
pub(crate) struct Helpdesk {
    pub(crate) imports: Vec<Import>,
    /// Notices of imports under way.
    pub(crate) under_way: Vec<(i64, AtHelpdesk)>,
    /// Messages that are marked as failed.
    pub(crate) marks: BTreeSet<String>,
    /// Messages with a note, and how many.
    pub(crate) notes: BTreeMap<String, u32>,
    /// Messages that cannot be marked as failed.
    pub(crate) unmarkable: BTreeSet<String>,
}

impl Helpdesk {
    /// Takes a message under a preliminary id.
    pub(crate) fn take(
        &mut self,
        rng: &mut Rng,
        now: i64,
        external_id: &str,
        conversation: &str,
    ) -> AtHelpdesk {
        let import = Import {
            external_id: external_id.to_owned(),
            conversation: conversation.to_owned(),
            listed_from: now + rng.below(26),
        };
        self.imports.push(import);
        let number = self.imports.len() - 1;
        for _ in 0..rng.pick(&[0, 1, 1, 2]) {
            let mut notice = self.shown(number);
            notice.accepted_as = rng.percent(50).then(|| format!("uid{number}"));
            self.under_way.push((now + rng.below(90), notice));
        }
        AtHelpdesk {
            external_id: None,
            accepted_as: Some(format!("uid{number}")),
            id: None,
            thread: None,
            conversation: Some(conversation.to_owned()),
            created_at: None,
        }
    }

    fn shown(&self, number: usize) -> AtHelpdesk {
        let import = &self.imports[number];
        AtHelpdesk {
            external_id: Some(import.external_id.clone()),
            accepted_as: None,
            id: Some(format!("msg{number}")),
            thread: Some(format!("thread of {}", import.conversation)),
            conversation: Some(import.conversation.clone()),
            created_at: None,
        }
    }

    /// All that the list of a thread shows.
    pub(crate) fn list(&self, now: i64, conversation: &str) -> Vec<AtHelpdesk> {
        let listed = |number: &usize| {
            let import = &self.imports[*number];
            import.conversation == conversation && import.listed_from <= now
        };
        (0..self.imports.len()).filter(listed).map(|number| self.shown(number)).collect()
    }
}
