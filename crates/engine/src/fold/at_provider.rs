//! What the provider has into the row that it is.

use super::around::Around;
use super::{Counts, How, Saved, make, note, save, wake};
use crate::{Result, person};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use twinwire_core::consent;
use twinwire_core::identity::{Identity, identify};
use twinwire_core::model::{BoundBy, Direction, Message, Parked};
use twinwire_core::observe::{AtProvider, fold_provider, release};
use twinwire_core::plan::is_too_old;
use twinwire_core::settle;
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::consents::{self, Said, Source};
use twinwire_store::provider_messages::Record;
use twinwire_store::retention;
use twinwire_store::unit::{Change, Unit, Wanted};

/// Folds what a provider's account has. `channel` is known where the evidence came through a channel's own hook or
/// call; else it is found by address.
///
/// All of it is joined before the first is identified: what may be the same send stands side by side then.
pub async fn fold(
    unit: &mut Unit,
    account: i64,
    channel: Option<&StoredChannel>,
    shown: &[AtProvider],
    how: How<'_>,
) -> Result<Counts> {
    let mut counts = Counts { seen: i64::try_from(shown.len()).unwrap_or(i64::MAX), ..Counts::default() };
    let news = join(unit, account, shown, how).await?;
    let mut channels = Channels { account, of_hook: channel, found: BTreeMap::new() };
    want_all(unit, &mut channels, &news, how).await?;
    for record in news {
        let Some(channel) = channels.of(unit, record.seen.ours()).await? else { continue };
        counts.saved(place(unit, &channel, &record, how).await?);
        if is_long_past(&record, how) {
            let row = unit.lock_by_provider_id(channel.id, &record.seen.id).await?;
            let ids: Vec<String> = row.into_iter().map(|row| row.external_id).collect();
            retention::empty(unit.past().await?, channel.id, account, &ids, how.now).await?;
        }
    }
    Ok(counts)
}

/// Joins what is shown into its records, and gives those that have something to be done for, in the order in which they
/// are shown.
async fn join(unit: &mut Unit, account: i64, shown: &[AtProvider], how: How<'_>) -> Result<Vec<Record>> {
    let records = shown.iter().map(|seen| (account, seen.id.clone())).collect();
    unit.load(Wanted { records, ..Wanted::default() }).await?;
    // Of a list nearly everything is known; that is looked at, and not even locked.
    let news: Vec<&AtProvider> = shown.iter().filter(|seen| !unit.is_known(account, seen)).collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = Wanted::default();
    wanted.locked_records.extend(news.iter().map(|seen| (account, seen.id.clone())));
    unit.load(wanted).await?;
    let erased = erased(unit, &news, how).await?;
    let mut records = Vec::new();
    for seen in news {
        // What is from before somebody was erased does not come back; of what is there, only how far it got is news.
        if is_from_before(seen, &erased, how) && unit.record(account, &seen.id).await?.is_none() {
            continue;
        }
        let (record, change) = unit.join(account, seen).await?;
        if record.emptied && record.channel.is_none() {
            continue;
        }
        if change != Change::None || record.channel.is_none() || record.held {
            records.push(record);
        }
    }
    Ok(records)
}

/// The channels of what an account shows.
struct Channels<'a> {
    account: i64,
    /// The one whose hook or call showed it.
    of_hook: Option<&'a StoredChannel>,
    /// Those that were found by their addresses.
    found: BTreeMap<String, Option<Arc<StoredChannel>>>,
}

impl Channels<'_> {
    async fn of(&mut self, unit: &mut Unit, address: &str) -> Result<Option<Arc<StoredChannel>>> {
        if !self.found.contains_key(address) {
            let found = match self.of_hook {
                Some(channel) => Some(channel.clone()),
                None => channels::by_address(unit.conn().await?, self.account, address).await?,
            };
            self.found.insert(address.to_owned(), found.map(Arc::new));
        }
        Ok(self.found.get(address).cloned().flatten())
    }
}

/// Reads what placing records asks for.
async fn want_all(unit: &mut Unit, channels: &mut Channels<'_>, news: &[Record], how: How<'_>) -> Result<()> {
    let mut wanted = Wanted::default();
    for record in news {
        if let Some(channel) = channels.of(unit, record.seen.ours()).await? {
            want(&mut wanted, &channel, &record.seen, how);
        }
    }
    Ok(unit.load(wanted).await?)
}

/// What folding a message at the provider asks for.
pub(super) fn want(wanted: &mut Wanted, channel: &StoredChannel, seen: &AtProvider, how: How<'_>) {
    let account = channel.provider_account;
    wanted.locked_records.push((account, seen.id.clone()));
    wanted.locked.extend(seen.reference.iter().map(|reference| (channel.id, reference.clone())));
    wanted.locked.push((channel.id, seen.id.clone()));
    wanted.by_provider_id.push((channel.id, seen.id.clone()));
    wanted.unbound.push((account, seen.customer().to_owned()));
    wanted.people.push(person::token(how.key, seen.customer()));
}

/// When the people in what is shown were erased, of those who were.
async fn erased(
    unit: &mut Unit,
    shown: &[&AtProvider],
    how: How<'_>,
) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let people = shown.iter().map(|seen| person::token(how.key, seen.customer())).collect();
    Ok(unit.erased(people).await?)
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
async fn place(unit: &mut Unit, channel: &StoredChannel, record: &Record, how: How<'_>) -> Result<Saved> {
    let seen = &record.seen;
    let account = channel.provider_account;
    let around = Around::load(unit, channel, seen, how.echo).await?;
    let (saved, settled) = match identify(seen, &channel.channel.address, around.known()) {
        Identity::Row(row, bound_by) => {
            let after = fold_provider(Some(row), seen, bound_by, how.now);
            let saved = save(unit, channel.id, row, &after, how).await?;
            if after.body != row.body && after.direction == Direction::Inbound {
                hear(unit, channel.id, &after).await?;
            }
            wake(unit, channel.id, &after, how.now);
            let news = row.provider_message_id.as_deref() != Some(&seen.id);
            if let Some(displaced) = row.provider_message_id.as_deref().filter(|_| news) {
                // The id was a guess and gave way: the message that had it is looked at anew.
                unit.set_place(account, displaced, None, true).await?;
            }
            (saved, news)
        }
        Identity::Moved { from, to } => {
            moved(unit, channel, seen, from, to, how).await?;
            (Saved::Updated, true)
        }
        Identity::New => {
            let mut fresh = fold_provider(None, seen, BoundBy::Answer, how.now);
            fresh.occurred_at = seen.created_at.unwrap_or(how.came);
            let after = parked_if_old(fresh, how);
            let made = make(unit, channel.id, &after, how).await?;
            if after.direction == Direction::Inbound {
                hear(unit, channel.id, &after).await?;
            }
            wake(unit, channel.id, &after, how.now);
            (if made { Saved::Inserted } else { Saved::Same }, false)
        }
        Identity::Hold => {
            unit.set_place(account, &seen.id, None, true).await?;
            return Ok(Saved::Same);
        }
        Identity::Copy(row) => {
            tracing::error!(
                channel = channel.channel.id,
                row = row.log_id(),
                "the provider has this message twice"
            );
            note(unit, channel.id, row, how, "copy_at_provider", Some(&seen.id));
            (Saved::Same, false)
        }
        Identity::Foreign => return Ok(Saved::Same),
    };
    unit.set_place(account, &seen.id, Some(channel.id), false).await?;
    believe(unit, channel.id, seen, how).await?;
    if settled {
        reconsider(unit, channel, seen.customer(), how).await?;
    }
    Ok(saved)
}

/// Writes down what a text says about being texted, if it is one of the words for that.
pub(crate) async fn hear(unit: &mut Unit, channel: i64, row: &Message) -> Result<()> {
    let (Some(word), Some(id)) = (consent::word(&row.body), &row.provider_message_id) else { return Ok(()) };
    let said = Said {
        conversation: &row.conversation,
        at: row.occurred_at,
        source: Source::Customer,
        word,
        text: &row.body,
        provider_message_id: Some(id),
    };
    Ok(consents::record(unit.conn().await?, channel, said).await?)
}

/// Writes down what the provider itself says about a customer's wish: it took a text for a word of its own list, or says
/// of a message of ours that they do not want it.
async fn believe(unit: &mut Unit, channel: i64, seen: &AtProvider, how: How<'_>) -> Result<()> {
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
    Ok(consents::record(unit.conn().await?, channel, said).await?)
}

/// Old history that a full backfill brings is put aside where it is found, so that texts of today need not wait until
/// the planner has looked at every row of it.
fn parked_if_old(row: Message, how: How<'_>) -> Message {
    if is_too_old(&row, how.too_old, how.now) { settle::park(&row, Parked::TooOld, how.now) } else { row }
}

async fn moved(
    unit: &mut Unit,
    channel: &StoredChannel,
    seen: &AtProvider,
    from: &Message,
    to: &Message,
    how: How<'_>,
) -> Result<()> {
    let released = release(from, how.now);
    unit.update(channel.id, from, &released);
    wake(unit, channel.id, &released, how.now);
    note(unit, channel.id, from, how, "unbound", Some("the message at the provider is another one"));
    let after = fold_provider(Some(to), seen, BoundBy::Reference, how.now);
    save(unit, channel.id, to, &after, how).await?;
    wake(unit, channel.id, &after, how.now);
    Ok(())
}

/// Looks again at records that waited for a send of unknown outcome, now that it is settled.
pub async fn reconsider(
    unit: &mut Unit,
    channel: &StoredChannel,
    customer: &str,
    how: How<'_>,
) -> Result<()> {
    let waiting = unit.unbound(channel.provider_account, &channel.channel.address, customer).await?;
    for record in waiting.iter().filter(|record| record.held) {
        Box::pin(place(unit, channel, record, how)).await?;
    }
    Ok(())
}
