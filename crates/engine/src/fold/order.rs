//! An order of the helpdesk into its row.

use super::{Counts, Folded, How, Saved, make, save, wake};
use crate::{Result, person};
use twinwire_core::model::Message;
use twinwire_core::observe::{Ordered, fold_order};
use twinwire_store::channels::StoredChannel;
use twinwire_store::erasures::Person;
use twinwire_store::unit::{Unit, Wanted};

/// Folds an order, and gives its row with what it changed.
pub(super) async fn fold(
    unit: &mut Unit,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Folded> {
    if let Some(row) = repeated(unit, channel, order, how).await? {
        return Ok(Folded { row: Some(row), counts: Counts::default() });
    }
    if let Some(thread) = &order.thread {
        unit.suggest_thread(channel.id, &order.recipient, thread);
    }
    let first = unit.lock(channel.id, &order.external_id).await?;
    let named = order.clone().named(first.as_ref());
    let same = named.external_id == order.external_id;
    let before = if same { first } else { unit.lock(channel.id, &named.external_id).await? };
    let mut counts = Counts { seen: 1, ..Counts::default() };
    let after = fold_order(before.as_ref(), &named, &channel.channel.address, how.now);
    match &before {
        Some(before) => counts.saved(save(unit, channel.id, before, &after, how).await?),
        None => {
            make(unit, channel.id, &after, how).await?;
            counts.saved(Saved::Inserted);
        }
    }
    wake(unit, channel.id, &after, how.now);
    Ok(Folded { row: Some(after), counts })
}

/// The row of an order that says nothing new. It is not locked: the same webhook many times at once need not queue up.
async fn repeated(
    unit: &mut Unit,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Option<Message>> {
    let first = unit.get(channel.id, &order.external_id).await?;
    let named = order.clone().named(first.as_ref());
    let same = named.external_id == order.external_id;
    let row = if same { first } else { unit.get(channel.id, &named.external_id).await? };
    if row.is_none() {
        return erased(unit, channel, order, how).await;
    }
    Ok(row.filter(|row| fold_order(Some(row), &named, &channel.channel.address, how.now) == *row))
}

/// The row of an order to somebody who was erased since: it stands under another name, and is not sent again.
async fn erased(
    unit: &mut Unit,
    channel: &StoredChannel,
    order: &Ordered,
    how: How<'_>,
) -> Result<Option<Message>> {
    for name in renamed(order, how) {
        let row = unit.get(channel.id, &name).await?;
        if let Some(row) = row.filter(|row| row.emptied_at.is_some() && order.is(row)) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// What the row of an order is called once its person was erased.
fn renamed(order: &Ordered, how: How<'_>) -> Vec<String> {
    let person = Person { address: order.recipient.clone(), token: person::token(how.key, &order.recipient) };
    names(order).map(|name| person.renamed(name)).collect()
}

/// What the row of an order may be called.
fn names(order: &Ordered) -> impl Iterator<Item = &String> {
    order.second_choice.iter().map(|second| &second.external_id).chain([&order.external_id])
}

/// The rows that folding an order asks for.
pub(super) fn want(wanted: &mut Wanted, channel: &StoredChannel, order: &Ordered, how: How<'_>) {
    let all = names(order).cloned().chain(renamed(order, how));
    wanted.rows.extend(all.map(|name| (channel.id, name)));
}
