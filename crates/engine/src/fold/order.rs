//! An order of the helpdesk into its row.

use super::{How, make, save, wake};
use crate::Result;
use sqlx::PgConnection;
use twinwire_core::model::Message;
use twinwire_core::observe::{Ordered, fold_order};
use twinwire_store::channels::StoredChannel;
use twinwire_store::{conversations, messages};

/// Folds an order, and gives its row.
pub(super) async fn fold(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Message> {
    if let Some(there) = repeated(conn, channel, order, how).await? {
        return Ok(there);
    }
    if let Some(thread) = &order.thread {
        conversations::suggest_thread(conn, channel.id, &order.recipient, thread).await?;
    }
    loop {
        let first = messages::lock(conn, channel.id, &order.external_id).await?;
        let named = order.clone().named(first.as_ref());
        let same = named.external_id == order.external_id;
        let before = if same { first } else { messages::lock(conn, channel.id, &named.external_id).await? };
        let after = fold_order(before.as_ref(), &named, &channel.channel.address, how.now);
        match &before {
            Some(before) => drop(save(conn, channel.id, before, &after, how).await?),
            // Another request may have made the row since it was not found: then it is there to be locked now.
            None if !make(conn, channel.id, &after, how).await? => continue,
            None => {}
        }
        wake(conn, channel.id, &after, how.now).await?;
        return Ok(after);
    }
}

/// The row of an order that says nothing new. It is not locked: the same webhook many times at once need not queue up.
async fn repeated(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Option<Message>> {
    let first = messages::get(&mut *conn, channel.id, &order.external_id).await?;
    let named = order.clone().named(first.as_ref());
    let same = named.external_id == order.external_id;
    let row = if same { first } else { messages::get(&mut *conn, channel.id, &named.external_id).await? };
    Ok(row.filter(|row| fold_order(Some(row), &named, &channel.channel.address, how.now) == *row))
}
