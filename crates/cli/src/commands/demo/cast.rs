//! Who plays: the doubles of both vendors, the engine between them, and the reader of its table.

use super::rows::{self, Row};
use super::{LOOK_EVERY, PATIENCE};
use sqlx::PgPool;
use std::time::Instant;
use twinwire_engine::Engine;
use twinwire_engine::jobs::read_list;
use twinwire_sandbox::front::Message;
use twinwire_sandbox::{Front, SignalWire};
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::channels::StoredChannel;

/// The number of the channel.
pub(super) const NUMBER: &str = "+12015550123";

/// Everything that the script and the page act with. A cheap handle.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) front: Front,
    pub(super) signalwire: SignalWire,
    pub(super) engine: Engine,
    /// The channel as Front knows it.
    pub(super) inbox: String,
    /// The channel as Twinwire knows it.
    pub(super) channel: StoredChannel,
    /// Connections that can only read.
    pub(super) reader: PgPool,
}

impl Cast {
    /// The replication table.
    pub(super) async fn rows(&self) -> anyhow::Result<Vec<Row>> {
        rows::all(&self.reader).await
    }

    /// The messages with a text as Front has them.
    pub(super) fn in_front(&self, contact: &str, text: &str) -> Vec<Message> {
        let mut messages = self.front.all_messages(&self.inbox);
        messages.retain(|message| message.contact() == contact && message.text == text);
        messages
    }

    /// Asks for a backfill as an operator would, and waits for its end.
    pub(super) async fn backfill(&self) -> anyhow::Result<Backfill> {
        let (account, channel) = (self.channel.provider_account, Some(self.channel.id));
        let id = read_list::request(&self.engine, account, channel, Kind::Incremental, "demo").await?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(done) = backfills::get(self.engine.pool(), id).await?.filter(Backfill::is_over) {
                return Ok(done);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("the backfill did not end within {PATIENCE:?}")
    }
}
