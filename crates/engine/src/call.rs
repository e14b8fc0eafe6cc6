//! One call to a vendor, and what it means for the whole account.

use crate::{Engine, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use twinwire_core::backoff;
use twinwire_core::connector::{Call, Channel, Connector, Context};
use twinwire_core::outcome::{Outcome, RefusalKind};
use twinwire_store::accounts::{self, Account};

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
    let outcome = send(engine, connector, caller, call).await;
    match &outcome {
        Outcome::Refused(refusal) => rest(engine, caller.account, refusal.kind, &refusal.describe()).await?,
        Outcome::Done(_) if caller.account.pauses > 0 => works_again(engine, caller.account).await?,
        _ => {}
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

async fn works_again(engine: &Engine, account: &Account) -> Result<()> {
    if accounts::resume(engine.pool(), account.id).await? {
        tracing::info!(account = account.public_id, connector = account.connector, "account works again");
    }
    Ok(())
}

async fn rest(engine: &Engine, account: &Account, kind: RefusalKind, words: &str) -> Result<()> {
    let before = u32::try_from(account.pauses).unwrap_or(0);
    let chance = rand::random::<f64>();
    let (wait, reason) = match kind {
        RefusalKind::Throttled(asked) => (backoff::throttle(asked, before + 1, chance), "throttled"),
        RefusalKind::Credentials => (backoff::backoff(before + 1, chance), "credentials refused"),
        RefusalKind::Permanent | RefusalKind::Later => return Ok(()),
    };
    let now = engine.now();
    if accounts::pause(engine.pool(), account.id, now, after(now, wait), reason).await? {
        // Once per outage, not once per message: the operator's one alert.
        let code = words.split(')').next().filter(|code| code.starts_with('(')).unwrap_or("");
        tracing::warn!(
            account = account.public_id,
            connector = account.connector,
            reason,
            code = code.trim_start_matches('('),
            "account rests; its messages wait"
        );
    }
    Ok(())
}

/// `now` and a wait later.
pub(crate) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
