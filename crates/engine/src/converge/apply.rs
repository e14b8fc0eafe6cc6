//! What came of an act, written down: evidence, row and story in one transaction.

use super::step::{Brought, Step, fence, line};
use crate::fold::{How, Source};
use crate::gather::{Company, Gather};
use crate::trace::Open;
use crate::{Engine, Result, Safeguard, crash, fold, person};
use std::sync::Arc;
use twinwire_core::consent::Word;
use twinwire_core::media::Fetched;
use twinwire_core::model::{Act, Direction, Message, Side, Told};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::settle::{self, Result as Came};
use twinwire_store::attempts;
use twinwire_store::consents::{self, Said};
use twinwire_store::unit::{Unit, Wanted};

/// An act whose outcome is known.
pub(super) struct Asked {
    step: Step,
    begun: Message,
    act: Act,
    brought: Arc<Brought>,
}

/// What is applied together.
pub(super) type Applies = Gather<Asked, ()>;

/// Commits what came of the act. What the steps of a channel ask for at the same time is one transaction.
pub(super) async fn run(step: &Step, begun: &Message, act: Act, brought: &Arc<Brought>) -> Result<()> {
    let asked = Asked { step: step.clone(), begun: begun.clone(), act, brought: brought.clone() };
    step.applies.ask(Arc::new(asked), all).await
}

/// Applies all, or none.
async fn all(asked: Vec<Arc<Asked>>, company: Company) -> Result<Vec<()>> {
    let Some(Asked { step, .. }) = asked.first().map(AsRef::as_ref) else { return Ok(Vec::new()) };
    let how = How::now(&step.engine, Source::Answer);
    let mut unit = company.unit(step.engine.pool());
    fence(&step.engine, &mut unit, &step.lease).await?;
    crash::points("before_apply", asked.len());
    let mut wanted = Wanted::default();
    for one in &asked {
        wanted.locked.push((one.step.lease.channel, one.begun.external_id.clone()));
        if let Some(seen) = &one.brought.evidence {
            fold::want(&mut wanted, &one.step.ends.channel, seen, how);
        }
    }
    unit.load(wanted).await?;
    let mut done = Vec::with_capacity(asked.len());
    for one in &asked {
        done.push(each(&mut unit, one, how).await?);
    }
    unit.commit().await?;
    for (one, after) in asked.iter().zip(done) {
        if let Some(after) = after {
            count(&one.step, &one.begun, &after);
            told(&one.step, &after, one.act, &one.brought.came);
        }
    }
    Ok(asked.iter().map(|_| ()).collect())
}

/// The evidence first, then the row's own state. None where there is nothing to be said of it.
async fn each(unit: &mut Unit, asked: &Asked, how: How<'_>) -> Result<Option<Message>> {
    let Asked { step, begun, act, brought } = asked;
    let (engine, channel, now) = (&step.engine, step.lease.channel, how.now);
    if let Some(seen) = &brought.evidence {
        fold::helpdesk(unit, &step.ends.channel, seen, how).await?;
    }
    let Some(row) = unit.lock(channel, &begun.external_id).await? else { return Ok(None) };
    if row.in_flight != begun.in_flight && engine.guards(Safeguard::Fence) {
        // Somebody else has gone on with the row since; what stands there is newer than what is known here.
        return Ok(None);
    }
    let after = settle::apply(&row, *act, &brought.came, now, rand::random());
    unit.update(channel, &row, &after);
    hear(unit, engine, channel, &after, &brought.came).await?;
    let (outcome, detail) = words(&brought.came);
    attempts::apply(unit, line(step, &row.external_id), *act, outcome, detail);
    if row.standing_doubt().is_some() && after.standing_doubt().is_none() {
        fold::reconsider(unit, &step.ends.channel, &row.conversation, how).await?;
    }
    fold::wake(unit, channel, &after, now);
    Ok(Some(after))
}

/// What an outcome says about the customer's wish to be texted: a text that came as a file, or a send that was refused.
async fn hear(unit: &mut Unit, engine: &Engine, channel: i64, row: &Message, came: &Came) -> Result<()> {
    let names = person::names(engine.key(), &row.conversation);
    match came {
        Came::Fetched(Fetched::Said { .. }) if row.direction == Direction::Inbound => {
            fold::hear(unit, channel, row).await
        }
        Came::Refused(Refusal { kind: RefusalKind::OptedOut, .. })
            if !consents::is_known_to_refuse(unit.conn().await?, channel, &names).await? =>
        {
            let said = Said {
                conversation: &row.conversation,
                at: engine.now(),
                source: consents::Source::Provider,
                word: Word::Stop,
                text: "",
                provider_message_id: None,
            };
            Ok(consents::record(unit.conn().await?, channel, said).await?)
        }
        _ => Ok(()),
    }
}

fn words(came: &Came) -> (&'static str, Option<&str>) {
    match came {
        Came::Done => ("done", None),
        Came::Fetched(Fetched::Kept { .. }) => ("fetched", None),
        Came::Fetched(Fetched::Listed(_)) => ("listed", None),
        Came::Fetched(Fetched::Said { .. }) => ("said", None),
        Came::Fetched(Fetched::Missing { why }) => ("missing", Some(why)),
        Came::NotThere => ("not_there", None),
        Came::Ambiguous => ("ambiguous", None),
        Came::Unknown(why) => ("unknown", Some(why)),
        Came::Away { why, .. } => ("not_now", Some(why)),
        Came::Refused(refusal) => {
            let word = match refusal.kind {
                RefusalKind::Permanent | RefusalKind::OptedOut => "refused_for_good",
                RefusalKind::Later => "refused_for_now",
                RefusalKind::Throttled(_) => "throttled",
                RefusalKind::Credentials => "credentials_refused",
            };
            (word, Some(refusal.code.as_deref().unwrap_or(&refusal.message)))
        }
    }
}

/// Counts what has changed since the act began.
fn count(step: &Step, before: &Message, after: &Message) {
    let metrics = step.engine.metrics();
    let arrived = before.destination_id().is_none() && after.destination_id().is_some();
    if arrived {
        metrics.delivered(step.ends.connector(after.destination()).name());
    }
    let aside = after.parked.filter(|_| before.parked.is_none());
    if let Some(why) = aside {
        metrics.put_aside(why);
    }
    if arrived || aside.is_some() {
        Open::whole_ended(&step.engine, &step.ends.channel.channel.id, after, aside.is_some());
    }
    if let Some(told) = after.helpdesk_status.filter(|told| before.helpdesk_status != Some(*told)) {
        metrics.failed(after.parked, told);
    }
}

/// Logs what an operator may want to know, by ids alone.
fn told(step: &Step, row: &Message, act: Act, came: &Came) {
    let channel = &step.ends.channel.channel.id;
    let (outcome, _) = words(came);
    match came {
        Came::Done | Came::NotThere | Came::Fetched(_) => {
            tracing::debug!(channel, row = row.log_id(), ?act, outcome, "step");
        }
        _ => tracing::info!(channel, row = row.log_id(), ?act, outcome, failures = row.failures, "step"),
    }
    if row.helpdesk_status == Some(Told::Untold) {
        tracing::warn!(
            channel,
            row = row.log_id(),
            "the agent could not be told that a message was not delivered"
        );
    }
    if row.destination() == Side::Helpdesk && row.parked.is_some() {
        tracing::warn!(
            channel,
            row = row.log_id(),
            "a customer's message could not be brought into the helpdesk"
        );
    }
}
