//! What providers have, in a unit.

use super::{Key, Unit, apart};
use crate::Result;
use crate::provider_messages::{self, Record};
use twinwire_core::model::Direction;
use twinwire_core::observe::AtProvider;

/// A record, as far as the unit knows it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// As it stands for the unit; none where there is none.
    pub(super) now: Option<Record>,
    /// What it says has changed.
    pub(super) says_more: bool,
    /// Its place has changed.
    pub(super) placed: bool,
    locked: bool,
}

/// What joining did to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Inserted,
    /// It says more than before.
    Updated,
    /// Nothing new.
    None,
}

impl Unit {
    pub(super) async fn load_records(&mut self, mut looked: Vec<Key>, mut locked: Vec<Key>) -> Result<()> {
        locked.retain(|key| self.records.get(key).is_none_or(|kept| !kept.locked && kept.now.is_some()));
        looked.retain(|key| !self.records.contains_key(key) && !locked.contains(key));
        for keys in [&mut looked, &mut locked] {
            keys.sort_unstable();
            keys.dedup();
        }
        if !looked.is_empty() {
            let (accounts, ids) = apart(looked.clone());
            let found = match &mut self.tx {
                Some(tx) => provider_messages::load(tx, &accounts, &ids).await?,
                None => provider_messages::load(&mut *self.pool.acquire().await?, &accounts, &ids).await?,
            };
            self.keep(looked, found, false);
        }
        if !locked.is_empty() {
            let (accounts, ids) = apart(locked.clone());
            let found = provider_messages::lock(self.conn().await?, &accounts, &ids).await?;
            self.keep(locked, found, true);
        }
        Ok(())
    }

    fn keep(&mut self, looked_for: Vec<Key>, found: Vec<(i64, Record)>, locked: bool) {
        for key in looked_for {
            self.records.entry(key).or_default().now = None;
        }
        for (account, record) in found {
            let kept = self.records.entry((account, record.seen.id.clone())).or_default();
            (kept.now, kept.locked) = (Some(record), locked);
        }
    }

    /// A record by its id, as it stands for the unit. It is not locked.
    pub async fn record(&mut self, account: i64, id: &str) -> Result<Option<Record>> {
        let key = (account, id.to_owned());
        self.load_records(vec![key.clone()], Vec::new()).await?;
        Ok(self.records.get(&key).and_then(|kept| kept.now.clone()))
    }

    /// Whether evidence says nothing about a message that is not known, and its row is. Of what was looked at and is not
    /// locked: what is known is never taken back.
    pub fn is_known(&self, account: i64, seen: &AtProvider) -> bool {
        let kept = self.records.get(&(account, seen.id.clone()));
        kept.and_then(|kept| kept.now.as_ref())
            .is_some_and(|record| record.channel.is_some() && !record.held && record.with(seen).is_none())
    }

    /// Joins evidence into the record of its message and gives the whole record, locked until the unit ends. That lock is
    /// what puts all evidence about one message in line.
    pub async fn join(&mut self, account: i64, seen: &AtProvider) -> Result<(Record, Change)> {
        let key = (account, seen.id.clone());
        if self.records.get(&key).is_none_or(|kept| kept.now.is_some()) {
            self.load_records(Vec::new(), vec![key.clone()]).await?;
        }
        let kept = self.records.entry(key.clone()).or_default();
        let Some(before) = &kept.now else {
            let record = Record { seen: seen.clone(), channel: None, held: false, emptied: false };
            *kept = Kept { now: Some(record.clone()), locked: true, ..Kept::default() };
            self.new_records.push(key);
            return Ok((record, Change::Inserted));
        };
        let Some(joined) = before.with(seen) else { return Ok((before.clone(), Change::None)) };
        let record = Record { seen: joined, ..before.clone() };
        kept.now = Some(record.clone());
        kept.says_more = true;
        Ok((record, Change::Updated))
    }

    /// Writes down which channel's row a record is, or that it waits.
    pub async fn set_place(
        &mut self,
        account: i64,
        id: &str,
        channel: Option<i64>,
        held: bool,
    ) -> Result<()> {
        let key = (account, id.to_owned());
        self.load_records(Vec::new(), vec![key.clone()]).await?;
        let Some(kept) = self.records.get_mut(&key) else { return Ok(()) };
        let Some(record) = &mut kept.now else { return Ok(()) };
        if (record.channel, record.held) != (channel, held) {
            (record.channel, record.held) = (channel, held);
            kept.placed = true;
        }
        Ok(())
    }

    pub(super) async fn load_unbound(&mut self, mut people: Vec<Key>) -> Result<()> {
        people.retain(|key| !self.unbound.contains_key(key));
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Ok(());
        }
        let (accounts, addresses) = apart(people.clone());
        let some = provider_messages::with_unbound(self.conn().await?, &accounts, &addresses).await?;
        self.unbound.extend(people.into_iter().map(|key| (key, false)));
        self.unbound.extend(some.into_iter().map(|key| (key, true)));
        Ok(())
    }

    /// Messages from our address to one person that are no row yet, oldest first: what a send of unknown outcome may be.
    /// Evidence that does not show the sender may be ours.
    pub async fn unbound(&mut self, account: i64, ours: &str, recipient: &str) -> Result<Vec<Record>> {
        let key = (account, recipient.to_owned());
        let mut here = self.records.range((account, String::new())..(account + 1, String::new()));
        let is_loose = |record: &Record| {
            record.channel.is_none()
                && record.seen.direction == Direction::Outbound
                && record.seen.to == recipient
        };
        let loose = here.any(|(_, kept)| kept.now.as_ref().is_some_and(is_loose));
        if self.unbound.get(&key) == Some(&false) && !loose {
            return Ok(Vec::new());
        }
        provider_messages::unbound(self.written().await?, account, ours, recipient).await
    }
}
