//! Where the messages of a channel's number go, and having them come here. Another application's webhook is never taken
//! over unless somebody was shown it and said so.

use super::SetupError;
use crate::Engine;
use crate::answers;
use crate::call::{self, Caller};
use twinwire_core::connector::{Call, Connector};
use twinwire_core::outcome::{Done, Outcome, RefusalKind};
use twinwire_core::setting::Verification;
use twinwire_core::setup::{Found, Goes, NumberHook};
use twinwire_store::accounts::Account;
use twinwire_store::channels::StoredChannel;

/// What may be done to a number's webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It may be set where nobody is told of the number's messages yet.
    Free,
    /// Another application's may be replaced as well.
    Over,
}

/// Reads where the number's messages go. That it cannot be read is an answer too: a person does it then.
pub async fn read(engine: &Engine, channel: &StoredChannel) -> Result<Found, SetupError> {
    let (provider, account) = at_provider(engine, channel).await?;
    if !provider.guide().reads_hook {
        return Ok(unknown(format!("{} cannot be asked for it", provider.title())));
    }
    Ok(asked(engine, provider, &account, channel, &Call::ReadHook).await)
}

/// Has the number's messages come here, if they still go where `seen` says. Gives where they go now: whoever was faster
/// is not overwritten.
pub async fn set(engine: &Engine, channel: &StoredChannel, seen: &NumberHook) -> Result<Found, SetupError> {
    let (provider, account) = at_provider(engine, channel).await?;
    let now = asked(engine, provider, &account, channel, &Call::ReadHook).await;
    if now.hook != *seen || now.hook.goes == Goes::Here {
        return Ok(now);
    }
    let set = asked(engine, provider, &account, channel, &Call::SetHook { id: &now.hook.id }).await;
    match set.hook.goes {
        // Nobody knows whether it was done: it is looked up.
        Goes::Unknown(_) => {
            let found = asked(engine, provider, &account, channel, &Call::ReadHook).await;
            Ok(if found.hook.goes == Goes::Here { found } else { set })
        }
        _ => Ok(set),
    }
}

/// Has the number's messages come here, as far as `take` goes. Gives where they go in the end.
pub async fn take(engine: &Engine, channel: &str, take: Take) -> Result<Goes, SetupError> {
    let channel = super::find(engine, channel).await?;
    let found = read(engine, &channel).await?;
    Ok(match (&found.hook.goes, take) {
        (Goes::Here | Goes::Unknown(_), _) | (Goes::Elsewhere(_), Take::Free) => found.hook.goes,
        (Goes::Nowhere, _) | (Goes::Elsewhere(_), Take::Over) => {
            set(engine, &channel, &found.hook).await?.hook.goes
        }
    })
}

/// Whether webhooks of the channel's provider would be believed.
pub(crate) async fn hears(engine: &Engine, channel: &StoredChannel) -> Result<bool, SetupError> {
    let (provider, account) = at_provider(engine, channel).await?;
    let signed = provider.signed_with().is_none_or(|key| account.settings.get(key).is_some());
    Ok(signed || account.verification == Verification::LogOnly)
}

async fn at_provider(
    engine: &Engine,
    channel: &StoredChannel,
) -> Result<(&'static dyn Connector, Account), SetupError> {
    let (_, provider) = answers::find(engine.connectors(), &channel.channel.pair)?;
    Ok((provider, engine.account(channel.provider_account).await?))
}

async fn asked(
    engine: &Engine,
    provider: &dyn Connector,
    account: &Account,
    channel: &StoredChannel,
    call: &Call<'_>,
) -> Found {
    match call::send(engine, provider, Caller::of(account, Some(&channel.channel)), call).await {
        Outcome::Done(Done::Hook(found)) => found.into(),
        Outcome::Done(_) => unknown(format!("{} answered something else", provider.title())),
        Outcome::Refused(refusal) => {
            let passes = matches!(refusal.kind, RefusalKind::Later | RefusalKind::Throttled(_));
            Found { passes, ..unknown(refusal.describe()) }
        }
        Outcome::Unknown(why) => Found { passes: true, ..unknown(why) },
    }
}

fn unknown(why: String) -> Found {
    NumberHook { id: String::new(), goes: Goes::Unknown(why) }.into()
}
