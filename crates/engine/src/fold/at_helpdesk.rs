//! What the helpdesk has into the row that it is.

use super::{Counts, How, save, wake};
use crate::Result;
use twinwire_core::observe::{AtHelpdesk, fold_helpdesk};
use twinwire_store::channels::StoredChannel;
use twinwire_store::conversations;
use twinwire_store::unit::Unit;

/// Folds what the helpdesk has. A message that is no row of ours (a note) is no news.
pub(super) async fn fold(
    unit: &mut Unit,
    channel: &StoredChannel,
    seen: &AtHelpdesk,
    how: How<'_>,
) -> Result<Counts> {
    let mut row = match &seen.external_id {
        Some(id) => unit.lock(channel.id, id).await?,
        None => None,
    };
    if let (None, Some(id)) = (&row, &seen.accepted_as) {
        row = unit.lock_by_helpdesk_id(channel.id, id).await?;
    }
    let conversation = row.as_ref().map(|row| row.conversation.clone()).or_else(|| seen.conversation.clone());
    if let (Some(thread), Some(conversation)) = (&seen.thread, conversation) {
        conversations::set_thread(unit.conn().await?, channel.id, &conversation, thread).await?;
    }
    let Some(before) = row else { return Ok(Counts::default()) };
    let after = fold_helpdesk(&before, seen, how.now);
    let saved = save(unit, channel.id, &before, &after, how).await?;
    wake(unit, channel.id, &after, how.now);
    let mut counts = Counts { seen: 1, ..Counts::default() };
    counts.saved(saved);
    Ok(counts)
}
