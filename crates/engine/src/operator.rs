//! What an operator may do to a message: ask for a new attempt, or say what became of an uncertain one.

use crate::call::{self, Caller};
use crate::fold::{self, How, Source};
use crate::{Engine, Error};
use twinwire_core::connector::Call;
use twinwire_core::identity::could_be;
use twinwire_core::model::{Direction, Message, Side};
use twinwire_core::observe::{AtHelpdesk, AtProvider, Observation};
use twinwire_core::outcome::{Done, Outcome};
use twinwire_core::retry::{self, RetryRefused};
use twinwire_store::attempts::{self, Line};
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::story::{self, Found};
use twinwire_store::unit::Unit;
use twinwire_store::{media_let_go, messages, provider_messages};

/// How often it is tried when another transaction gets in its way.
const TRIES: u32 = 5;

/// Why it was not done. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The message is not in a state for it.
    #[error("{0:?}")]
    State(RetryRefused),
    /// The id that was named cannot be its.
    #[error("{0}")]
    Id(String),
    /// It could not be read or stored.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<RetryRefused> for Refused {
    fn from(refused: RetryRefused) -> Self {
        Self::State(refused)
    }
}

impl From<twinwire_store::Error> for Refused {
    fn from(error: twinwire_store::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Engine(error.into())
    }
}

/// Asks for a new attempt. With `hurry`, a message that waits for a time waits no longer.
pub async fn retry(engine: &Engine, found: &Found, hurry: bool) -> Result<Message, Refused> {
    let mut unit = Unit::new(engine.pool());
    let row = locked(&mut unit, found).await?;
    if media_let_go::is_pending(unit.conn().await?, found.channel, &found.external_id).await? {
        let why = "its files are being let go at this moment; try again in a minute";
        return Err(Refused::Id(why.to_owned()));
    }
    let now = engine.now();
    let after = if hurry { retry::hurry(&row, now)? } else { retry::retry(&row, now)? };
    unit.update(found.channel, &row, &after);
    // Parked before and not any more: that is a new attempt, with or without hurry.
    let word = if row.parked == after.parked { "retry_now" } else { "retry" };
    note(&mut unit, engine, found, word);
    if word == "retry" {
        fold::take_up_the_rest(&mut unit, found.channel, &after, now).await?;
    }
    fold::wake(&mut unit, found.channel, &after, now);
    unit.commit().await?;
    Ok(after)
}

/// An operator says that an uncertain message did not arrive. With `again`, a new attempt is asked for at once.
pub async fn not_arrived(engine: &Engine, found: &Found, again: bool) -> Result<Message, Refused> {
    let channel = channel(engine, found).await?;
    let mut tries = 0;
    loop {
        tries += 1;
        let mut unit = Unit::new(engine.pool());
        match clear(&mut unit, engine, &channel, found, again).await {
            Ok(after) => {
                unit.commit().await?;
                return Ok(after);
            }
            Err(Refused::Engine(error)) if error.is_conflict() && tries < TRIES => {}
            Err(refused) => return Err(refused),
        }
    }
}

async fn clear(
    unit: &mut Unit,
    engine: &Engine,
    channel: &StoredChannel,
    found: &Found,
    again: bool,
) -> Result<Message, Refused> {
    let row = locked(unit, found).await?;
    let how = How::now(engine, Source::Operator);
    let mut after = retry::not_arrived(&row, how.now)?;
    note(unit, engine, found, "not_arrived");
    if again {
        after = retry::retry(&after, how.now)?;
        note(unit, engine, found, "retry");
    }
    unit.update(found.channel, &row, &after);
    if again {
        fold::take_up_the_rest(unit, found.channel, &after, how.now).await?;
    }
    // What was held back because it might be this one is a message of its own now.
    fold::reconsider(unit, channel, &row.conversation, how).await?;
    fold::wake(unit, found.channel, &after, how.now);
    Ok(after)
}

/// An operator says which message at the other side an uncertain one is. It is evidence like any other, and certain, so
/// one that differs in text or time is only believed by `force`.
pub async fn arrived(engine: &Engine, found: &Found, id: &str, force: bool) -> Result<Message, Refused> {
    let channel = channel(engine, found).await?;
    let row = messages::get(engine.pool(), found.channel, &found.external_id).await?.ok_or_else(gone)?;
    retry::may_have_arrived(&row)?;
    let seen = match row.destination() {
        Side::Provider => Observation::AtProvider(at_provider(engine, &channel, &row, id, force).await?),
        Side::Helpdesk => Observation::AtHelpdesk(AtHelpdesk {
            external_id: Some(row.external_id.clone()),
            accepted_as: None,
            id: Some(id.to_owned()),
            thread: None,
            conversation: Some(row.conversation.clone()),
            created_at: None,
        }),
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let mut unit = Unit::new(engine.pool());
        match bind(&mut unit, engine, &channel, found, id, &seen).await {
            Ok(after) => {
                unit.commit().await?;
                return Ok(after);
            }
            Err(Refused::Engine(error)) if error.is_conflict() && tries < TRIES => {}
            Err(refused) => return Err(refused),
        }
    }
}

async fn bind(
    unit: &mut Unit,
    engine: &Engine,
    channel: &StoredChannel,
    found: &Found,
    id: &str,
    seen: &Observation,
) -> Result<Message, Refused> {
    let row = locked(unit, found).await?;
    retry::may_have_arrived(&row)?;
    let others = story::find(unit.conn().await?, id, 10).await?;
    let same = |other: &&Found| other.channel == found.channel && other.external_id != found.external_id;
    if let Some(other) = others.iter().find(same) {
        return Err(Refused::Id(format!("{id} is another message already: `twinwire why {}`", other.seq)));
    }
    fold::helpdesk(unit, channel, seen, How::now(engine, Source::Operator)).await?;
    let after = locked(unit, found).await?;
    if after.destination_id() == Some(id) {
        return Ok(after);
    }
    Err(Refused::Id(format!("{id} is known as something else; see provider_messages")))
}

/// The message of that id at the provider, as it is known or as the provider shows it, with this row as its certain
/// owner; if it can be that.
async fn at_provider(
    engine: &Engine,
    channel: &StoredChannel,
    row: &Message,
    id: &str,
    force: bool,
) -> Result<AtProvider, Refused> {
    let known = provider_messages::get(engine.pool(), channel.provider_account, id).await?;
    let seen = match known {
        Some(record) => record.seen,
        None => fetch(engine, channel, id).await?,
    };
    let why = if seen.direction != Direction::Outbound {
        "it is a message of the customer's"
    } else if seen.to != row.recipient {
        "it went to somebody else"
    } else if !(seen.from.is_empty() || seen.from == row.sender) {
        "it came from another number"
    } else if seen.reference.as_ref().is_some_and(|reference| *reference != row.external_id) {
        "it carries our reference to another message"
    } else if !force && !could_be(&seen, row) {
        "its text or its time is another; --force if it is the one all the same"
    } else {
        return Ok(AtProvider { reference: Some(row.external_id.clone()), ..seen });
    };
    Err(Refused::Id(format!("{id} cannot be it: {why}")))
}

async fn fetch(engine: &Engine, channel: &StoredChannel, id: &str) -> Result<AtProvider, Refused> {
    let account = engine.account(channel.provider_account).await?;
    let caller = Caller::of(&account, Some(&channel.channel));
    let why = match call::make(engine, caller, &Call::Fetch { id }).await?.outcome {
        Outcome::Done(Done::Page(page)) => {
            let shown = page.observations.into_iter().find_map(|seen| match seen {
                Observation::AtProvider(seen) if seen.id == id => Some(seen),
                _ => None,
            });
            match shown {
                Some(seen) => return Ok(seen),
                None => "it does not show it".to_owned(),
            }
        }
        Outcome::Done(_) => "it does not show it".to_owned(),
        Outcome::Refused(refusal) => refusal.describe(),
        Outcome::Unknown(why) => why,
    };
    Err(Refused::Id(format!("{id} is not known here, and the provider was asked: {why}")))
}

async fn locked(unit: &mut Unit, found: &Found) -> Result<Message, Refused> {
    unit.lock(found.channel, &found.external_id).await?.ok_or_else(gone)
}

async fn channel(engine: &Engine, found: &Found) -> Result<StoredChannel, Refused> {
    channels::get(engine.pool(), found.channel).await?.ok_or_else(gone)
}

fn gone() -> Refused {
    Refused::Id("the message is gone".to_owned())
}

fn note(unit: &mut Unit, engine: &Engine, found: &Found, word: &str) {
    let line = Line { channel: found.channel, external_id: &found.external_id, at: engine.now(), by: None };
    attempts::note(unit, line, word, None);
}
