//! What came of an act, written down: evidence, row and story in one transaction.

use super::step::{Brought, Step, fence, line};
use crate::fold::{How, Source};
use crate::trace::Open;
use crate::{Engine, Result, Safeguard, crash, fold, person};
use sqlx::PgConnection;
use twinwire_core::consent::Word;
use twinwire_core::media::Fetched;
use twinwire_core::model::{Act, Direction, Message, Side, Told};
use twinwire_core::outcome::{Refusal, RefusalKind};
use twinwire_core::settle::{self, Result as Came};
use twinwire_store::consents::{self, Said};
use twinwire_store::{attempts, messages};

/// Commits what came of the act: the evidence first, then the row's own state.
pub(super) async fn run(step: &Step, begun: &Message, act: Act, brought: &Brought) -> Result<()> {
    let (engine, channel) = (&step.engine, step.lease.channel);
    let how = How::now(engine, Source::Answer);
    let now = how.now;
    let mut tx = engine.pool().begin().await?;
    fence(&step.engine, &mut tx, &step.lease).await?;
    crash::point("before_apply");
    if let Some(seen) = &brought.evidence {
        fold::helpdesk(&mut tx, &step.ends.channel, seen, how).await?;
    }
    let Some(row) = messages::lock(&mut tx, channel, &begun.external_id).await? else { return Ok(()) };
    if row.in_flight != begun.in_flight && engine.guards(Safeguard::Fence) {
        // Somebody else has gone on with the row since; what stands there is newer than what is known here.
        return Ok(tx.commit().await?);
    }
    let after = settle::apply(&row, act, &brought.came, now, rand::random());
    messages::update(&mut tx, channel, &row, &after).await?;
    hear(&mut tx, engine, channel, &after, &brought.came).await?;
    let (outcome, detail) = words(&brought.came);
    attempts::apply(&mut tx, line(step, &row.external_id), act, outcome, detail).await?;
    if row.standing_doubt().is_some() && after.standing_doubt().is_none() {
        fold::reconsider(&mut tx, &step.ends.channel, &row.conversation, how).await?;
    }
    fold::wake(&mut tx, channel, &after, now).await?;
    tx.commit().await?;
    count(step, begun, &after);
    told(step, &after, act, &brought.came);
    Ok(())
}

/// What an outcome says about the customer's wish to be texted: a text that came as a file, or a send that was refused.
async fn hear(
    conn: &mut PgConnection,
    engine: &Engine,
    channel: i64,
    row: &Message,
    came: &Came,
) -> Result<()> {
    let names = person::names(engine.key(), &row.conversation);
    match came {
        Came::Fetched(Fetched::Said { .. }) if row.direction == Direction::Inbound => {
            fold::hear(conn, channel, row).await
        }
        Came::Refused(Refusal { kind: RefusalKind::OptedOut, .. })
            if !consents::is_known_to_refuse(&mut *conn, channel, &names).await? =>
        {
            let said = Said {
                conversation: &row.conversation,
                at: engine.now(),
                source: consents::Source::Provider,
                word: Word::Stop,
                text: "",
                provider_message_id: None,
            };
            Ok(consents::record(conn, channel, said).await?)
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
