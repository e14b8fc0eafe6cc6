//! Channels and accounts as they were a moment ago. Every webhook asks for both, and they hardly ever change.
//!
//! What this process changes itself it forgets at once ([`Engine::forget`]); what another one changes is seen within
//! [`MOMENT`]. What was not found is asked for again each time.

use crate::{Engine, Result};
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use twinwire_store::accounts::Account;
use twinwire_store::channels::{self, KeyHash, StoredChannel};

/// How long what was read is believed.
const MOMENT: Duration = Duration::from_millis(100);
/// The most that is kept of each.
const MOST: u64 = 10_000;

/// By what a channel is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// The hash of its key.
    Key(KeyHash),
    /// Its public id.
    Id(String),
}

/// See the [module](self).
pub(crate) struct Lately {
    channels: Cache<Name, Arc<StoredChannel>>,
    accounts: Cache<i64, Arc<Account>>,
}

impl Default for Lately {
    fn default() -> Self {
        Self {
            channels: Cache::builder().max_capacity(MOST).time_to_live(MOMENT).build(),
            accounts: Cache::builder().max_capacity(MOST).time_to_live(MOMENT).build(),
        }
    }
}

impl Lately {
    pub(crate) async fn account(&self, engine: &Engine, id: i64) -> Result<Arc<Account>> {
        if let Some(account) = self.accounts.get(&id) {
            return Ok(account);
        }
        let account = Arc::new(engine.account(id).await?);
        self.accounts.insert(id, account.clone());
        Ok(account)
    }

    pub(crate) async fn by_key(&self, engine: &Engine, key: &str) -> Result<Option<Arc<StoredChannel>>> {
        let hash = channels::hash(key);
        let name = Name::Key(hash);
        if let Some(channel) = self.channels.get(&name) {
            return Ok(Some(channel));
        }
        Ok(self.keep(name, channels::by_api_key(engine.pool(), &hash).await?))
    }

    pub(crate) async fn by_id(&self, engine: &Engine, id: &str) -> Result<Option<Arc<StoredChannel>>> {
        let name = Name::Id(id.to_owned());
        if let Some(channel) = self.channels.get(&name) {
            return Ok(Some(channel));
        }
        Ok(self.keep(name, channels::by_public_id(engine.pool(), id).await?))
    }

    fn keep(&self, name: Name, found: Option<StoredChannel>) -> Option<Arc<StoredChannel>> {
        let channel = Arc::new(found?);
        self.channels.insert(name, channel.clone());
        Some(channel)
    }

    pub(crate) fn forget(&self) {
        self.channels.invalidate_all();
        self.accounts.invalidate_all();
    }
}
