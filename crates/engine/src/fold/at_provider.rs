//! What the provider has into the row that it is.

use super::around::Around;
use super::{Counts, How, Saved, make, note, save, wake};
use crate::{Result, person};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use twinwire_core::consent;
use twinwire_core::identity::{Identity, identify};
use twinwire_core::model::{BoundBy, Direction, Message, Parked};
use twinwire_core::observe::{AtProvider, fold_provider, release};
use twinwire_core::plan::is_too_old;
use twinwire_core::settle;
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::consents::{self, Said, Source};
use twinwire_store::provider_messages::{self, Change, Record};
use twinwire_store::{erasures, messages, retention};

/// Folds what a provider's account has. `channel` is known where the evidence came through a channel's own hook or
/// call; else it is found by address.
///
/// All of it is joined before the first is identified: what may be the same send stands side by side then.
pub async fn fold(
    conn: &mut PgConnection,
    account: i64,
    channel: Option<&StoredChannel>,
    shown: &[AtProvider],
    how: How<'_>,
) -> Result<Counts> {
    let mut counts = Counts { seen: i64::try_from(shown.len()).unwrap_or(i64::MAX), ..Counts::default() };
    // Locked in the order of their ids: two transactions with the same messages cannot wait for each other.
    let mut by_id: Vec<usize> = (0..shown.len()).collect();
    by_id.sort_by_key(|at| &shown[*at].id);
    let mut news = Vec::new();
    let erased = erased(conn, shown, how).await?;
    for at in by_id {
        // What is from before somebody was erased does not come back; of what is there, only how far it got is news.
        if is_from_before(&shown[at], &erased, how)
            && provider_messages::get(&mut *conn, account, &shown[at].id).await?.is_none()
        {
            continue;
        }
        let (record, change) = provider_messages::join(conn, account, &shown[at]).await?;
        if record.emptied && record.channel.is_none() {
            continue;
        }
        if change != Change::None || record.channel.is_none() || record.held {
            news.push((at, record));
        }
    }
    news.sort_by_key(|(at, _)| *at);
    for (_, record) in news {
        let found;
        let channel = if let Some(channel) = channel {
            channel
        } else {
            found = channels::by_address(&mut *conn, account, record.seen.ours()).await?;
            let Some(channel) = &found else { continue };
            channel
        };
        counts.saved(place(conn, channel, &record, how).await?);
        if is_long_past(&record, how) {
            let row = messages::lock_by_provider_id(conn, channel.id, &record.seen.id).await?;
            let ids: Vec<String> = row.into_iter().map(|row| row.external_id).collect();
            retention::empty(conn, channel.id, account, &ids, how.now).await?;
        }
    }
    Ok(counts)
}

/// When the people in what is shown were erased, of those who were.
async fn erased(
    conn: &mut PgConnection,
    shown: &[AtProvider],
    how: How<'_>,
) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let mut tokens: Vec<String> = shown.iter().map(|seen| person::token(how.key, seen.customer())).collect();
    tokens.sort_unstable();
    tokens.dedup();
    Ok(erasures::known(conn, &tokens).await?.into_iter().collect())
}

/// Whether a message is from before its person was erased. One without a time is as old as what shows it.
fn is_from_before(seen: &AtProvider, erased: &BTreeMap<String, DateTime<Utc>>, how: How<'_>) -> bool {
    if erased.is_empty() {
        return false;
    }
    let at = erased.get(&person::token(how.key, seen.customer()));
    at.is_some_and(|at| seen.created_at.unwrap_or(how.came) <= *at)
}

/// Whether a message is found so late that its text is not kept any more.
fn is_long_past(record: &Record, how: How<'_>) -> bool {
    let at = record.seen.created_at;
    !record.emptied && how.texts_since.zip(at).is_some_and(|(since, at)| at < since)
}

/// Finds the row that a record is, and folds it in.
async fn place(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    record: &Record,
    how: How<'_>,
) -> Result<Saved> {
    let seen = &record.seen;
    let account = channel.provider_account;
    let around = Around::load(conn, channel, seen, how.echo).await?;
    let (saved, settled) = match identify(seen, &channel.channel.address, around.known()) {
        Identity::Row(row, bound_by) => {
            let after = fold_provider(Some(row), seen, bound_by, how.now);
            let saved = save(conn, channel.id, row, &after, how).await?;
            if after.body != row.body && after.direction == Direction::Inbound {
                hear(conn, channel.id, &after).await?;
            }
            wake(conn, channel.id, &after, how.now).await?;
            let news = row.provider_message_id.as_deref() != Some(&seen.id);
            if let Some(displaced) = row.provider_message_id.as_deref().filter(|_| news) {
                // The id was a guess and gave way: the message that had it is looked at anew.
                provider_messages::set_place(conn, account, displaced, None, true).await?;
            }
            (saved, news)
        }
        Identity::Moved { from, to } => {
            moved(conn, channel, seen, from, to, how).await?;
            (Saved::Updated, true)
        }
        Identity::New => {
            let mut fresh = fold_provider(None, seen, BoundBy::Answer, how.now);
            fresh.occurred_at = seen.created_at.unwrap_or(how.came);
            let after = parked_if_old(fresh, how);
            let made = make(conn, channel.id, &after, how).await?;
            if after.direction == Direction::Inbound {
                hear(conn, channel.id, &after).await?;
            }
            wake(conn, channel.id, &after, how.now).await?;
            (if made { Saved::Inserted } else { Saved::Same }, false)
        }
        Identity::Hold => {
            provider_messages::set_place(conn, account, &seen.id, None, true).await?;
            return Ok(Saved::Same);
        }
        Identity::Copy(row) => {
            tracing::error!(
                channel = channel.channel.id,
                row = row.log_id(),
                "the provider has this message twice"
            );
            note(conn, channel.id, row, how, "copy_at_provider", Some(&seen.id)).await?;
            (Saved::Same, false)
        }
        Identity::Foreign => return Ok(Saved::Same),
    };
    provider_messages::set_place(conn, account, &seen.id, Some(channel.id), false).await?;
    believe(conn, channel.id, seen, how).await?;
    if settled {
        reconsider(conn, channel, seen.customer(), how).await?;
    }
    Ok(saved)
}

/// Writes down what a text says about being texted, if it is one of the words for that.
pub(crate) async fn hear(conn: &mut PgConnection, channel: i64, row: &Message) -> Result<()> {
    let (Some(word), Some(id)) = (consent::word(&row.body), &row.provider_message_id) else { return Ok(()) };
    let said = Said {
        conversation: &row.conversation,
        at: row.occurred_at,
        source: Source::Customer,
        word,
        text: &row.body,
        provider_message_id: Some(id),
    };
    Ok(consents::record(conn, channel, said).await?)
}

/// Writes down what the provider itself says about a customer's wish: it took a text for a word of its own list, or says
/// of a message of ours that they do not want it.
async fn believe(conn: &mut PgConnection, channel: i64, seen: &AtProvider, how: How<'_>) -> Result<()> {
    let Some(word) = seen.said else { return Ok(()) };
    let inbound = seen.direction == Direction::Inbound;
    let said = Said {
        conversation: seen.customer(),
        // A failure that is heard of late says nothing about what they have written since.
        at: seen.created_at.unwrap_or(how.came),
        source: if inbound { Source::Customer } else { Source::Provider },
        word,
        text: seen.body.as_deref().filter(|_| inbound).unwrap_or_default(),
        provider_message_id: Some(&seen.id),
    };
    Ok(consents::record(conn, channel, said).await?)
}

/// Old history that a full backfill brings is put aside where it is found, so that texts of today need not wait until
/// the planner has looked at every row of it.
fn parked_if_old(row: Message, how: How<'_>) -> Message {
    if is_too_old(&row, how.too_old, how.now) { settle::park(&row, Parked::TooOld, how.now) } else { row }
}

async fn moved(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    seen: &AtProvider,
    from: &Message,
    to: &Message,
    how: How<'_>,
) -> Result<()> {
    let released = release(from, how.now);
    messages::update(conn, channel.id, from, &released).await?;
    wake(conn, channel.id, &released, how.now).await?;
    note(conn, channel.id, from, how, "unbound", Some("the message at the provider is another one")).await?;
    let after = fold_provider(Some(to), seen, BoundBy::Reference, how.now);
    save(conn, channel.id, to, &after, how).await?;
    wake(conn, channel.id, &after, how.now).await
}

/// Looks again at records that waited for a send of unknown outcome, now that it is settled.
pub async fn reconsider(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    customer: &str,
    how: How<'_>,
) -> Result<()> {
    let waiting =
        provider_messages::unbound(conn, channel.provider_account, &channel.channel.address, customer)
            .await?;
    for record in waiting.iter().filter(|record| record.held) {
        Box::pin(place(conn, channel, record, how)).await?;
    }
    Ok(())
}
