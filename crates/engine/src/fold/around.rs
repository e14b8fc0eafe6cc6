//! What stands around a message that was seen at the provider: by it one can tell which row it is.

use crate::Result;
use twinwire_core::identity::Known;
use twinwire_core::model::{Direction, Message};
use twinwire_core::observe::AtProvider;
use twinwire_store::channels::StoredChannel;
use twinwire_store::unit::Unit;

/// What stands around a record in the tables.
pub(super) struct Around {
    by_id: Option<Message>,
    by_reference: Option<Message>,
    uncertain: Vec<Message>,
    rivals: Vec<AtProvider>,
}

impl Around {
    /// Reads and locks it. Without `echo` no send of ours is taken to be what was seen.
    pub(super) async fn load(
        unit: &mut Unit,
        channel: &StoredChannel,
        seen: &AtProvider,
        echo: bool,
    ) -> Result<Self> {
        let by_reference = match &seen.reference {
            Some(reference) => unit.lock(channel.id, reference).await?,
            None => None,
        };
        let by_id = unit.lock_by_provider_id(channel.id, &seen.id).await?;
        let mut around = Self { by_id, by_reference, uncertain: Vec::new(), rivals: Vec::new() };
        let unknown = around.by_id.is_none() && around.by_reference.is_none();
        if echo && unknown && seen.direction == Direction::Outbound && seen.ours() == channel.channel.address
        {
            around.uncertain = unit.lock_uncertain(channel.id, seen.customer()).await?;
            if !around.uncertain.is_empty() {
                let unbound = unit.unbound(channel.provider_account, seen.ours(), seen.customer()).await?;
                around.rivals = unbound.into_iter().map(|record| record.seen).collect();
            }
        }
        Ok(around)
    }

    /// As the core asks for it.
    pub(super) fn known(&self) -> Known<'_> {
        Known {
            by_id: self.by_id.as_ref(),
            by_reference: self.by_reference.as_ref(),
            uncertain: &self.uncertain,
            rivals: &self.rivals,
        }
    }
}
