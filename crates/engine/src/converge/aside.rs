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
use twinwire_store::unit::Unit;
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
    let mut unit = Unit::new(engine.pool());
    let Some(row) = unit.lock(lease.channel, id).await? else { return Ok(true) };
    let row = as_known(engine, row);
    // Read under the row's lock: whoever wakes the row from now on does it after this.
    let Some(standing) = channels::standing(unit.conn().await?, lease.channel).await? else {
        return Ok(true);
    };
    let action = plan(&row, &ends.facts_now(engine, thread_known, &standing), now);
    if matches!(action, Action::Do(_) | Action::Park(_)) {
        return Ok(false);
    }
    work::reschedule(unit.conn().await?, lease.channel, id, row.wake_at, later(action, now)).await?;
    unit.commit().await?;
    Ok(true)
}

/// Tidies up a row that was in flight when its process died, and asks for nothing any more.
pub(super) async fn tidy(engine: &Engine, lease: &Lease, claimed: &Message) -> Result<()> {
    let id = &claimed.external_id;
    let mut unit = Unit::new(engine.pool());
    fence(engine, &mut unit, lease).await?;
    let Some(row) = unit.lock(lease.channel, id).await? else { return Ok(()) };
    if row == *claimed {
        unit.update(lease.channel, &row, &settle::tidy(&row));
        let by = Some((lease.owner.as_str(), lease.fence));
        let line = Line { channel: lease.channel, external_id: id, at: engine.now(), by };
        attempts::note(&mut unit, line, "tidied_up", None);
    }
    Ok(unit.commit().await?)
}

/// Puts a row aside.
pub(super) async fn park(engine: &Engine, lease: &Lease, ends: &Ends, id: &str, why: Parked) -> Result<()> {
    let now = engine.now();
    let mut unit = Unit::new(engine.pool());
    fence(engine, &mut unit, lease).await?;
    let Some(row) = unit.lock(lease.channel, id).await? else { return Ok(()) };
    // Of a text that was broken off the agent is told once, whatever else there would be to say of its rest. And an
    // operator may have asked for the earlier part again since this was decided.
    let broken_off =
        row.part.follows() && messages::is_broken_off(unit.conn().await?, lease.channel, &row).await?;
    let why = match why {
        why if broken_off && why != Parked::Uncertain => Parked::Incomplete,
        Parked::Incomplete => return Ok(()),
        why => why,
    };
    let after = settle::park(&row, why, now);
    unit.update(lease.channel, &row, &after);
    let by = Line { channel: lease.channel, external_id: id, at: now, by: Some((&lease.owner, lease.fence)) };
    attempts::note(&mut unit, by, "parked", after.last_error.as_deref());
    fold::wake(&mut unit, lease.channel, &after, now);
    unit.commit().await?;
    engine.metrics().put_aside(why);
    Open::whole_ended(engine, &ends.channel.channel.id, &after, true);
    tracing::warn!(row = after.log_id(), ?why, direction = ?after.direction, "a message is put aside");
    Ok(())
}
