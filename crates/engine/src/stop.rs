//! What an operator stops and lets go on: channels, and accounts that rest.

use crate::{Engine, Result};
use twinwire_store::channels::{self, State};
use twinwire_store::tx;
use twinwire_store::{accounts, work};

/// Pauses a channel: webhooks are still taken and stored, and nothing is delivered. A call that is under way is finished.
/// Gives whether it was not paused before; none when it was removed.
pub async fn pause(engine: &Engine, channel: i64) -> Result<Option<bool>> {
    let mut tx = tx::begin(engine.pool()).await?;
    let paused = channels::pause(&mut *tx, channel).await?;
    let state = channels::get(&mut *tx, channel).await?.map(|channel| channel.state);
    tx.commit().await?;
    Ok(state.filter(|state| *state == State::Paused).map(|_| paused))
}

/// Lets a paused channel go on, at once: what came meanwhile is delivered in its order, unless it has become too old.
/// Gives whether it was paused; none when it was removed.
pub async fn resume(engine: &Engine, channel: i64) -> Result<Option<bool>> {
    let mut tx = tx::begin(engine.pool()).await?;
    let resumed = channels::resume(&mut *tx, channel).await?;
    if resumed {
        work::wake_waiting(&mut *tx, channel, engine.now()).await?;
        work::announce(&mut tx, channel).await?;
    }
    let state = channels::get(&mut *tx, channel).await?.map(|channel| channel.state);
    tx.commit().await?;
    Ok(state.filter(|state| *state != State::Deleted).map(|_| resumed))
}

/// Removes a channel, as a user of the helpdesk does: it stops for good, its webhooks are refused, and its history stays.
pub async fn remove(engine: &Engine, channel: i64) -> Result<()> {
    Ok(channels::tombstone(engine.pool(), channel, engine.now()).await?)
}

/// Ends the rest of an account at once: its messages are tried, and if whatever made it rest is not mended, it rests
/// again. Gives whether it rested.
pub async fn end_rest(engine: &Engine, account: i64) -> Result<bool> {
    let mut tx = tx::begin(engine.pool()).await?;
    let ended = accounts::end_rest(&mut *tx, account).await?;
    for channel in channels::of_account(&mut *tx, account).await? {
        work::wake_waiting(&mut *tx, channel, engine.now()).await?;
        work::announce(&mut tx, channel).await?;
    }
    tx.commit().await?;
    Ok(ended)
}
