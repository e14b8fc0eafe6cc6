//! What became of a delivery of unknown outcome: read what the other side has, fold it, and see whether the row has
//! found its message.

use super::step::{Brought, Step, one};
use crate::fold::{How, Source};
use crate::{Result, fold};
use chrono::{DateTime, Utc};
use twinwire_core::connector::Call;
use twinwire_core::identity::{CLOCK_SKEW, could_be};
use twinwire_core::model::{Act, Message, Side};
use twinwire_core::observe::Observation;
use twinwire_core::outcome::{Done, Outcome, Page, Refusal};
use twinwire_core::plan::side_of;
use twinwire_core::report;
use twinwire_core::settle::Result as Came;
use twinwire_store::unit::Unit;
use twinwire_store::{messages, provider_messages};

/// Pages read at most: newest first, one person, since the first attempt.
const PAGES: usize = 20;

/// Looks a row up.
pub(super) async fn make(step: &Step, row: &Message) -> Brought {
    let mut counts = true;
    let came = match read(step, row, &mut counts).await {
        Ok(Ok(noted)) => {
            judge(step, row, noted).await.unwrap_or_else(|error| Came::Unknown(error.to_string()))
        }
        Ok(Err(came)) => came,
        Err(error) => Came::Unknown(error.to_string()),
    };
    Brought { came, evidence: None, counts }
}

/// Reads and folds all pages. Gives whether the note that is in doubt was among them, and whether a failure counts.
async fn read(step: &Step, row: &Message, counts: &mut bool) -> Result<std::result::Result<bool, Came>> {
    let (mut page, mut noted) = (None::<String>, false);
    for _ in 0..PAGES {
        if page.is_some() {
            step.limits.on(side_of(row, Act::LookUp)).call(&step.engine).await?;
        }
        let call = Call::LookUp { message: row, page: page.as_deref() };
        let made = one(step, row, Act::LookUp, &call, &[]).await;
        *counts = made.counts;
        let shown = match made.outcome {
            Outcome::Done(Done::Page(shown)) => shown,
            Outcome::Done(_) => return Ok(Err(Came::Unknown("the look-up gave no list".to_owned()))),
            Outcome::Refused(refusal) => return Ok(Err(Came::Refused(refusal))),
            Outcome::Unknown(why) => return Ok(Err(Came::Refused(Refusal::later(why)))),
        };
        noted |= shown.observations.iter().any(|seen| is_note(row, seen));
        fold_page(step, &shown).await?;
        if is_before(row, &shown) {
            return Ok(Ok(noted));
        }
        match shown.next {
            Some(next) => page = Some(next),
            None => return Ok(Ok(noted)),
        }
    }
    Ok(Err(Came::Refused(Refusal::later("the list is too long to be sure"))))
}

async fn fold_page(step: &Step, page: &Page) -> Result<()> {
    let mut unit = Unit::new(step.engine.pool());
    let how = How::now(&step.engine, Source::LookUp);
    let mut at_provider = Vec::new();
    for seen in &page.observations {
        match seen {
            Observation::AtProvider(seen) => at_provider.push(seen.clone()),
            other => drop(fold::helpdesk(&mut unit, &step.ends.channel, other, how).await?),
        }
    }
    fold::provider(&mut unit, step.ends.channel.provider_account, None, &at_provider, how).await?;
    Ok(unit.commit().await?)
}

/// Whether everything further down the list is from before the message could be there: everything on this page that has
/// a time is. What is put into a helpdesk stands there under the time at which it was written.
fn is_before(row: &Message, page: &Page) -> bool {
    let Some(attempted) = row.attempted_at else { return false };
    let since = match row.destination() {
        Side::Provider => attempted,
        Side::Helpdesk => attempted.min(row.occurred_at),
    } - CLOCK_SKEW;
    let mut times = page.observations.iter().filter_map(time).peekable();
    times.peek().is_some() && times.all(|at| at < since)
}

fn time(seen: &Observation) -> Option<DateTime<Utc>> {
    match seen {
        Observation::AtProvider(seen) => seen.created_at,
        Observation::AtHelpdesk(seen) => seen.created_at,
        Observation::Ordered(_) | Observation::Connected { .. } | Observation::Disconnected => None,
    }
}

fn is_note(row: &Message, seen: &Observation) -> bool {
    let Observation::AtHelpdesk(seen) = seen else { return false };
    seen.external_id.as_deref() == Some(&report::note_id(row))
}

async fn judge(step: &Step, row: &Message, noted: bool) -> Result<Came> {
    if row.standing_doubt().is_some_and(|doubt| doubt.act == Act::Note) {
        return Ok(if noted { Came::Done } else { Came::NotThere });
    }
    let mut conn = step.engine.pool().acquire().await?;
    let Some(fresh) = messages::get(&mut *conn, step.lease.channel, &row.external_id).await? else {
        return Ok(Came::NotThere);
    };
    if fresh.destination_id().is_some() {
        return Ok(Came::Done);
    }
    if fresh.destination() == Side::Provider {
        // What may be it and was not bound is more than one, or belongs to more than one.
        let unbound = provider_messages::unbound(
            &mut conn,
            step.ends.channel.provider_account,
            &fresh.sender,
            &fresh.recipient,
        )
        .await?;
        if unbound.iter().any(|record| could_be(&record.seen, &fresh)) {
            return Ok(Came::Ambiguous);
        }
    }
    Ok(Came::NotThere)
}
