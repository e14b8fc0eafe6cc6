//! Evidence into rows, inside the caller's unit of work. Webhooks, polls, look-ups and the answers to our own calls all
//! come through here: there is one way for every message.
//!
//! * [`order`] — the helpdesk asks for a message to be brought to a customer.
//! * [`at_helpdesk`] — the helpdesk has a message.
//! * [`at_provider`] — the provider has one: which row it is, and what that changes.

mod around;
mod at_helpdesk;
mod at_provider;
mod order;

pub(crate) use at_provider::hear;
pub use at_provider::{fold as provider, reconsider};

use crate::{Engine, Result, Safeguard};
use chrono::{DateTime, TimeDelta, Utc};
use twinwire_core::explain;
use twinwire_core::model::Message;
use twinwire_core::observe::Observation;
use twinwire_core::retry;
use twinwire_store::attempts::{self, Line, Seen};
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::seal::SecretKey;
use twinwire_store::unit::{Unit, Wanted};
use twinwire_store::{accounts, messages, work};

/// How evidence is folded: when it came, and by which way.
#[derive(Clone, Copy, Debug)]
pub struct How<'a> {
    /// The time.
    pub now: DateTime<Utc>,
    /// When the evidence came: what says no time of its own is as old as that. Now, unless it is taken again.
    came: DateTime<Utc>,
    /// By which way it came.
    pub from: Source,
    /// The webhook that brought it: its number in the log, and the vendor's word for the event.
    webhook: Option<(i64, &'a str)>,
    /// Whether a message at the provider may be a send of ours of unknown outcome; always, but in a proof.
    echo: bool,
    /// See [`twinwire_core::plan::Policy::too_old`].
    too_old: TimeDelta,
    /// The key by which people who were erased are known.
    key: &'a SecretKey,
    /// Texts of messages from before then are not kept.
    texts_since: Option<DateTime<Utc>>,
}

/// By which way evidence came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A vendor's webhook.
    Webhook,
    /// A provider's list, read by a poll or a backfill.
    List,
    /// A look-up of one message.
    LookUp,
    /// The answer to our own call.
    Answer,
    /// What an operator says.
    Operator,
}

impl Source {
    /// Its word in the story.
    fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::List => "list",
            Self::LookUp => "look_up",
            Self::Answer => "answer",
            Self::Operator => "operator",
        }
    }
}

impl<'a> How<'a> {
    /// Now, by that way.
    pub fn now(engine: &'a Engine, from: Source) -> Self {
        let now = engine.now();
        Self {
            now,
            came: now,
            from,
            webhook: None,
            echo: engine.guards(Safeguard::Echo),
            too_old: engine.policy().too_old,
            key: engine.key(),
            texts_since: engine.keep().bodies.map(|keep| now - keep),
        }
    }

    /// The same, which came at that time and is taken again.
    #[must_use]
    pub fn of(self, came: DateTime<Utc>) -> Self {
        Self { came, ..self }
    }

    /// The same, brought by the webhook of that number in the log, for that event.
    #[must_use]
    pub fn by_webhook(self, id: i64, event: &'a str) -> Self {
        Self { webhook: Some((id, event)), ..self }
    }
}

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

/// What writing a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    Inserted,
    Updated,
    Same,
}

/// What a hook of the helpdesk did.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    /// Of an order, its row.
    pub row: Option<Message>,
    /// Of the others too, what it changed.
    pub counts: Counts,
}

/// What folding an observation asks for, so that it can be read at once with what others ask for.
pub fn want(wanted: &mut Wanted, channel: &StoredChannel, observation: &Observation, how: How<'_>) {
    match observation {
        Observation::Ordered(order) => order::want(wanted, channel, order, how),
        Observation::AtHelpdesk(seen) => {
            wanted.locked.extend(seen.external_id.iter().map(|id| (channel.id, id.clone())));
        }
        Observation::AtProvider(seen) => at_provider::want(wanted, channel, seen, how),
        Observation::Connected { .. } | Observation::Disconnected => {}
    }
}

/// Folds what the helpdesk's hook of a channel shows.
pub async fn helpdesk(
    unit: &mut Unit,
    channel: &StoredChannel,
    observation: &Observation,
    how: How<'_>,
) -> Result<Folded> {
    let counted = |counts| Ok(Folded { row: None, counts });
    match observation {
        Observation::Ordered(order) => order::fold(unit, channel, order, how).await,
        Observation::AtHelpdesk(seen) => counted(at_helpdesk::fold(unit, channel, seen, how).await?),
        Observation::Connected { helpdesk_channel_id } => {
            let conn = unit.past().await?;
            channels::connect(&mut *conn, channel.id, helpdesk_channel_id).await?;
            // While nobody had connected it, the helpdesk refused its tokens.
            accounts::end_pause(&mut *conn, channel.helpdesk_account).await?;
            work::wake_waiting(&mut *conn, channel.id, how.now).await?;
            unit.announce(channel.id);
            Ok(Folded::default())
        }
        Observation::Disconnected => {
            channels::tombstone(unit.conn().await?, channel.id, how.now).await?;
            Ok(Folded::default())
        }
        Observation::AtProvider(seen) => {
            let shown = std::slice::from_ref(seen);
            let folded = at_provider::fold(unit, channel.provider_account, Some(channel), shown, how);
            // Apart: what the much larger of these needs would be moved about with every other.
            counted(Box::pin(folded).await?)
        }
    }
}

/// Writes a row where it has changed, and what is news of it into its story.
async fn save(
    unit: &mut Unit,
    channel: i64,
    before: &Message,
    after: &Message,
    how: How<'_>,
) -> Result<Saved> {
    if before == after {
        return Ok(Saved::Same);
    }
    unit.update(channel, before, after);
    tell(unit, channel, Some(before), after, how);
    // Was the agent told that it failed, they may have written it again; what follows stays aside then.
    if before.parked.is_some() && after.parked.is_none() && after.helpdesk_status.is_none() {
        take_up_the_rest(unit, channel, after, how.now).await?;
    }
    Ok(Saved::Updated)
}

/// The later parts of a text, which were put aside because of this one, are to be sent after all.
pub(crate) async fn take_up_the_rest(
    unit: &mut Unit,
    channel: i64,
    row: &Message,
    now: DateTime<Utc>,
) -> Result<()> {
    if row.part.of == 1 {
        return Ok(());
    }
    for id in messages::left_behind(unit.written().await?, channel, row).await? {
        let Some(row) = unit.lock(channel, &id).await? else { continue };
        let Ok(after) = retry::retry(&row, now) else { continue };
        unit.update(channel, &row, &after);
        let line = Line { channel, external_id: &id, at: now, by: None };
        attempts::note(unit, line, "earlier_part_goes", None);
    }
    unit.announce(channel);
    Ok(())
}

/// Makes a row and begins its story. False when it is there already; nothing is written then.
async fn make(unit: &mut Unit, channel: i64, row: &Message, how: How<'_>) -> Result<bool> {
    let made = unit.insert(channel, row).await?;
    if made {
        tell(unit, channel, None, row, how);
    }
    Ok(made)
}

/// Writes down what evidence brought, where that tells anybody anything: what is known already adds nothing, however
/// often a webhook is repeated or a list is read.
fn tell(unit: &mut Unit, channel: i64, before: Option<&Message>, after: &Message, how: How<'_>) {
    let Some(news) = explain::news(before, after) else { return };
    let line = Line { channel, external_id: &after.external_id, at: how.now, by: None };
    let seen =
        Seen { what: &news.what, error: news.error.as_deref(), way: how.from.word(), webhook: how.webhook };
    attempts::seen(unit, line, seen);
}

/// Announces a row that has something to do.
pub(crate) fn wake(unit: &mut Unit, channel: i64, row: &Message, now: DateTime<Utc>) {
    if row.wake_at.is_some_and(|at| at <= now) {
        unit.announce(channel);
    }
}

/// Writes down what was decided about a row without a call.
fn note(unit: &mut Unit, channel: i64, row: &Message, how: How<'_>, outcome: &str, detail: Option<&str>) {
    let line = Line { channel, external_id: &row.external_id, at: how.now, by: None };
    attempts::note(unit, line, outcome, detail);
}
