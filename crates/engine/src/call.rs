//! One call to a vendor, and what it means for the whole account.

use crate::{Engine, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use twinwire_core::backoff;
use twinwire_core::connector::{Call, Channel, Connector, Context};
use twinwire_core::outcome::{Outcome, Refusal, RefusalKind};
use twinwire_store::accounts::{self, Account};
use twinwire_store::{channels, work};

/// Why an account rests whose messages are refused for its credentials (or because it cannot pay).
const REFUSED: &str = "credentials refused";
/// Why one rests that may not even be read.
pub(crate) const REFUSED_TO_READ: &str = "credentials refused to read";

/// A call is made for an account, and usually for a channel of it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The account.
    pub account: &'a Account,
    /// The channel, unless the call is for the whole account.
    pub channel: Option<&'a Channel>,
    /// The helpdesk's id of the conversation, where known.
    pub thread: Option<&'a str>,
}

/// Makes a call. Throttling and refused credentials make the account rest, for every process; a call that works ends
/// its rest.
pub async fn make(engine: &Engine, caller: Caller<'_>, call: &Call<'_>) -> Result<Outcome> {
    let connector = engine.connectors().named(&caller.account.connector)?;
    let began = engine.now();
    let outcome = send(engine, connector, caller, call).await;
    let noted = match &outcome {
        Outcome::Refused(refusal) => rest(engine, caller.account, refusal, call.only_reads()).await,
        Outcome::Done(_) => works(engine, caller.account, began, call.only_reads()).await,
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
            let reply = engine.sender().send(request).await;
            connector.judge(call, &context, &reply)
        }
        Err(refusal) => Outcome::Refused(refusal),
    }
}

/// Reading proves less than sending: an account that may not send can still be read.
async fn works(engine: &Engine, account: &Account, began: DateTime<Utc>, read: bool) -> Result<()> {
    let ends = !read || account.pause_reason.as_deref() != Some(REFUSED);
    if account.pauses == 0 || !ends || !accounts::resume(engine.pool(), account.id, began).await? {
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

async fn rest(engine: &Engine, account: &Account, refusal: &Refusal, read: bool) -> Result<()> {
    let before = u32::try_from(account.pauses).unwrap_or(0);
    let chance = rand::random::<f64>();
    let (wait, reason) = match refusal.kind {
        RefusalKind::Throttled(asked) => (backoff::throttle(asked, before + 1, chance), "throttled"),
        RefusalKind::Credentials if read => (backoff::backoff(before + 1, chance), REFUSED_TO_READ),
        RefusalKind::Credentials => (backoff::backoff(before + 1, chance), REFUSED),
        RefusalKind::Permanent | RefusalKind::Later => return Ok(()),
    };
    let now = engine.now();
    if accounts::pause(engine.pool(), account.id, now, after(now, wait), reason).await? {
        // Once per outage, not once per message: the operator's one alert.
        tracing::warn!(
            account = account.public_id,
            connector = account.connector,
            reason,
            code = refusal.code,
            "account rests; its messages wait"
        );
    }
    Ok(())
}

/// `now` and a wait later.
pub(crate) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
