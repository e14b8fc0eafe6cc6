//! A small engine: it claims, plans, begins, calls, folds and applies as the real one does, on rows in memory.

mod calls;

use crate::world::{CUSTOMERS, Helpdesk, OURS, Provider, Rng, TEXTS, at};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use twinwire_core::caps::{Caps, LookUp};
use twinwire_core::identity::{Identity, Known, identify};
use twinwire_core::media::File;
use twinwire_core::model::{Act, Begun, BoundBy, Direction, Message, Side};
use twinwire_core::observe::{
    AtHelpdesk, AtProvider, Ordered, fold_helpdesk, fold_order, fold_provider, release,
};
use twinwire_core::parts::Part;
use twinwire_core::plan::{Action, End, Facts, Policy, plan};
use twinwire_core::settle::{apply, begin, park};

#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) provider: Caps,
    pub(crate) helpdesk: Caps,
    pub(crate) safeguards: Safeguards,
}

/// What keeps the two sides in step; the tests turn each off to see that it matters.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four switches, each turned by name")]
pub(crate) struct Safeguards {
    pub(crate) keeps_doubt: bool,
    pub(crate) looks_up: bool,
    pub(crate) binds_echoes: bool,
    pub(crate) keeps_turn: bool,
}

pub(crate) struct Shell {
    pub(crate) setup: Setup,
    pub(crate) policy: Policy,
    pub(crate) provider: Provider,
    pub(crate) helpdesk: Helpdesk,
    /// In the order in which they came to be known.
    pub(crate) rows: Vec<Message>,
    /// All that is known of every message at the provider.
    pub(crate) seen: BTreeMap<String, AtProvider>,
    /// How often a delivery or note was repeated without knowing what became of the one before.
    pub(crate) blind: BTreeMap<String, u32>,
    pub(crate) ever_parked: BTreeSet<String>,
    pub(crate) calls: u64,
    pub(crate) crashes: u64,
    threads: BTreeSet<String>,
    orders: Vec<Ordered>,
    paused: [Option<DateTime<Utc>>; 2],
    rng: Rng,
    now: i64,
    calm: bool,
}

impl Shell {
    pub(crate) fn new(seed: u64, setup: Setup) -> Self {
        let mut rng = Rng::new(seed);
        let policy = Policy { give_up_after: rng.pick(&[3, 8, 50]), ..Policy::default() };
        let provider = Provider { skew: rng.below(200) - 100, ..Provider::default() };
        Self {
            setup,
            policy,
            provider,
            helpdesk: Helpdesk::default(),
            rows: Vec::new(),
            seen: BTreeMap::new(),
            blind: BTreeMap::new(),
            ever_parked: BTreeSet::new(),
            calls: 0,
            crashes: 0,
            threads: BTreeSet::new(),
            orders: Vec::new(),
            paused: [None, None],
            rng,
            now: 0,
            calm: false,
        }
    }

    /// A stretch of trouble, then calm until nothing is left to do.
    pub(crate) fn live(&mut self) {
        let others = self.rng.pick(&[0, 0, 8]);
        for _ in 0..40 {
            self.now += self.rng.below(15);
            self.people(others);
            self.evidence();
            self.work();
        }
        self.calm = true;
        // A row whose turn has not come is due all the time: a round for every second of a wait of 15 minutes, and another.
        for _ in 0..4_000 {
            match self.next() {
                Some(then) => self.now = then.max(self.now + 1),
                // By then all is listed and over. What the last poll shows may be work again.
                None if self.now < 5_000 => self.now = 5_000,
                None => break,
            }
            self.evidence();
            self.work();
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<i64> {
        let wakes =
            self.rows.iter().filter_map(|row| row.wake_at).map(|wake| (wake - at(0)).num_seconds() + 1);
        let hooks = self.provider.under_way.iter().map(|(due, _)| *due);
        let notices = self.helpdesk.under_way.iter().map(|(due, _)| *due);
        wakes.chain(hooks).chain(notices).min()
    }

    fn people(&mut self, others: i64) {
        let (customer, text) = (self.rng.pick(&CUSTOMERS), self.rng.pick(&TEXTS));
        match self.rng.below(100) {
            0..15 => self.agent_writes(customer, text),
            15..25 => {
                let rng = &mut self.rng;
                self.provider.take(rng, self.now, Direction::Inbound, (customer, text), None);
            }
            odds if odds < 25 + others => {
                let rng = &mut self.rng;
                self.provider.take(rng, self.now, Direction::Outbound, (customer, text), None);
            }
            odds if odds > 96 && !self.orders.is_empty() => {
                let again = self.orders[usize::try_from(self.now).unwrap() % self.orders.len()].clone();
                self.order(&again);
            }
            _ => {}
        }
    }

    fn agent_writes(&mut self, customer: &str, text: &str) {
        let number = self.orders.len();
        let age = if self.rng.percent(4) { 72 * 3600 } else { 0 };
        let order = Ordered {
            external_id: format!("order{number}"),
            second_choice: None,
            helpdesk_message_id: format!("front{number}"),
            thread: Some(format!("thread of {customer}")),
            recipient: customer.to_owned(),
            body: text.to_owned(),
            files: if self.rng.percent(20) { file(&format!("order{number}")) } else { Vec::new() },
            part: Part::WHOLE,
            data: serde_json::Value::from(true).into(),
            occurred_at: Some(at(self.now - age)),
        };
        if self.rng.percent(30) {
            self.helpdesk.unmarkable.insert(order.external_id.clone());
        }
        self.order(&order);
        self.orders.push(order);
    }

    fn order(&mut self, order: &Ordered) {
        self.threads.insert(order.recipient.clone());
        let known = self.index(&order.external_id);
        let row = fold_order(known.map(|index| &self.rows[index]), order, OURS, at(self.now));
        self.put(row);
    }

    fn index(&self, external_id: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.external_id == external_id)
    }

    fn put(&mut self, row: Message) {
        if row.parked.is_some() {
            self.ever_parked.insert(row.external_id.clone());
        }
        match self.index(&row.external_id) {
            Some(index) => self.rows[index] = row,
            None => self.rows.push(row),
        }
    }

    /// What the vendors show by now: webhooks in any order, and now and then everything.
    fn evidence(&mut self) {
        while let Some(due) = self.provider.under_way.iter().rposition(|(due, _)| *due <= self.now) {
            let (_, seen) = self.provider.under_way.swap_remove(due);
            self.at_provider(vec![seen]);
        }
        while let Some(due) = self.helpdesk.under_way.iter().rposition(|(due, _)| *due <= self.now) {
            let (_, seen) = self.helpdesk.under_way.swap_remove(due);
            self.at_helpdesk(&seen);
        }
        let polls = self.now >= 5_000 || self.rng.percent(15);
        if self.setup.provider.look_up == LookUp::Always && polls {
            self.at_provider(self.provider.list(self.now));
        }
    }

    fn at_helpdesk(&mut self, seen: &AtHelpdesk) {
        if let (Some(_), Some(conversation)) = (&seen.thread, &seen.conversation) {
            self.threads.insert(conversation.clone());
        }
        let is = |row: &&Message| {
            let accepted = seen.accepted_as.is_some() && seen.accepted_as == row.helpdesk_message_id;
            seen.external_id.as_ref() == Some(&row.external_id) || accepted
        };
        if let Some(row) = self.rows.iter().find(is) {
            let row = fold_helpdesk(row, seen, at(self.now));
            self.put(row);
        }
    }

    fn at_provider(&mut self, page: Vec<AtProvider>) {
        let mut changed = Vec::new();
        for seen in page {
            let id = seen.id.clone();
            if self.remember(seen) || self.rng.percent(10) {
                changed.push(id);
            }
        }
        for id in changed {
            self.bind(&id);
        }
        self.reconsider();
    }

    /// Whether it was news.
    fn remember(&mut self, seen: AtProvider) -> bool {
        let before = self.seen.get(&seen.id);
        let all = before.map_or_else(|| seen.clone(), |before| before.clone().join(seen.clone()));
        let news = before != Some(&all);
        self.seen.insert(seen.id, all);
        news
    }

    fn unbound(&self) -> Vec<AtProvider> {
        let bound: BTreeSet<_> =
            self.rows.iter().filter_map(|row| row.provider_message_id.as_deref()).collect();
        self.seen.values().filter(|seen| !bound.contains(&*seen.id)).cloned().collect()
    }

    /// Messages that no row has are looked at again whenever rows have changed: held ones, and ones that lost theirs.
    fn reconsider(&mut self) {
        let mut before = usize::MAX;
        loop {
            let unbound = self.unbound();
            if unbound.len() == before {
                return;
            }
            before = unbound.len();
            for seen in unbound {
                self.bind(&seen.id);
            }
        }
    }

    fn bind(&mut self, id: &str) {
        let seen = &self.seen[id];
        let doubtful = |row: &&Message| {
            row.origin == Side::Helpdesk
                && row.conversation == seen.customer()
                && row.provider_message_id.is_none()
                && row.standing_doubt().is_some()
        };
        let mut uncertain: Vec<Message> = self.rows.iter().filter(doubtful).cloned().collect();
        if !self.setup.safeguards.binds_echoes {
            uncertain.clear();
        }
        let rivals = if uncertain.is_empty() { Vec::new() } else { self.unbound() };
        let known = Known {
            by_id: self.rows.iter().find(|row| row.provider_message_id.as_deref() == Some(id)),
            by_reference: seen
                .reference
                .as_ref()
                .and_then(|id| self.rows.iter().find(|row| row.external_id == *id)),
            uncertain: &uncertain,
            rivals: &rivals,
        };
        let now = at(self.now);
        let changed = match identify(seen, OURS, known) {
            Identity::Row(row, bound_by) => vec![fold_provider(Some(row), seen, bound_by, now)],
            Identity::Moved { from, to } => {
                vec![release(from, now), fold_provider(Some(to), seen, BoundBy::Reference, now)]
            }
            Identity::New => vec![fold_provider(None, seen, BoundBy::Answer, now)],
            Identity::Hold | Identity::Copy(_) | Identity::Foreign => Vec::new(),
        };
        for row in changed {
            self.put(row);
        }
    }

    /// The answer to our own call says for certain which message the row is.
    fn answered(&mut self, index: usize, answer: AtProvider) {
        let id = answer.id.clone();
        self.remember(answer);
        let now = at(self.now);
        let taken = |row: &&Message| row.provider_message_id.as_ref() == Some(&id);
        if let Some(wrong) =
            self.rows.iter().find(taken).filter(|row| row.external_id != self.rows[index].external_id)
        {
            let released = release(wrong, now);
            self.put(released);
        }
        let row = fold_provider(Some(&self.rows[index]), &self.seen[&id], BoundBy::Answer, now);
        self.put(row);
        self.reconsider();
    }

    fn facts(&self, index: usize) -> Facts<'_> {
        let row = &self.rows[index];
        let waits = |other: &Message| {
            other.conversation == row.conversation
                && other.origin == row.origin
                && other.destination_id().is_none()
                && other.parked.is_none()
        };
        Facts {
            active: true,
            turn: !self.setup.safeguards.keeps_turn || !self.rows[..index].iter().any(waits),
            thread_known: self.threads.contains(&row.conversation),
            opted_out: false,
            broken_off: false,
            helpdesk: End { caps: &self.setup.helpdesk, paused_until: self.paused[0] },
            provider: End { caps: &self.setup.provider, paused_until: self.paused[1] },
            policy: &self.policy,
        }
    }

    fn work(&mut self) {
        let mut due: Vec<usize> = (0..self.rows.len()).collect();
        if self.rng.percent(30) {
            due.reverse();
        }
        for index in due {
            if self.rows[index].wake_at.is_some_and(|wake| wake <= at(self.now)) {
                self.step(index);
            }
        }
    }

    fn step(&mut self, index: usize) {
        let (row, now) = (&self.rows[index], at(self.now));
        let row = match plan(row, &self.facts(index), now) {
            Action::Do(act) => return self.call(index, act),
            Action::Nothing => Message { wake_at: None, ..row.clone() },
            Action::WaitUntil(then) => Message { wake_at: Some(then), ..row.clone() },
            Action::WaitTurn | Action::WaitChannel => return,
            Action::Park(why) => park(row, why, now),
        };
        self.put(row);
        self.reconsider();
    }

    fn call(&mut self, index: usize, act: Act) {
        self.calls += 1;
        let row = self.rows[index].clone();
        if act.is_unsafe() && row.standing_doubt().is_some_and(|doubt| doubt.act == act) {
            *self.blind.entry(row.external_id.clone()).or_default() += 1;
        }
        self.put(self.begin(&row, act));
        let came = if self.dies(4) { None } else { self.make(index, act) };
        let Some(came) = came else {
            self.crashes += 1;
            return;
        };
        let chance = f64::from(u8::try_from(self.rng.below(100)).unwrap()) / 100.0;
        let row = apply(&self.rows[index], act, &came, at(self.now), chance);
        self.put(row);
        self.reconsider();
    }

    fn begin(&self, row: &Message, act: Act) -> Message {
        let now = at(self.now);
        if self.setup.safeguards.keeps_doubt {
            return begin(row, act, now);
        }
        let attempted_at = row.attempted_at.or((act == Act::Deliver).then_some(now));
        Message { in_flight: Some(Begun { act, at: now }), attempted_at, ..row.clone() }
    }

    fn dies(&mut self, odds: i64) -> bool {
        !self.calm && self.rng.percent(odds)
    }
}

/// The one file of a message.
pub(crate) fn file(of: &str) -> Vec<File> {
    vec![File { url: Some(format!("https://files/{of}")), ..File::default() }]
}
