//! The intent of an act, committed before its call. What the steps of a channel ask for at the same time is one transaction.

use super::aside;
use super::step::{Step, as_known, fence, later, line};
use crate::gather::{Company, Gather};
use crate::{Result, person};
use std::collections::BTreeSet;
use std::sync::Arc;
use twinwire_core::model::{Act, Message, Need, Parked, Side};
use twinwire_core::plan::{Action, plan};
use twinwire_core::settle;
use twinwire_store::channels::Standing;
use twinwire_store::unit::{Unit, Wanted};
use twinwire_store::{attempts, channels, consents, messages, work};

/// An act that is to begin.
pub(super) struct Asked {
    step: Step,
    id: String,
    act: Act,
    /// Something else may have come first meanwhile.
    waited: bool,
}

/// What is begun together.
pub(super) type Begins = Gather<Asked, Begun>;

/// What came of it.
pub(super) enum Begun {
    /// It has begun.
    Row(Box<Message>),
    /// The row is to be put aside instead.
    Park(Parked),
    /// The row does not ask for it any more.
    Not,
}

/// Commits the intent. None when the row does not ask for this act any more.
pub(super) async fn run(step: &Step, id: &str, act: Act, waited: bool) -> Result<Option<Message>> {
    let asked = Asked { step: step.clone(), id: id.to_owned(), act, waited };
    match step.begins.ask(Arc::new(asked), all).await? {
        Begun::Row(row) => Ok(Some(*row)),
        Begun::Not => Ok(None),
        Begun::Park(why) => {
            aside::park(&step.engine, &step.lease, &step.ends, id, why).await?;
            Ok(None)
        }
    }
}

/// Begins all, or none.
async fn all(asked: Vec<Arc<Asked>>, company: Company) -> Result<Vec<Begun>> {
    let Some(Asked { step, .. }) = asked.first().map(AsRef::as_ref) else { return Ok(Vec::new()) };
    let (engine, channel) = (&step.engine, step.lease.channel);
    let mut unit = company.unit(engine.pool());
    fence(engine, &mut unit, &step.lease).await?;
    let locked = asked.iter().map(|one| (channel, one.id.clone())).collect();
    unit.load(Wanted { locked, ..Wanted::default() }).await?;
    let Some(standing) = channels::standing(unit.conn().await?, channel).await? else {
        return Ok(asked.iter().map(|_| Begun::Not).collect());
    };
    let opted_out = opted_out(&mut unit, &asked).await?;
    let mut begun = Vec::with_capacity(asked.len());
    for one in &asked {
        begun.push(each(&mut unit, one, &standing, &opted_out).await?);
    }
    unit.commit().await?;
    Ok(begun)
}

/// Those who do not want to be texted, among those who would be.
async fn opted_out(unit: &mut Unit, asked: &[Arc<Asked>]) -> Result<BTreeSet<String>> {
    let (mut people, mut tokens) = (Vec::new(), Vec::new());
    let Some(Asked { step, .. }) = asked.first().map(AsRef::as_ref) else { return Ok(BTreeSet::new()) };
    for one in asked {
        let row = unit.get(step.lease.channel, &one.id).await?.map(|row| as_known(&step.engine, row));
        if let Some(row) = row.filter(would_be_texted) {
            tokens.push(person::token(step.engine.key(), &row.conversation));
            people.push(row.conversation);
        }
    }
    if people.is_empty() {
        return Ok(BTreeSet::new());
    }
    Ok(consents::opted_out(unit.conn().await?, step.lease.channel, &people, &tokens).await?)
}

/// Whether a row is to be brought to a customer, now or once its files are here.
fn would_be_texted(row: &Message) -> bool {
    row.need() == Need::Deliver && row.destination() == Side::Provider
}

async fn each(
    unit: &mut Unit,
    asked: &Asked,
    standing: &Standing,
    opted_out: &BTreeSet<String>,
) -> Result<Begun> {
    let Asked { step, id, act, waited } = asked;
    let (engine, channel, now) = (&step.engine, step.lease.channel, step.engine.now());
    let Some(row) = unit.lock(channel, id).await? else { return Ok(Begun::Not) };
    let row = as_known(engine, row);
    let mut facts = step.ends.facts_now(engine, step.thread.is_some(), standing);
    if would_be_texted(&row) {
        facts.broken_off =
            row.part.follows() && messages::is_broken_off(unit.conn().await?, channel, &row).await?;
        facts.opted_out = opted_out.contains(&row.conversation);
    }
    let action = plan(&row, &facts, now);
    if let Action::Park(why) = action {
        return Ok(Begun::Park(why));
    }
    if action != Action::Do(*act) {
        // Left due, it would be taken up and given up in a circle until the worker knows better.
        if let Some(wake_at) = later(action, now) {
            work::reschedule(unit.conn().await?, channel, id, row.wake_at, Some(wake_at)).await?;
        }
        return Ok(Begun::Not);
    }
    if *waited && *act == Act::Deliver && !work::is_at_turn(unit.conn().await?, channel, id).await? {
        return Ok(Begun::Not);
    }
    let begun = settle::begin(&row, *act, now);
    unit.update(channel, &row, &begun);
    attempts::begin(unit, line(step, id), *act);
    Ok(Begun::Row(Box::new(begun)))
}
