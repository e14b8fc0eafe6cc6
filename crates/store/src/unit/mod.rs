//! A unit of work: what is read for it is read at once, and what it writes is kept and written together at its end.
//!
//! Whoever folds evidence or takes a step does so row by row, as if each were read and written on the spot. A unit answers
//! from what it has read, keeps what is to be written, and needs the same few statements for one message as for a hundred.
//! Nothing of it is there before [`Unit::commit`]; a unit that is dropped has done nothing.
//!
//! * [`rows`] — messages.
//! * [`records`] — what providers have.
//! * [`mod@write`] — the statements.
//!
//! A row that was not there when it was looked for, and that another transaction has made since, is found out when the unit
//! is written: that is a conflict ([`Error::is_conflict`](crate::Error::is_conflict)), and the unit is to be done anew.

mod records;
mod rows;
mod write;

pub use records::Change;

use crate::pool::HASTE;
use crate::webhook_log::Received;
use crate::{Result, erasures, tx};
use chrono::{DateTime, Utc};
use records::Kept;
use rows::Row;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A channel or an account, and an id in it.
pub type Key = (i64, String);

/// What a unit will ask for, as far as it is known beforehand. What is not wanted and asked for all the same is read when
/// it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Messages by channel and our id, to be looked at.
    pub rows: Vec<Key>,
    /// The same, to be changed: they are locked.
    pub locked: Vec<Key>,
    /// Messages by channel and the provider's id, locked.
    pub by_provider_id: Vec<Key>,
    /// Records by account and the provider's id, to be looked at.
    pub records: Vec<Key>,
    /// The same, to be changed: they are locked.
    pub locked_records: Vec<Key>,
    /// Accounts and people: whether the account has messages to them that are no row.
    pub unbound: Vec<Key>,
    /// Tokens of people: whether they were erased.
    pub people: Vec<String>,
}

/// See the [module](self).
pub struct Unit {
    pool: PgPool,
    /// How long it waits for a lock; as long as it takes, if it is not said.
    waits: Option<Duration>,
    tx: Option<Transaction<'static, Postgres>>,
    rows: BTreeMap<Key, Row>,
    /// Whether rows that are only looked at are presumed not to be there.
    presumes: bool,
    /// Those that were, and that the database is to be asked for.
    presumed: Vec<Key>,
    /// New rows, in the order in which they were made.
    born: Vec<Key>,
    /// Ids of the provider's that no row had.
    without_row: BTreeSet<Key>,
    records: BTreeMap<Key, Kept>,
    /// New records.
    new_records: Vec<Key>,
    /// Accounts and people: whether the account had messages to them that were no row.
    unbound: BTreeMap<Key, bool>,
    people: BTreeMap<String, Option<DateTime<Utc>>>,
    threads: BTreeMap<Key, String>,
    requests: Vec<(i64, Received)>,
    lines: Vec<Line>,
    woken: BTreeSet<i64>,
}

/// A line of a message's story, see [`crate::attempts`].
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) channel: i64,
    pub(crate) external_id: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) step: &'static str,
    pub(crate) act: Option<String>,
    pub(crate) outcome: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) by: Option<(String, i64)>,
    pub(crate) way: Option<&'static str>,
    pub(crate) webhook: Option<(i64, String)>,
}

impl Unit {
    /// A unit that has read and written nothing. It takes no connection before it needs one.
    pub fn new(pool: &PgPool) -> Self {
        Self {
            pool: pool.clone(),
            waits: None,
            tx: None,
            rows: BTreeMap::new(),
            presumes: false,
            presumed: Vec::new(),
            born: Vec::new(),
            without_row: BTreeSet::new(),
            records: BTreeMap::new(),
            new_records: Vec::new(),
            unbound: BTreeMap::new(),
            people: BTreeMap::new(),
            threads: BTreeMap::new(),
            requests: Vec::new(),
            lines: Vec::new(),
            woken: BTreeSet::new(),
        }
    }

    /// One that does not wait long for what another transaction holds: it fails ([`Error::is_held`](crate::Error::is_held)).
    pub fn hasty(pool: &PgPool) -> Self {
        Self { waits: Some(HASTE), ..Self::new(pool) }
    }

    /// One that is a transaction from its beginning, and waits no longer than that for a lock: whoever drops it takes back
    /// what it was doing. What only adds is a statement of its own elsewhere, and that goes on in the database.
    ///
    /// # Errors
    /// When the transaction cannot begin.
    pub async fn begun(pool: &PgPool, waits: Duration) -> Result<Self> {
        let mut unit = Self { waits: Some(waits), ..Self::new(pool) };
        unit.conn().await?;
        Ok(unit)
    }

    /// The same unit, which presumes that the rows that it only looks at are not there. It does not look; the statement that
    /// writes does, and writes nothing where one is there: that is a conflict, and the unit is to be done without
    /// presuming. For what is nearly always new.
    #[must_use]
    pub fn presuming(mut self) -> Self {
        self.presumes = true;
        self
    }

    /// The unit's transaction, for what is not about messages. What the unit keeps is not written yet.
    pub async fn conn(&mut self) -> Result<&mut PgConnection> {
        if self.tx.is_none() {
            let waits =
                self.waits.map(|waits| format!("; set local lock_timeout = {}", waits.as_millis().max(1)));
            let begin = format!("begin{}", waits.unwrap_or_default());
            self.tx = Some(tx::begin_with(&self.pool, begin).await?);
        }
        // Begun above.
        self.tx.as_deref_mut().ok_or_else(|| sqlx::Error::PoolClosed.into())
    }

    /// The unit's transaction with everything written so far: for what is asked rarely.
    pub async fn written(&mut self) -> Result<&mut PgConnection> {
        self.write().await?;
        self.conn().await
    }

    /// The same for what changes messages or records past the unit: what was read of them is forgotten.
    pub async fn past(&mut self) -> Result<&mut PgConnection> {
        self.write().await?;
        self.rows.clear();
        self.without_row.clear();
        self.records.clear();
        self.unbound.clear();
        self.conn().await
    }

    /// Writes everything and commits. What only adds is one statement and needs no transaction around it.
    pub async fn commit(mut self) -> Result<()> {
        self.write().await?;
        match self.tx.take() {
            Some(tx) => Ok(tx.commit().await?),
            None => Ok(()),
        }
    }

    /// Reads what will be asked for, in as few questions as there are kinds of it.
    pub async fn load(&mut self, wanted: Wanted) -> Result<()> {
        self.load_records(wanted.records, wanted.locked_records).await?;
        self.load_rows(wanted.rows, wanted.locked, wanted.by_provider_id).await?;
        // After the rows were locked: what is held back for one of them is held back under its lock.
        self.load_unbound(wanted.unbound).await?;
        self.load_people(wanted.people).await
    }

    /// Writes down a request that was taken, under a number of [`crate::webhook_log::numbers`].
    pub fn log(&mut self, number: i64, received: Received) {
        self.requests.push((number, received));
    }

    /// Keeps the helpdesk's id of a conversation unless one is known: an agent who begins a new conversation with somebody
    /// who has one is moved into that by the helpdesk, and the new one's id leads nowhere.
    pub fn suggest_thread(&mut self, channel: i64, conversation: &str, thread: &str) {
        self.threads.entry((channel, conversation.to_owned())).or_insert_with(|| thread.to_owned());
    }

    /// Announces, at commit, that a channel has something to do.
    pub fn announce(&mut self, channel: i64) {
        self.woken.insert(channel);
    }

    /// Which of these people were erased, and when. Erasing waits for the transactions that have looked.
    pub async fn erased(&mut self, people: Vec<String>) -> Result<BTreeMap<String, DateTime<Utc>>> {
        self.load_people(people.clone()).await?;
        let erased = |person: String| {
            let at = self.people.get(&person).copied().flatten()?;
            Some((person, at))
        };
        Ok(people.into_iter().filter_map(erased).collect())
    }

    async fn load_people(&mut self, mut people: Vec<String>) -> Result<()> {
        people.retain(|person| !self.people.contains_key(person));
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Ok(());
        }
        let known = erasures::known(self.conn().await?, &people).await?;
        self.people.extend(people.into_iter().map(|person| (person, None)));
        self.people.extend(known.into_iter().map(|(person, at)| (person, Some(at))));
        Ok(())
    }

    pub(crate) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }
}

/// Channels or accounts and ids, apart: as the database takes them.
fn apart(keys: Vec<Key>) -> (Vec<i64>, Vec<String>) {
    keys.into_iter().unzip()
}
