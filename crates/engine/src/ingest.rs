//! A webhook: verify, fold, commit, answer. Nothing else happens in the request.

use crate::fold::{Counts, Folded, How, Source};
use crate::gather::{Company, Gather};
use crate::poll::insist;
use crate::trace::{Kind, Open, Within};
use crate::{Engine, crash, fold, verification};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use twinwire_core::connector::{Connector, Reading, Unreadable, Unverified};
use twinwire_core::http::{Answer, Hook};
use twinwire_core::model::{Direction, Message, Side};
use twinwire_core::observe::{Observation, Ordered};
use twinwire_core::parts;
use twinwire_core::text::clean;
use twinwire_store::accounts::Account;
use twinwire_store::channels::{self, State, StoredChannel};
use twinwire_store::pool::{HASTE, WEBHOOKS_WAIT};
use twinwire_store::unit::{Unit, Wanted};
use twinwire_store::webhook_log::Received;

/// Why a webhook was not taken. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// It is not the vendor's.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// It makes no sense; the words are for the vendor's user.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Its channel was removed.
    #[error("this channel was removed; connect it again to use it")]
    Gone,
    /// Its channel was removed, and another one has its address now.
    #[error("this channel was removed and its number belongs to a newer one; use the API key of that one")]
    Replaced,
    /// It could not be stored.
    #[error(transparent)]
    Engine(#[from] crate::Error),
}

impl From<twinwire_store::Error> for Rejected {
    fn from(error: twinwire_store::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<sqlx::Error> for Rejected {
    fn from(error: sqlx::Error) -> Self {
        Self::Engine(error.into())
    }
}

/// Takes a webhook of a channel. The answer is given only once everything it shows is committed. Its vendor is answered at
/// `until`, whatever has become of it; what is not on its way into the table then, is not stored.
pub async fn receive(
    engine: &Engine,
    connector: &'static dyn Connector,
    channel: &Arc<StoredChannel>,
    hook: &Hook<'_>,
    until: Instant,
) -> Result<Answer, Rejected> {
    let (now, began) = (engine.now(), Instant::now());
    let account = match connector.side() {
        Side::Helpdesk => channel.helpdesk_account,
        Side::Provider => channel.provider_account,
    };
    let account = engine.account_lately(account).await?;
    let unverified = verification::check(connector, &account, hook, now)?;
    let reading = connector.read(hook, &channel.channel, &account.settings)?;
    let moves =
        |seen: &Observation| matches!(seen, Observation::Connected { .. } | Observation::Disconnected);
    let moved = reading.observations.iter().any(moves);
    // Nobody connects or removes a channel by a request that may be anybody's.
    if let Some(why) = unverified.filter(|_| moved) {
        return Err(why.into());
    }
    let orders = reading.observations.iter().any(|seen| matches!(seen, Observation::Ordered(_)));
    if orders && channel.state == State::Deleted {
        return Err(Rejected::Gone);
    }
    let connected = reading.observations.iter().any(|seen| matches!(seen, Observation::Connected { .. }));
    if connected && channel.state == State::Deleted && is_replaced(engine, channel).await? {
        return Err(Rejected::Replaced);
    }
    let splits_at = splits_at(engine, channel, &reading).await?;
    let received = received(connector, channel, hook, &reading, unverified);
    let taken = Arc::new(Taken {
        engine: engine.clone(),
        channel: channel.clone(),
        reading,
        received,
        splits_at,
        until,
    });
    let rows = engine.ingest().ask(taken.clone(), store).await?;
    if moved {
        engine.forget();
    }
    if let Some(why) = unverified {
        verification::note(engine, &account, &channel.channel.id, why);
    }
    let reading = &taken.reading;
    engine.metrics().webhook_taken(connector.name(), &reading.event, began.elapsed());
    trace(&taken, &rows, SystemTime::now() - began.elapsed());
    tracing::debug!(
        channel = channel.channel.id,
        connector = connector.name(),
        event = reading.event,
        "webhook taken"
    );
    Ok(connector.answer(hook, reading, &channel.channel, &rows, engine.public_url()))
}

/// Tells of each message that a webhook was about it.
fn trace(taken: &Taken, rows: &[Message], began: SystemTime) {
    let engine = &taken.engine;
    if engine.spans().is_none() {
        return;
    }
    let (channel, connector) = (&taken.channel.channel.id, &taken.received.connector);
    let shown = taken.reading.observations.iter().filter_map(|seen| match seen {
        Observation::AtProvider(seen) => match (&seen.reference, seen.direction) {
            (Some(ours), _) => Some(("callback", ours)),
            (None, Direction::Inbound) => Some(("ingest", &seen.id)),
            (None, Direction::Outbound) => None,
        },
        Observation::AtHelpdesk(seen) => Some(("callback", seen.external_id.as_ref()?)),
        Observation::Ordered(_) | Observation::Connected { .. } | Observation::Disconnected => None,
    });
    for (name, id) in rows.iter().map(|row| ("ingest", &row.external_id)).chain(shown) {
        let message = Within::message(engine, channel, id);
        Open::begin(engine, message.as_ref(), name, Kind::Server)
            .since(began)
            .with("twinwire.connector", connector.as_str())
            .end(false);
    }
}

/// Whether a channel that was removed has a successor.
async fn is_replaced(engine: &Engine, channel: &StoredChannel) -> Result<bool, crate::Error> {
    let now = channels::by_address(engine.pool(), channel.provider_account, &channel.channel.address).await?;
    Ok(now.is_some_and(|now| now.id != channel.id))
}

/// A hook that is taken.
pub(crate) struct Taken {
    engine: Engine,
    channel: Arc<StoredChannel>,
    reading: Reading,
    /// For the log.
    received: Received,
    splits_at: Option<usize>,
    /// When its vendor is answered.
    until: Instant,
}

/// Hooks that are stored together.
pub(crate) type Ingest = Gather<Taken, Vec<Message>>;

/// Hooks in one transaction at most.
const TOGETHER: usize = 128;
/// Transactions at a time: while one is committed, the next one is made.
const AT_ONCE: usize = 2;
/// Hooks for which a transaction is made while another one runs.
const WORTH: usize = 16;

/// How long storing hooks together may take once what they show is folded: a connection is waited for, and locks. It is a
/// statement that goes on in the database when nobody waits for it any more, and an agent who was told of a failure meanwhile
/// would have written twice.
const TAKES: Duration = WEBHOOKS_WAIT.saturating_add(HASTE.saturating_mul(2));

/// Nothing waits yet.
pub(crate) fn gather() -> Ingest {
    Gather::with(AT_ONCE, WORTH, TOGETHER)
}

/// What is logged of a hook.
fn received(
    connector: &dyn Connector,
    channel: &StoredChannel,
    hook: &Hook<'_>,
    reading: &Reading,
    unverified: Option<Unverified>,
) -> Received {
    Received {
        at: DateTime::<Utc>::MIN_UTC,
        connector: connector.name().to_owned(),
        hook: clean(hook.name),
        channel: channel.id,
        event: reading.event.clone(),
        method: hook.method.to_owned(),
        url: hook.url.to_owned(),
        content_type: hook.header("content-type").map(str::to_owned),
        body: hook.body.to_owned(),
        status: 200,
        unverified: unverified.map(|why| why.to_string()),
    }
}

/// Commits what hooks show, all or none.
async fn store(taken: Vec<Arc<Taken>>, company: Company) -> Result<Vec<Vec<Message>>, crate::Error> {
    let Some(engine) = taken.first().map(|one| one.engine.clone()) else { return Ok(Vec::new()) };
    // Whoever has to wait does not do so on one of the few connections of the webhooks.
    if company == Company::Alone {
        return insist(|| store_alone(&engine, &taken)).await;
    }
    // Nearly everything is new; what came before is looked for once that shows.
    let place = engine.webhooks().place(taken.len() == 1);
    match store_together(&engine, &taken, Unit::new(&place).presuming(), &place).await {
        Err(error) if error.is_conflict() => store_together(&engine, &taken, Unit::new(&place), &place).await,
        done => done,
    }
}

/// What only adds, as hooks mostly do, is one statement. It is not begun where an answer may be given before it ends.
async fn store_together(
    engine: &Engine,
    taken: &[Arc<Taken>],
    mut unit: Unit,
    pool: &PgPool,
) -> Result<Vec<Vec<Message>>, crate::Error> {
    let stored = async {
        let numbers = engine.webhook_numbers(taken.len(), pool).await?;
        let rows = fold_all(engine, taken, numbers, &mut unit).await?;
        if taken.iter().any(|one| one.until < Instant::now() + TAKES) {
            return Err(crate::Error::Late);
        }
        unit.commit().await?;
        Ok(rows)
    };
    match stored.await {
        // Nothing was written: the unit had no connection to do so.
        Err(crate::Error::Store(twinwire_store::Error::Database(sqlx::Error::PoolTimedOut))) => {
            Err(crate::Error::Late)
        }
        stored => stored,
    }
}

/// In a transaction, which is rolled back when the one who waits for it is answered.
async fn store_alone(engine: &Engine, taken: &[Arc<Taken>]) -> Result<Vec<Vec<Message>>, crate::Error> {
    let left = taken.iter().map(|one| one.until.saturating_duration_since(Instant::now())).min();
    // A little longer than the answer, so that it is not the lock that ends the waiting.
    let numbers = engine.webhook_numbers(taken.len(), engine.pool()).await?;
    let mut unit = Unit::begun(engine.pool(), left.unwrap_or_default() + HASTE).await?;
    let rows = fold_all(engine, taken, numbers, &mut unit).await?;
    unit.commit().await?;
    Ok(rows)
}

/// Folds what hooks show, each after its request was logged.
async fn fold_all(
    engine: &Engine,
    taken: &[Arc<Taken>],
    numbers: Vec<i64>,
    unit: &mut Unit,
) -> Result<Vec<Vec<Message>>, crate::Error> {
    let how = How::now(engine, Source::Webhook);
    let mut wanted = Wanted::default();
    for one in taken {
        for observation in &one.reading.observations {
            fold::want(&mut wanted, &one.channel, observation, how);
        }
    }
    unit.load(wanted).await?;
    let mut all = Vec::with_capacity(taken.len());
    for (one, number) in taken.iter().zip(numbers) {
        // First, so that the story of what it shows can name it.
        unit.log(number, Received { at: how.now, ..one.received.clone() });
        let how = how.by_webhook(number, &one.reading.event);
        let mut rows = Vec::new();
        for observation in &one.reading.observations {
            let folded = fold_one(unit, &one.channel, observation, one.splits_at, how).await?;
            rows.extend(folded.row);
        }
        all.push(rows);
    }
    crash::points("ingest_before_commit", taken.len());
    Ok(all)
}

async fn fold_one(
    unit: &mut Unit,
    channel: &StoredChannel,
    observation: &Observation,
    splits_at: Option<usize>,
    how: How<'_>,
) -> Result<Folded, crate::Error> {
    match (observation, splits_at) {
        (Observation::Ordered(order), Some(longest)) => in_parts(unit, channel, order, longest, how).await,
        _ => fold::helpdesk(unit, channel, observation, how).await,
    }
}

/// A logged request that is taken again.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    /// Its number in the log.
    pub id: i64,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// Folds a logged request again, as it was folded when it came; whether it was genuine was looked at then. Says whether it
/// changed anything; none when it cannot be read.
pub async fn again(
    engine: &Engine,
    connector: &dyn Connector,
    channel: &StoredChannel,
    account: &Account,
    hook: &Hook<'_>,
    again: Again,
) -> Result<Option<bool>, crate::Error> {
    let Ok(mut reading) = connector.read(hook, &channel.channel, &account.settings) else { return Ok(None) };
    let orders = channel.state != State::Deleted;
    reading.observations.retain(|seen| match seen {
        Observation::Connected { .. } | Observation::Disconnected => false,
        Observation::Ordered(_) => orders,
        Observation::AtProvider(_) | Observation::AtHelpdesk(_) => true,
    });
    for seen in &mut reading.observations {
        if let Observation::Ordered(order) = seen {
            // What says no time of its own was written when it came, and not now.
            order.occurred_at.get_or_insert(again.received_at);
        }
    }
    let splits_at = splits_at(engine, channel, &reading).await?;
    let changed = insist(|| async {
        let mut unit = Unit::new(engine.pool());
        let how =
            How::now(engine, Source::Webhook).by_webhook(again.id, &reading.event).of(again.received_at);
        let mut counts = Counts::default();
        for observation in &reading.observations {
            counts.add(fold_one(&mut unit, channel, observation, splits_at, how).await?.counts);
        }
        unit.commit().await?;
        Ok(counts.inserted + counts.updated > 0)
    })
    .await?;
    Ok(Some(changed))
}

/// Where the texts of orders are split, if one of them may be too long for one message.
async fn splits_at(
    engine: &Engine,
    channel: &StoredChannel,
    reading: &Reading,
) -> Result<Option<usize>, crate::Error> {
    let texts = reading.observations.iter().filter_map(|seen| match seen {
        Observation::Ordered(order) => Some(order.body.chars().count()),
        _ => None,
    });
    let Some((_, provider)) = engine.connectors().pair(&channel.channel.pair) else { return Ok(None) };
    let longest = provider.caps().longest_text;
    if texts.max().zip(longest).is_none_or(|(text, longest)| text <= longest) {
        return Ok(None);
    }
    Ok(provider.splits_at(&engine.account(channel.provider_account).await?.settings))
}

/// Folds the parts of an order, and gives the row of the first, by which the helpdesk knows the message, with what all of
/// them changed.
async fn in_parts(
    unit: &mut Unit,
    channel: &StoredChannel,
    order: &Ordered,
    longest: usize,
    how: How<'_>,
) -> Result<Folded, crate::Error> {
    let mut all = Folded::default();
    for part in parts::split(order.clone(), longest) {
        let of = part.part.of;
        // It was taken up before in another way: the setting has changed since. Nothing is sent a second time for that.
        if all.row.as_ref().is_some_and(|first| first.part.of != of) {
            break;
        }
        let folded = fold::helpdesk(unit, channel, &Observation::Ordered(part), how).await?;
        all.row = all.row.or(folded.row);
        all.counts.add(folded.counts);
    }
    Ok(all)
}
