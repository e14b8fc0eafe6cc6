//! Asking the vendors: whether they take the credentials, what their clocks say, and where webhooks go. Reading alone.

use super::{title, used_accounts};
use crate::call::{self, Caller};
use crate::setup::{SetupError, webhook};
use crate::{Engine, Error, Result};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use twinwire_core::connector::Call;
use twinwire_core::doctor::outside::{Hooked, Tried, hook, vendor};
use twinwire_core::doctor::{Check, Finding};
use twinwire_core::outcome::Outcome;
use twinwire_store::accounts::Shown;
use twinwire_store::channels::{self, State, StoredChannel};
use twinwire_store::checkup;

/// How many are asked at a time.
const AT_ONCE: usize = 8;
/// How long all of it may take: whoever asked waits for the answer.
const PATIENCE: Duration = Duration::from_secs(45);

/// Tries the credentials of every account that a channel uses.
pub(super) async fn credentials(engine: &Engine) -> Result<Vec<Finding>> {
    let until = Instant::now() + PATIENCE;
    let asked = stream::iter(used_accounts(engine).await?)
        .map(|account| async move { tried(engine, &account, until).await })
        .buffered(AT_ONCE);
    let found: Vec<Result<Vec<Finding>>> = asked.collect().await;
    let mut all = Vec::new();
    for one in found {
        all.extend(one?);
    }
    if all.is_empty() {
        all.push(Finding::well(Check::Vendors, "There is no account yet; `twinwire setup` makes one."));
    }
    Ok(all)
}

async fn tried(engine: &Engine, shown: &Shown, until: Instant) -> Result<Vec<Finding>> {
    let answer = match timeout_at(until, check(engine, shown)).await {
        Ok(answer) => Some(answer?),
        Err(_) => None,
    };
    let (outcome, ahead) = answer.map_or((None, None), |(outcome, ahead)| (Some(outcome), ahead));
    let installation = engine.connectors().named(&shown.connector)?.guide().asks.is_empty();
    Ok(vendor(&Tried {
        account: &shown.public_id,
        title: title(engine, &shown.connector),
        outcome: outcome.as_ref(),
        ahead,
        channel: shown.channels.first().map(String::as_str).filter(|_| !installation),
    }))
}

/// Uses the credentials for nothing but that.
async fn check(engine: &Engine, shown: &Shown) -> Result<(Outcome, Option<TimeDelta>)> {
    let account = engine.account(shown.id).await?;
    let connector = engine.connectors().named(&account.connector)?;
    let (channel, thread) = {
        let conn = &mut *engine.pool().acquire().await?;
        match checkup::channel_of(conn, account.id).await? {
            Some(asked) => (channels::get(&mut *conn, asked.channel).await?, asked.thread),
            None => (None, None),
        }
    };
    let channel = channel.map(|stored| stored.channel);
    let mut caller = Caller::of(&account, channel.as_ref());
    caller.thread = thread.as_deref();
    Ok(call::send_and_compare(engine, connector, caller, &Call::Check).await)
}

/// Reads where the messages of every number go.
pub(super) async fn webhooks(engine: &Engine) -> Result<Vec<Finding>> {
    let until = Instant::now() + PATIENCE;
    let all = channels::all(engine.pool()).await?.into_iter();
    let living: Vec<StoredChannel> = all.filter(|channel| channel.state != State::Deleted).collect();
    let asked = stream::iter(living)
        .map(|channel| async move { read(engine, &channel, until).await })
        .buffered(AT_ONCE);
    let found: Vec<Result<Finding>> = asked.collect().await;
    let mut found = found.into_iter().collect::<Result<Vec<Finding>>>()?;
    if found.is_empty() {
        found.push(Finding::well(Check::Webhooks, "There is no channel yet; `twinwire setup` makes one."));
    }
    Ok(found)
}

/// Nothing was answered here that could be wrong: what fails is ours.
fn ours(error: SetupError) -> Error {
    match error {
        SetupError::Engine(error) => error,
        other => Error::Reading(other.to_string()),
    }
}

async fn read(engine: &Engine, channel: &StoredChannel, until: Instant) -> Result<Finding> {
    let provider = engine.connectors().pair(&channel.channel.pair).map(|(_, provider)| provider);
    let hears = webhook::hears(engine, channel).await.map_err(ours)?;
    let found = match timeout_at(until, webhook::read(engine, channel)).await {
        Ok(found) => Some(found.map_err(ours)?),
        Err(_) => None,
    };
    Ok(hook(&Hooked {
        channel: &channel.channel.id,
        title: provider.map_or("the provider", |provider| provider.title()),
        goes: found.as_ref().map(|found| &found.hook.goes),
        hears,
    }))
}
