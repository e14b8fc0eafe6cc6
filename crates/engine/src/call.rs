//! One call to a vendor, and what it means for the whole account.

use crate::sender::Latest;
use crate::{Engine, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use twinwire_core::backoff;
use twinwire_core::connector::{Call, Channel, Connector, Context};
use twinwire_core::outcome::{Outcome, Refusal, RefusalKind};
use twinwire_store::accounts::{self, AWAY, Account, REFUSED, REFUSED_TO_READ, THROTTLED};
use twinwire_store::{channels, work};

/// The longest rest of an account whose vendor does not answer: when it is back, nothing should wait long.
const LONGEST_AWAY: Duration = Duration::from_secs(60);

/// A call is made for an account, and usually for a channel of it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The account.
    pub account: &'a Account,
    /// The channel, unless the call is for the whole account.
    pub channel: Option<&'a Channel>,
    /// The helpdesk's id of the conversation, where known.
    pub thread: Option<&'a str>,
    /// When a call that must not be made late has to be on its way.
    pub start_by: Option<DateTime<Utc>>,
}

/// Makes a call. Throttling, refused credentials and a vendor that answers nobody make the account rest, for every
/// process; a call that works ends its rest.
pub async fn make(engine: &Engine, caller: Caller<'_>, call: &Call<'_>) -> Result<Outcome> {
    let connector = engine.connectors().named(&caller.account.connector)?;
    let began = engine.now();
    let (outcome, sent) = attempt(engine, connector, caller, call).await;
    let noted = match &outcome {
        Outcome::Done(_) => works(engine, caller.account, began, call.only_reads()).await,
        // The vendor said nothing about this message, or was not reached.
        Outcome::Unknown(_) if sent => failed(engine, caller.account, call).await,
        Outcome::Refused(Refusal { kind: RefusalKind::Later, code: None, .. }) if sent => {
            failed(engine, caller.account, call).await
        }
        Outcome::Refused(refusal) => refused(engine, caller.account, refusal, call.only_reads()).await,
        Outcome::Unknown(_) => Ok(()),
    };
    if let Err(error) = noted {
        // What became of the message is known all the same; the next call finds the account as it is.
        tracing::warn!(account = caller.account.public_id, %error, "an account's pause could not be written");
    }
    Ok(outcome)
}

/// Makes a call and gives what came of it; the account is left as it is. For set-up, before there is an account.
pub async fn send(
    engine: &Engine,
    connector: &dyn Connector,
    caller: Caller<'_>,
    call: &Call<'_>,
) -> Outcome {
    attempt(engine, connector, caller, call).await.0
}

/// Gives what came of it, and whether there was a request at all.
async fn attempt(
    engine: &Engine,
    connector: &dyn Connector,
    caller: Caller<'_>,
    call: &Call<'_>,
) -> (Outcome, bool) {
    let context = Context {
        channel: caller.channel,
        settings: &caller.account.settings,
        thread: caller.thread,
        public_url: engine.public_url(),
        now: engine.now(),
        nonce: rand::random(),
    };
    match connector.build(call, &context) {
        Ok(request) => {
            let latest = caller.start_by.map(|by| Latest { by, clock: engine.clock() });
            match engine.sender().send(request, latest).await {
                Ok(reply) => (connector.judge(call, &context, &reply), true),
                Err(late) => (Outcome::Refused(Refusal::later(late.to_string())), false),
            }
        }
        Err(refusal) => (Outcome::Refused(refusal), false),
    }
}

/// Ends the account's rest. Reading proves less than sending: while a message waits to be sent, that one has to show
/// whether it works again.
async fn works(engine: &Engine, account: &Account, began: DateTime<Utc>, read: bool) -> Result<()> {
    engine.health().worked(account.id, read);
    if account.pauses == 0 {
        return Ok(());
    }
    let proves = !read || !matches!(account.pause_reason.as_deref(), Some(REFUSED | AWAY));
    if !proves && accounts::has_to_send(engine.pool(), account.id).await? {
        return Ok(());
    }
    if !accounts::resume(engine.pool(), account.id, began).await? {
        return Ok(());
    }
    tracing::info!(account = account.public_id, connector = account.connector, "account works again");
    let mut tx = engine.pool().begin().await?;
    for channel in channels::of_account(&mut *tx, account.id).await? {
        work::wake_waiting(&mut *tx, channel, engine.now()).await?;
        work::announce(&mut tx, channel).await?;
    }
    Ok(tx.commit().await?)
}

/// Counts a call that failed without a word about its message.
async fn failed(engine: &Engine, account: &Account, call: &Call<'_>) -> Result<()> {
    engine.health().failed(account.id, subject(call), call.only_reads(), engine.now());
    if !engine.health().is_away(account.id, engine.now()) {
        return Ok(());
    }
    let wait = backoff::backoff(rests(account) + 1, rand::random()).min(LONGEST_AWAY);
    rest(engine, account, wait, AWAY, None).await
}

/// Which message, or what else, a call is about.
fn subject<'a>(call: &Call<'a>) -> &'a str {
    match call {
        Call::Deliver(message)
        | Call::LookUp { message, .. }
        | Call::Report { message, .. }
        | Call::Note { message, .. } => &message.external_id,
        Call::Fetch { id } => id,
        Call::List { .. } => "the list",
        Call::Show { .. } => "the channel",
        Call::Check => "the credentials",
    }
}

async fn refused(engine: &Engine, account: &Account, refusal: &Refusal, read: bool) -> Result<()> {
    let (before, chance) = (rests(account), rand::random::<f64>());
    let (wait, reason) = match refusal.kind {
        RefusalKind::Throttled(asked) => (backoff::throttle(asked, before + 1, chance), THROTTLED),
        RefusalKind::Credentials if read => (backoff::backoff(before + 1, chance), REFUSED_TO_READ),
        RefusalKind::Credentials => (backoff::backoff(before + 1, chance), REFUSED),
        RefusalKind::Permanent | RefusalKind::Later => return Ok(()),
    };
    rest(engine, account, wait, reason, refusal.code.as_deref()).await
}

fn rests(account: &Account) -> u32 {
    u32::try_from(account.pauses).unwrap_or(0)
}

async fn rest(
    engine: &Engine,
    account: &Account,
    wait: Duration,
    reason: &str,
    code: Option<&str>,
) -> Result<()> {
    let now = engine.now();
    if accounts::pause(engine.pool(), account.id, now, after(now, wait), reason).await? {
        // Once per outage, not once per message: the operator's one alert.
        tracing::warn!(
            account = account.public_id,
            connector = account.connector,
            reason,
            code,
            "account rests; its messages wait"
        );
    }
    Ok(())
}

/// `now` and a wait later.
pub(crate) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
