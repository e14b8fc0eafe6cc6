//! What is done with a row without a call: put off, put aside, tidied up.

use super::accounts::Ends;
use super::step::{as_known, fence, later};
use crate::trace::Open;
use crate::{Engine, Result, fold};
use twinwire_core::model::{Message, Parked};
use twinwire_core::plan::{Action, plan};
use twinwire_core::settle;
use twinwire_store::attempts::{self, Line};
use twinwire_store::leases::Lease;
use twinwire_store::{channels, messages, work};

/// Puts a row off that has nothing to do yet, by how everything stands at this moment. False when there is something to do.
pub(super) async fn put_off(
    engine: &Engine,
    lease: &Lease,
    ends: &Ends,
    id: &str,
    thread_known: bool,
) -> Result<bool> {
    let now = engine.now();
    let mut tx = engine.pool().begin().await?;
    let Some(row) = messages::lock(&mut tx, lease.channel, id).await? else { return Ok(true) };
    let row = as_known(engine, row);
    // Read under the row's lock: whoever wakes the row from now on does it after this.
    let Some(standing) = channels::standing(&mut *tx, lease.channel).await? else { return Ok(true) };
    let action = plan(&row, &ends.facts_now(engine, thread_known, &standing), now);
    if matches!(action, Action::Do(_) | Action::Park(_)) {
        return Ok(false);
    }
    work::reschedule(&mut *tx, lease.channel, id, row.wake_at, later(action, now)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Tidies up a row that was in flight when its process died, and asks for nothing any more.
pub(super) async fn tidy(engine: &Engine, lease: &Lease, claimed: &Message) -> Result<()> {
    let id = &claimed.external_id;
    let mut tx = engine.pool().begin().await?;
    fence(engine, &mut tx, lease).await?;
    let Some(row) = messages::lock(&mut tx, lease.channel, id).await? else { return Ok(()) };
    if row == *claimed {
        messages::update(&mut tx, lease.channel, &row, &settle::tidy(&row)).await?;
        let by = Some((lease.owner.as_str(), lease.fence));
        let line = Line { channel: lease.channel, external_id: id, at: engine.now(), by };
        attempts::note(&mut tx, line, "tidied_up", None).await?;
    }
    Ok(tx.commit().await?)
}

/// Puts a row aside.
pub(super) async fn park(engine: &Engine, lease: &Lease, ends: &Ends, id: &str, why: Parked) -> Result<()> {
    let now = engine.now();
    let mut tx = engine.pool().begin().await?;
    fence(engine, &mut tx, lease).await?;
    let Some(row) = messages::lock(&mut tx, lease.channel, id).await? else { return Ok(()) };
    // Of a text that was broken off the agent is told once, whatever else there would be to say of its rest. And an
    // operator may have asked for the earlier part again since this was decided.
    let broken_off = row.part.follows() && messages::is_broken_off(&mut *tx, lease.channel, &row).await?;
    let why = match why {
        why if broken_off && why != Parked::Uncertain => Parked::Incomplete,
        Parked::Incomplete => return Ok(()),
        why => why,
    };
    let after = settle::park(&row, why, now);
    messages::update(&mut tx, lease.channel, &row, &after).await?;
    let by = Line { channel: lease.channel, external_id: id, at: now, by: Some((&lease.owner, lease.fence)) };
    attempts::note(&mut tx, by, "parked", after.last_error.as_deref()).await?;
    fold::wake(&mut tx, lease.channel, &after, now).await?;
    tx.commit().await?;
    engine.metrics().put_aside(why);
    Open::whole_ended(engine, &ends.channel.channel.id, &after, true);
    tracing::warn!(row = after.log_id(), ?why, direction = ?after.direction, "a message is put aside");
    Ok(())
}
