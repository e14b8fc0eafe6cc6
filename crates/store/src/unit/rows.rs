//! Messages of a unit.

use super::{Key, Unit, apart};
use crate::{Result, messages};
use twinwire_core::event::{self, Happened};
use twinwire_core::model::Message;

/// A row, as far as the unit knows it.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// As it stands for the unit; none where there is none.
    pub(super) now: Option<Message>,
    /// As it is to be made.
    pub(super) born: Option<Message>,
    /// As it stood before the unit changed it.
    pub(super) was: Option<Message>,
    /// What has happened to it and is not told yet.
    pub(super) happened: Vec<Happened>,
    locked: bool,
}

impl Unit {
    pub(super) async fn load_rows(
        &mut self,
        mut rows: Vec<Key>,
        mut locked: Vec<Key>,
        mut by_provider_id: Vec<Key>,
    ) -> Result<()> {
        locked.retain(|key| self.rows.get(key).is_none_or(|row| !row.locked && row.now.is_some()));
        rows.retain(|key| !self.rows.contains_key(key) && !locked.contains(key));
        by_provider_id.retain(|key| !self.without_row.contains(key) && self.owner(key).is_none());
        for keys in [&mut rows, &mut locked, &mut by_provider_id] {
            keys.sort_unstable();
            keys.dedup();
        }
        if self.presumes {
            self.found(rows.clone(), Vec::new(), false);
            self.presumed.append(&mut rows);
        }
        if !rows.is_empty() {
            let (channels, ids) = apart(rows.clone());
            let found = match &mut self.tx {
                Some(tx) => messages::load(tx, &channels, &ids).await?,
                // To look needs no transaction.
                None => messages::load(&mut *self.pool.acquire().await?, &channels, &ids).await?,
            };
            self.found(rows, found, false);
        }
        if !locked.is_empty() {
            let (channels, ids) = apart(locked.clone());
            let found = messages::lock(self.conn().await?, &channels, &ids).await?;
            self.found(locked, found, true);
        }
        if !by_provider_id.is_empty() {
            let (channels, ids) = apart(by_provider_id.clone());
            let found = messages::lock_by_provider_id(self.conn().await?, &channels, &ids).await?;
            self.adopt(found);
            by_provider_id.retain(|key| self.owner(key).is_none());
            self.without_row.extend(by_provider_id);
        }
        Ok(())
    }

    /// Takes over what was found of the rows that were looked for.
    fn found(&mut self, looked_for: Vec<Key>, found: Vec<messages::Placed>, locked: bool) {
        for key in looked_for {
            let row = self.rows.entry(key).or_default();
            row.now = None;
        }
        for (channel, message) in found {
            let row = self.rows.entry((channel, message.external_id.clone())).or_default();
            (row.now, row.locked) = (Some(message), locked);
        }
    }

    /// Takes over rows that were found by something else than their ids. What the unit has changed is newer.
    fn adopt(&mut self, found: Vec<messages::Placed>) -> Vec<Key> {
        let mut keys = Vec::new();
        for (channel, message) in found {
            let key = (channel, message.external_id.clone());
            let row = self.rows.entry(key.clone()).or_default();
            if row.was.is_none() {
                row.now = Some(message);
            }
            row.locked = true;
            keys.push(key);
        }
        keys
    }

    /// The row that has this id of the provider's, among those that the unit knows.
    fn owner(&self, (channel, id): &Key) -> Option<Key> {
        let has =
            |row: &Row| row.now.as_ref().is_some_and(|now| now.provider_message_id.as_ref() == Some(id));
        let of_channel = self.rows.range((*channel, String::new())..(channel + 1, String::new()));
        of_channel.into_iter().find(|(_, row)| has(row)).map(|(key, _)| key.clone())
    }

    /// A row by its id, as it stands for the unit. It is not locked.
    pub async fn get(&mut self, channel: i64, external_id: &str) -> Result<Option<Message>> {
        let key = (channel, external_id.to_owned());
        if !self.rows.contains_key(&key) {
            self.load_rows(vec![key.clone()], Vec::new(), Vec::new()).await?;
        }
        Ok(self.rows.get(&key).and_then(|row| row.now.clone()))
    }

    /// A row by its id, locked until the unit ends.
    pub async fn lock(&mut self, channel: i64, external_id: &str) -> Result<Option<Message>> {
        let key = (channel, external_id.to_owned());
        self.load_rows(Vec::new(), vec![key.clone()], Vec::new()).await?;
        Ok(self.rows.get(&key).and_then(|row| row.now.clone()))
    }

    /// A row by the provider's id, locked.
    pub async fn lock_by_provider_id(&mut self, channel: i64, id: &str) -> Result<Option<Message>> {
        let key = (channel, id.to_owned());
        self.load_rows(Vec::new(), Vec::new(), vec![key.clone()]).await?;
        match self.owner(&key) {
            Some((channel, external_id)) => self.lock(channel, &external_id).await,
            None => Ok(None),
        }
    }

    /// The row that the helpdesk took under `accepted_as`, locked: it has a better id by now.
    pub async fn lock_by_helpdesk_id(&mut self, channel: i64, id: &str) -> Result<Option<Message>> {
        let found = messages::lock_by_helpdesk_id(self.written().await?, channel, id).await?;
        let key = self.adopt(found).into_iter().next();
        Ok(key.and_then(|key| self.rows.get(&key)?.now.clone()))
    }

    /// Sends of a conversation whose outcome is not known, locked: an echo may belong to one of them.
    pub async fn lock_uncertain(&mut self, channel: i64, conversation: &str) -> Result<Vec<Message>> {
        let found = messages::lock_uncertain(self.written().await?, channel, conversation).await?;
        let keys = self.adopt(found);
        Ok(keys.iter().filter_map(|key| self.rows.get(key)?.now.clone()).collect())
    }

    /// Makes a row, and keeps what that is news of. False when one with its id is there already; that one is not touched.
    pub async fn insert(&mut self, channel: i64, message: &Message) -> Result<bool> {
        if self.get(channel, &message.external_id).await?.is_some() {
            return Ok(false);
        }
        let key = (channel, message.external_id.clone());
        if let Some(id) = &message.provider_message_id {
            self.without_row.remove(&(channel, id.clone()));
        }
        let row = Row {
            now: Some(message.clone()),
            born: Some(message.clone()),
            was: None,
            happened: event::between(None, message),
            locked: true,
        };
        self.rows.insert(key.clone(), row);
        self.born.push(key);
        Ok(true)
    }

    /// Changes a row that was locked as `before`, and keeps what that is news of: there is no other way to write a row, so
    /// no transition goes untold. What a message is by birth (origin, direction, conversation) stays.
    pub fn update(&mut self, channel: i64, before: &Message, message: &Message) {
        if let Some(id) = &message.provider_message_id {
            self.without_row.remove(&(channel, id.clone()));
        }
        let row = self.rows.entry((channel, message.external_id.clone())).or_default();
        row.happened.extend(event::between(Some(before), message));
        row.was.get_or_insert_with(|| before.clone());
        row.now = Some(message.clone());
    }
}
