//! An order of the helpdesk into its row.

use super::{Counts, Folded, How, Saved, make, save, wake};
use crate::{Result, person};
use sqlx::PgConnection;
use twinwire_core::model::Message;
use twinwire_core::observe::{Ordered, fold_order};
use twinwire_store::channels::StoredChannel;
use twinwire_store::erasures::Person;
use twinwire_store::{conversations, messages};

/// Folds an order, and gives its row with what it changed.
pub(super) async fn fold(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Folded> {
    if let Some(row) = repeated(conn, channel, order, how).await? {
        return Ok(Folded { row: Some(row), counts: Counts::default() });
    }
    if let Some(thread) = &order.thread {
        conversations::suggest_thread(conn, channel.id, &order.recipient, thread).await?;
    }
    loop {
        let first = messages::lock(conn, channel.id, &order.external_id).await?;
        let named = order.clone().named(first.as_ref());
        let same = named.external_id == order.external_id;
        let before = if same { first } else { messages::lock(conn, channel.id, &named.external_id).await? };
        let mut counts = Counts { seen: 1, ..Counts::default() };
        let after = fold_order(before.as_ref(), &named, &channel.channel.address, how.now);
        match &before {
            Some(before) => counts.saved(save(conn, channel.id, before, &after, how).await?),
            // Another request may have made the row since it was not found: then it is there to be locked now.
            None if !make(conn, channel.id, &after, how).await? => continue,
            None => counts.saved(Saved::Inserted),
        }
        wake(conn, channel.id, &after, how.now).await?;
        return Ok(Folded { row: Some(after), counts });
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
    if row.is_none() {
        return erased(conn, channel, order, how).await;
    }
    Ok(row.filter(|row| fold_order(Some(row), &named, &channel.channel.address, how.now) == *row))
}

/// The row of an order to somebody who was erased since: it stands under another name, and is not sent again.
async fn erased(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Option<Message>> {
    let person = Person { address: order.recipient.clone(), token: person::token(how.key, &order.recipient) };
    let names = order.second_choice.iter().map(|second| &second.external_id).chain([&order.external_id]);
    for name in names {
        let row = messages::get(&mut *conn, channel.id, &person.renamed(name)).await?;
        if let Some(row) = row.filter(|row| row.emptied_at.is_some() && order.is(row)) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
