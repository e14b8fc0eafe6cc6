//! What operators do with endpoints.

use super::sign;
use crate::sender::check_open;
use crate::{Engine, Error};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use twinwire_core::event::Happened;
use twinwire_store::endpoints::{self, Endpoint, NewEndpoint};
use twinwire_store::tx;
use twinwire_store::{channels, deliveries};
use url::Url;

/// The type of the event with which an endpoint is tried.
pub const TRIAL: &str = "endpoint.test";
/// How long the secret before goes on signing.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// What a new endpoint is to be.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Where events are posted to.
    pub url: String,
    /// The types that it wants; all where it is empty.
    pub events: Vec<String>,
    /// The channel of which it wants to hear, by its public id; all where there is none.
    pub channel: Option<String>,
    /// Whether texts are sent along.
    pub with_body: bool,
}

/// An endpoint and its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct Made {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its secret.
    pub secret: SecretString,
}

/// Why something was not done; the words are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It was asked wrongly.
    #[error("{0}")]
    Asked(String),
    /// It is not in a state for that.
    #[error("{0}")]
    State(String),
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// It could not be read or stored.
    #[error(transparent)]
    Engine(#[from] Error),
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

/// Makes an endpoint.
///
/// # Errors
/// [`Refused::Asked`] when its address may not be called or an event is not known, [`Refused::Unknown`] without such a
/// channel.
pub async fn add(engine: &Engine, asked: &Asked) -> Result<Made, Refused> {
    let url = Url::parse(asked.url.trim()).map_err(|_| "must be one such as https://example.com/events");
    let url = url.and_then(|url| check_open(&url, engine.private_hosts()).map(|()| url));
    let url = url.map_err(|why| Refused::Asked(format!("the address {why}")))?;
    let known: Vec<String> = Happened::ALL.iter().map(|what| what.event_type()).collect();
    if let Some(strange) = asked.events.iter().find(|event| !known.contains(event)) {
        return Err(Refused::Asked(format!(
            "there is no event `{strange}`; the events are: {}",
            known.join(", ")
        )));
    }
    let channel = match &asked.channel {
        Some(id) => Some(known_channel(engine, id).await?),
        None => None,
    };
    let public_id = format!("ep_{:016x}", rand::random::<u64>());
    let secret = sign::secret(rand::random());
    let (url, events) = (String::from(url), asked.events.as_slice());
    let new = NewEndpoint { public_id: &public_id, url: &url, events, channel, with_body: asked.with_body };
    endpoints::insert(engine.pool(), engine.key(), new, &secret).await?;
    Ok(Made { endpoint: one(engine, &public_id).await?, secret })
}

/// The key of a channel.
async fn known_channel(engine: &Engine, id: &str) -> Result<i64, Refused> {
    // What Postgres cannot hold is nobody's id.
    let found = if id.contains('\0') { None } else { channels::by_public_id(engine.pool(), id).await? };
    found.map(|channel| channel.id).ok_or_else(|| {
        Refused::Unknown(format!("there is no channel {}: see `twinwire channels`", id.escape_debug()))
    })
}

/// One endpoint.
///
/// # Errors
/// [`Refused::Unknown`].
pub async fn one(engine: &Engine, id: &str) -> Result<Endpoint, Refused> {
    // What Postgres cannot hold is nobody's id.
    let found = if id.contains('\0') { None } else { endpoints::list(engine.pool(), Some(id)).await?.pop() };
    found.ok_or_else(|| unknown(id))
}

/// Gives an endpoint a new secret. Events are signed with both for a day.
///
/// # Errors
/// [`Refused::Unknown`].
pub async fn rotate(engine: &Engine, id: &str) -> Result<Made, Refused> {
    one(engine, id).await?;
    let secret = sign::secret(rand::random());
    let until = engine.now() + OVERLAP;
    if !endpoints::rotate(engine.pool(), engine.key(), id, &secret, until).await? {
        return Err(unknown(id));
    }
    Ok(Made { endpoint: one(engine, id).await?, secret })
}

/// Stops an endpoint; what happens meanwhile waits for it.
///
/// # Errors
/// [`Refused::Unknown`], or [`Refused::State`] where it is disabled.
pub async fn pause(engine: &Engine, id: &str) -> Result<Endpoint, Refused> {
    one(engine, id).await?;
    endpoints::pause(engine.pool(), id).await?;
    let endpoint = one(engine, id).await?;
    if endpoint.state == "paused" {
        Ok(endpoint)
    } else {
        Err(Refused::State(format!("{id} is {}", endpoint.state)))
    }
}

/// Lets an endpoint go on at once.
///
/// # Errors
/// [`Refused::Unknown`].
pub async fn resume(engine: &Engine, id: &str) -> Result<Endpoint, Refused> {
    one(engine, id).await?;
    let mut tx = tx::begin(engine.pool()).await?;
    let done = endpoints::resume(&mut tx, id).await?;
    tx.commit().await?;
    if done { one(engine, id).await } else { Err(unknown(id)) }
}

/// Forgets an endpoint.
///
/// # Errors
/// [`Refused::Unknown`].
pub async fn delete(engine: &Engine, id: &str) -> Result<(), Refused> {
    one(engine, id).await?;
    let mut tx = tx::begin(engine.pool()).await?;
    let done = endpoints::delete(&mut tx, id).await?;
    tx.commit().await?;
    if done { Ok(()) } else { Err(unknown(id)) }
}

/// Sends an endpoint an event that nothing happened for. Gives the event's id.
///
/// # Errors
/// [`Refused::Unknown`], or [`Refused::State`] where it is sent nothing.
pub async fn trial(engine: &Engine, id: &str) -> Result<String, Refused> {
    let endpoint = one(engine, id).await?;
    if endpoint.state != "active" {
        return Err(Refused::State(format!(
            "{id} is {}: `twinwire endpoints resume {id}` first",
            endpoint.state
        )));
    }
    let mut tx = tx::begin(engine.pool()).await?;
    let event = deliveries::add_trial(&mut tx, id, TRIAL).await?;
    tx.commit().await?;
    event.ok_or_else(|| unknown(id))
}

/// Has events sent again that were given up, all of an endpoint or one of any state by its id. Gives how many.
///
/// # Errors
/// [`Refused::Unknown`].
pub async fn again(engine: &Engine, endpoint: &str, event: Option<&str>) -> Result<u64, Refused> {
    one(engine, endpoint).await?;
    let mut tx = tx::begin(engine.pool()).await?;
    let count = deliveries::again(&mut tx, Some(endpoint), event).await?;
    tx.commit().await?;
    Ok(count)
}

fn unknown(id: &str) -> Refused {
    Refused::Unknown(format!("there is no endpoint {}: see `twinwire endpoints list`", id.escape_debug()))
}

impl Made {
    /// The secret, to be shown.
    pub fn shown_secret(&self) -> &str {
        self.secret.expose_secret()
    }
}
