//! Lost keys: a channel's key shown, made anew, and credentials forgotten. The channel's history and the helpdesk's id of
//! it stay whatever happens here.

use super::session::{self, Session};
use super::{SetupError, find, random};
use crate::{Engine, answers};
use twinwire_core::setting::Settings;
use twinwire_store::tx;
use twinwire_store::{accounts, channels};

/// The key that the helpdesk's user pastes.
pub async fn show(engine: &Engine, channel: &str) -> Result<String, SetupError> {
    let channel = find(engine, channel).await?;
    Ok(channels::api_key(engine.pool(), engine.key(), channel.id, &channel.channel.id).await?)
}

/// Makes another key. The old one stops working at once (in other processes within a tenth of a second): until the helpdesk's user pastes the new one, the helpdesk's
/// requests that carry the old one are refused.
pub async fn rotate(engine: &Engine, channel: &str) -> Result<String, SetupError> {
    let channel = find(engine, channel).await?;
    let api_key = random("sk_", 32);
    let (id, public_id) = (channel.id, &channel.channel.id);
    channels::replace_api_key(engine.pool(), engine.key(), id, public_id, &api_key).await?;
    engine.forget();
    tracing::info!(channel = channel.channel.id, "the channel has another key");
    Ok(api_key)
}

/// Forgets the secrets of a channel's account at its provider, and begins a set-up that asks for them anew. An account that
/// serves other channels too is left alone unless `shared` says otherwise.
pub async fn reset(engine: &Engine, channel: &str, shared: bool) -> Result<Session, SetupError> {
    let channel = find(engine, channel).await?;
    let (_, provider) = answers::find(engine.connectors(), &channel.channel.pair)?;
    let others = others(engine, &channel).await?;
    if !others.is_empty() && !shared {
        return Err(SetupError::Shared(others.join(", ")));
    }
    let secret =
        |name: &str| provider.settings().iter().any(|setting| setting.name == name && setting.secret);
    let mut tx = tx::begin(engine.pool()).await?;
    // Locked first: what another set-up is just writing must not be written over with what was read before.
    accounts::lock(&mut tx, channel.provider_account).await?;
    let known = accounts::get(&mut *tx, engine.key(), channel.provider_account).await?.settings;
    let kept: Settings = known.iter().filter(|(name, _)| !secret(name)).collect();
    accounts::replace(&mut tx, engine.key(), channel.provider_account, &kept).await?;
    tx.commit().await?;
    engine.forget();
    tracing::info!(channel = channel.channel.id, "the credentials of the channel's account are forgotten");
    session::begin(engine, &channel.channel.pair, &Settings::default(), Some(&channel.channel.id)).await
}

/// The other channels of the same account.
async fn others(engine: &Engine, channel: &channels::StoredChannel) -> Result<Vec<String>, SetupError> {
    let mut others = Vec::new();
    for id in channels::of_account(engine.pool(), channel.provider_account).await? {
        let other = channels::get(engine.pool(), id).await?;
        others.extend(other.filter(|other| other.id != channel.id).map(|other| other.channel.id));
    }
    Ok(others)
}
