//! Evidence into rows, inside the caller's transaction. Webhooks, polls, look-ups and the answers to our own calls all
//! come through here: there is one way for every message.

use crate::Result;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use twinwire_core::identity::{Identity, Known, identify};
use twinwire_core::model::{BoundBy, Direction, Message};
use twinwire_core::observe::{
    AtHelpdesk, AtProvider, Observation, Ordered, fold_helpdesk, fold_order, fold_provider, release,
};
use twinwire_store::accounts;
use twinwire_store::attempts::{self, Line};
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::provider_messages::{self, Change, Record};
use twinwire_store::{conversations, messages, work};

/// What evidence did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that it showed.
    pub seen: i64,
    /// Rows that it made.
    pub inserted: i64,
    /// Rows that it changed.
    pub updated: i64,
}

impl Counts {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.seen += other.seen;
        self.inserted += other.inserted;
        self.updated += other.updated;
    }

    fn saved(&mut self, saved: Saved) {
        self.inserted += i64::from(saved == Saved::Inserted);
        self.updated += i64::from(saved == Saved::Updated);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    Inserted,
    Updated,
    Same,
}

/// Folds what the helpdesk's hook of a channel shows. Gives the row of an order.
pub async fn helpdesk(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    observation: &Observation,
    now: DateTime<Utc>,
) -> Result<Option<Message>> {
    match observation {
        Observation::Ordered(order) => Ok(Some(ordered(conn, channel, order, now).await?)),
        Observation::AtHelpdesk(seen) => {
            at_helpdesk(conn, channel, seen, now).await?;
            Ok(None)
        }
        Observation::Connected { helpdesk_channel_id } => {
            channels::connect(&mut *conn, channel.id, helpdesk_channel_id).await?;
            // While nobody had connected it, the helpdesk refused its tokens.
            accounts::resume(&mut *conn, channel.helpdesk_account).await?;
            work::wake_waiting(&mut *conn, channel.id, now).await?;
            work::announce(conn, channel.id).await?;
            Ok(None)
        }
        Observation::Disconnected => {
            channels::tombstone(conn, channel.id, now).await?;
            Ok(None)
        }
        Observation::AtProvider(seen) => {
            let shown = std::slice::from_ref(seen);
            provider(conn, channel.provider_account, Some(channel), shown, now).await?;
            Ok(None)
        }
    }
}

async fn ordered(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    order: &Ordered,
    now: DateTime<Utc>,
) -> Result<Message> {
    if let Some(there) = repeated(conn, channel, order, now).await? {
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
        let after = fold_order(before.as_ref(), &named, &channel.channel.address, now);
        // Another request may have made the row since it was not found: then it is there to be locked now.
        if before.is_some() || messages::insert(conn, channel.id, &after).await? {
            if before.is_some() {
                save(conn, channel.id, before.as_ref(), &after).await?;
            }
            wake(conn, channel.id, &after, now).await?;
            return Ok(after);
        }
    }
}

/// The row of an order that says nothing new. It is not locked: the same webhook many times at once need not queue up.
async fn repeated(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    order: &Ordered,
    now: DateTime<Utc>,
) -> Result<Option<Message>> {
    let first = messages::get(&mut *conn, channel.id, &order.external_id).await?;
    let named = order.clone().named(first.as_ref());
    let same = named.external_id == order.external_id;
    let row = if same { first } else { messages::get(&mut *conn, channel.id, &named.external_id).await? };
    Ok(row.filter(|row| fold_order(Some(row), &named, &channel.channel.address, now) == *row))
}

/// Folds what the helpdesk has. A message that is no row of ours (a note) is no news.
pub async fn at_helpdesk(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    seen: &AtHelpdesk,
    now: DateTime<Utc>,
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
    let after = fold_helpdesk(&before, seen, now);
    let saved = save(conn, channel.id, Some(&before), &after).await?;
    wake(conn, channel.id, &after, now).await?;
    let mut counts = Counts { seen: 1, ..Counts::default() };
    counts.saved(saved);
    Ok(counts)
}

/// Folds what a provider's account has. `channel` is known where the evidence came through a channel's own hook or
/// call; else it is found by address.
///
/// All of it is joined before the first is identified: what may be the same send stands side by side then.
pub async fn provider(
    conn: &mut PgConnection,
    account: i64,
    channel: Option<&StoredChannel>,
    shown: &[AtProvider],
    now: DateTime<Utc>,
) -> Result<Counts> {
    let mut counts = Counts { seen: i64::try_from(shown.len()).unwrap_or(i64::MAX), ..Counts::default() };
    let mut news = Vec::new();
    for seen in shown {
        let (record, change) = provider_messages::join(conn, account, seen).await?;
        if change != Change::None || record.channel.is_none() || record.held {
            news.push(record);
        }
    }
    for record in news {
        let found;
        let channel = if let Some(channel) = channel {
            channel
        } else {
            found = channels::by_address(&mut *conn, account, record.seen.ours()).await?;
            let Some(channel) = &found else { continue };
            channel
        };
        counts.saved(place(conn, channel, &record, now).await?);
    }
    Ok(counts)
}

/// Finds the row that a record is, and folds it in.
async fn place(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    record: &Record,
    now: DateTime<Utc>,
) -> Result<Saved> {
    let seen = &record.seen;
    let account = channel.provider_account;
    let around = Around::load(conn, channel, seen).await?;
    let (saved, settled) = match identify(seen, &channel.channel.address, around.known()) {
        Identity::Row(row, bound_by) => {
            let after = fold_provider(Some(row), seen, bound_by, now);
            let saved = save(conn, channel.id, Some(row), &after).await?;
            wake(conn, channel.id, &after, now).await?;
            let news = row.provider_message_id.as_deref() != Some(&seen.id);
            if let Some(displaced) = row.provider_message_id.as_deref().filter(|_| news) {
                // The id was a guess and gave way: the message that had it is looked at anew.
                provider_messages::set_place(conn, account, displaced, None, true).await?;
            }
            (saved, news)
        }
        Identity::Moved { from, to } => {
            moved(conn, channel, seen, from, to, now).await?;
            (Saved::Updated, true)
        }
        Identity::New => {
            let after = fold_provider(None, seen, BoundBy::Answer, now);
            let made = messages::insert(conn, channel.id, &after).await?;
            wake(conn, channel.id, &after, now).await?;
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
            note(conn, channel.id, row, now, "copy_at_provider", Some(&seen.id)).await?;
            (Saved::Same, false)
        }
        Identity::Foreign => return Ok(Saved::Same),
    };
    provider_messages::set_place(conn, account, &seen.id, Some(channel.id), false).await?;
    if settled {
        reconsider(conn, channel, seen.customer(), now).await?;
    }
    Ok(saved)
}

/// What stands around a record in the tables.
struct Around {
    by_id: Option<Message>,
    by_reference: Option<Message>,
    uncertain: Vec<Message>,
    rivals: Vec<AtProvider>,
}

impl Around {
    async fn load(conn: &mut PgConnection, channel: &StoredChannel, seen: &AtProvider) -> Result<Self> {
        let by_reference = match &seen.reference {
            Some(reference) => messages::lock(conn, channel.id, reference).await?,
            None => None,
        };
        let by_id = messages::lock_by_provider_id(conn, channel.id, &seen.id).await?;
        let mut around = Self { by_id, by_reference, uncertain: Vec::new(), rivals: Vec::new() };
        let unknown = around.by_id.is_none() && around.by_reference.is_none();
        if unknown && seen.direction == Direction::Outbound && seen.ours() == channel.channel.address {
            around.uncertain = messages::lock_uncertain(conn, channel.id, seen.customer()).await?;
            if !around.uncertain.is_empty() {
                let unbound =
                    provider_messages::unbound(conn, channel.provider_account, seen.customer()).await?;
                around.rivals = unbound.into_iter().map(|record| record.seen).collect();
            }
        }
        Ok(around)
    }

    fn known(&self) -> Known<'_> {
        Known {
            by_id: self.by_id.as_ref(),
            by_reference: self.by_reference.as_ref(),
            uncertain: &self.uncertain,
            rivals: &self.rivals,
        }
    }
}

async fn moved(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    seen: &AtProvider,
    from: &Message,
    to: &Message,
    now: DateTime<Utc>,
) -> Result<()> {
    let released = release(from, now);
    save(conn, channel.id, Some(from), &released).await?;
    wake(conn, channel.id, &released, now).await?;
    note(conn, channel.id, from, now, "unbound", Some("the message at the provider is another one")).await?;
    let after = fold_provider(Some(to), seen, BoundBy::Reference, now);
    save(conn, channel.id, Some(to), &after).await?;
    wake(conn, channel.id, &after, now).await
}

/// Looks again at records that waited for a send of unknown outcome, now that it is settled.
pub async fn reconsider(
    conn: &mut PgConnection,
    channel: &StoredChannel,
    customer: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let waiting = provider_messages::unbound(conn, channel.provider_account, customer).await?;
    for record in waiting.iter().filter(|record| record.held) {
        Box::pin(place(conn, channel, record, now)).await?;
    }
    Ok(())
}

async fn save(
    conn: &mut PgConnection,
    channel: i64,
    before: Option<&Message>,
    after: &Message,
) -> Result<Saved> {
    if before == Some(after) {
        return Ok(Saved::Same);
    }
    messages::update(conn, channel, after).await?;
    Ok(Saved::Updated)
}

async fn wake(conn: &mut PgConnection, channel: i64, row: &Message, now: DateTime<Utc>) -> Result<()> {
    if row.wake_at.is_some_and(|at| at <= now) {
        work::announce(conn, channel).await?;
    }
    Ok(())
}

async fn note(
    conn: &mut PgConnection,
    channel: i64,
    row: &Message,
    now: DateTime<Utc>,
    outcome: &str,
    detail: Option<&str>,
) -> Result<()> {
    let line = Line { channel, external_id: &row.external_id, at: now, by: None };
    Ok(attempts::note(conn, line, outcome, detail).await?)
}
