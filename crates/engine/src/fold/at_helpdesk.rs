//! What the helpdesk has into the row that it is.

use super::{Counts, How, save, wake};
use crate::Result;
use sqlx::PgConnection;
use twinwire_core::observe::{AtHelpdesk, fold_helpdesk};
use twinwire_store::channels::StoredChannel;
use twinwire_store::{conversations, messages};

/// Folds what the helpdesk has. A message that is no row of ours (a note) is no news.
pub(super) async fn fold(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    seen: &AtHelpdesk,
    how: How<'_>,
) -> Result<Counts> {
    let mut row = match &seen.external_id {
        Some(id) => messages::lock(conn, channel.id, id).await?,
        None => None,
    };
    if let (None, Some(id)) = (&row, &seen.accepted_as) {
        row = messages::lock_by_helpdesk_id(conn, channel.id, id).await?;
    }
    let conversation = row.as_ref().map(|row| row.conversation.clone()).or_else(|| seen.conversation.clone());
    if let (Some(thread), Some(conversation)) = (&seen.thread, conversation) {
        conversations::set_thread(conn, channel.id, &conversation, thread).await?;
    }
    let Some(before) = row else { return Ok(Counts::default()) };
    let after = fold_helpdesk(&before, seen, how.now);
    let saved = save(conn, channel.id, &before, &after, how).await?;
    wake(conn, channel.id, &after, how.now).await?;
    let mut counts = Counts { seen: 1, ..Counts::default() };
    counts.saved(saved);
    Ok(counts)
}
