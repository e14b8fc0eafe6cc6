//! The two ends of a channel, as the worker last read them.

use crate::{Engine, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use twinwire_core::connector::Connector;
use twinwire_core::model::Side;
use twinwire_core::plan::{End, Facts};
use twinwire_store::accounts::Account;
use twinwire_store::channels::{self, Standing, State, StoredChannel};

/// How long what was read about accounts and the channel is believed. Pauses come from any process.
const FRESH: TimeDelta = TimeDelta::milliseconds(500);

/// A channel with its two accounts.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    pub(super) channel: Arc<StoredChannel>,
    pub(super) helpdesk: Arc<Account>,
    pub(super) provider: Arc<Account>,
    pub(super) helpdesk_connector: &'static dyn Connector,
    pub(super) provider_connector: &'static dyn Connector,
    read_at: DateTime<Utc>,
}

impl Ends {
    /// Reads a channel and its accounts. None when the channel is gone.
    pub(super) async fn read(engine: &Engine, channel: i64) -> Result<Option<Self>> {
        let Some(channel) = channels::get(engine.pool(), channel).await? else { return Ok(None) };
        let helpdesk = engine.account(channel.helpdesk_account).await?;
        let provider = engine.account(channel.provider_account).await?;
        Ok(Some(Self {
            helpdesk_connector: engine.connectors().named(&helpdesk.connector)?,
            provider_connector: engine.connectors().named(&provider.connector)?,
            channel: Arc::new(channel),
            helpdesk: Arc::new(helpdesk),
            provider: Arc::new(provider),
            read_at: engine.now(),
        }))
    }

    /// Whether it has to be read again.
    pub(super) fn is_stale(&self, now: DateTime<Utc>) -> bool {
        now - self.read_at > FRESH || now < self.read_at
    }

    /// Has it read again in the next round.
    pub(super) fn expire(&mut self) {
        self.read_at = DateTime::<Utc>::MIN_UTC;
    }

    /// The account on a side.
    pub(super) fn account(&self, side: Side) -> &Account {
        match side {
            Side::Helpdesk => &self.helpdesk,
            Side::Provider => &self.provider,
        }
    }

    /// The connector on a side.
    pub(super) fn connector(&self, side: Side) -> &'static dyn Connector {
        match side {
            Side::Helpdesk => self.helpdesk_connector,
            Side::Provider => self.provider_connector,
        }
    }

    /// What the planner needs to know. A row that was claimed is at its turn.
    pub(super) fn facts<'a>(&'a self, engine: &'a Engine, thread_known: bool) -> Facts<'a> {
        Facts {
            active: self.channel.state == State::Active,
            turn: true,
            thread_known,
            opted_out: false,
            broken_off: false,
            helpdesk: end(engine, self.helpdesk_connector, &self.helpdesk, self.helpdesk.paused_until),
            provider: end(engine, self.provider_connector, &self.provider, self.provider.paused_until),
            policy: engine.policy(),
        }
    }

    /// The same, of how channel and accounts stand at this moment: the worker's own reading may be a little old.
    pub(super) fn facts_now<'a>(
        &'a self,
        engine: &'a Engine,
        thread_known: bool,
        standing: &Standing,
    ) -> Facts<'a> {
        let mut facts = self.facts(engine, thread_known);
        facts.active = standing.state == State::Active;
        facts.helpdesk = end(engine, self.helpdesk_connector, &self.helpdesk, standing.helpdesk_paused_until);
        facts.provider = end(engine, self.provider_connector, &self.provider, standing.provider_paused_until);
        facts
    }
}

/// An end whose account rests for every process until then, or for this one because its vendor answers nobody.
fn end(
    engine: &Engine,
    connector: &'static dyn Connector,
    account: &Account,
    paused_until: Option<DateTime<Utc>>,
) -> End<'static> {
    End { caps: connector.caps(), paused_until: paused_until.max(engine.health().rests_until(account.id)) }
}
