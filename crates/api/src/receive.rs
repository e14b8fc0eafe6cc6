//! From an HTTP request to the engine and back.

use crate::App;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use twinwire_core::connector::Connector;
use twinwire_core::http::{Answer, Hook};
use twinwire_engine::ingest::{self, Rejected};
use twinwire_store::channels::StoredChannel;

/// Longest body that a vendor may post.
const LONGEST_BODY: usize = 1024 * 1024;

/// How long looking up and storing may take together: vendors stop waiting soon after (Front after 7 s, SignalWire
/// reads for 5 s).
const PATIENCE: Duration = Duration::from_millis(4500);

/// A request, read once: headers, body and the URL exactly as the vendor called it.
pub(crate) struct Received {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    until: Instant,
}

/// Why a request is answered with an error before the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The body is too long.
    TooLong,
    /// The body did not arrive whole.
    Broken,
    /// The vendor does not call with this method.
    Method,
    /// There is no key in the request.
    NoKey,
    /// The key belongs to no channel.
    UnknownKey,
    /// There is no such channel.
    NoChannel,
    /// The database cannot be reached.
    Down,
    /// Something else is wrong on our side.
    Internal,
}

impl Problem {
    fn status(self) -> u16 {
        match self {
            Self::TooLong => 413,
            Self::Broken => 400,
            Self::NoKey | Self::UnknownKey => 401,
            Self::NoChannel => 404,
            Self::Method => 405,
            Self::Down => 503,
            Self::Internal => 500,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::TooLong => "The request is larger than 1 MiB.",
            Self::Broken => "The request did not arrive whole.",
            Self::Method => {
                "This address does not take requests of this method. Set the webhook's method to POST."
            }
            Self::NoKey => "The API key of the channel is missing.",
            Self::UnknownKey => {
                "The API key is not known here. Copy it again from the set-up of the channel."
            }
            Self::NoChannel => "There is no such channel here.",
            Self::Down => "Twinwire cannot store messages right now. Please try again in a minute.",
            Self::Internal => "Twinwire had an internal error. Please try again in a minute.",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "too long",
            Self::Broken => "broken",
            Self::Method => "method",
            Self::NoKey => "missing key",
            Self::UnknownKey => "unknown key",
            Self::NoChannel => "unknown channel",
            Self::Down | Self::Internal => "not stored",
        }
    }
}

impl From<&twinwire_engine::Error> for Problem {
    fn from(error: &twinwire_engine::Error) -> Self {
        if error.is_outage() { Self::Down } else { Self::Internal }
    }
}

impl Received {
    /// Reads a request, which has to have one of the connector's methods.
    pub(crate) async fn read(
        app: &App,
        connector: &dyn Connector,
        request: Request,
    ) -> (Self, Option<Problem>) {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let headers = parts
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let (body, problem) = whole(body).await;
        let takes = connector.hook_methods().iter().any(|method| method.as_str() == parts.method.as_str());
        let problem = if takes { problem } else { Some(Problem::Method) };
        let url = format!("{}{path}", app.engine.public_url());
        let (method, until) = (parts.method.as_str().to_owned(), until());
        (Self { method, url, headers, body, until }, problem)
    }

    /// When the vendor has to be answered.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// As connectors see it.
    pub(crate) fn hook<'a>(&'a self, name: &'a str) -> Hook<'a> {
        Hook { name, method: &self.method, url: &self.url, headers: &self.headers, body: &self.body }
    }

    /// The key in the `Authorization` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let value =
            self.headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.as_str())?;
        let (scheme, key) = value.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()).then(|| key.trim())
    }
}

async fn whole(body: Body) -> (Bytes, Option<Problem>) {
    match tokio::time::timeout(PATIENCE, to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(body)) => (body, None),
        Err(_) => (Bytes::new(), Some(Problem::Broken)),
        Ok(Err(error)) => {
            let long = std::error::Error::source(&error)
                .is_some_and(|source| source.to_string().contains("length limit"));
            (Bytes::new(), Some(if long { Problem::TooLong } else { Problem::Broken }))
        }
    }
}

/// When a request that comes now has to be answered.
pub(crate) fn until() -> Instant {
    Instant::now() + PATIENCE
}

/// Asks the store, but not longer than the vendor waits.
pub(crate) async fn ask<T>(
    until: Instant,
    asked: impl Future<Output = Result<T, twinwire_engine::Error>>,
) -> Result<T, Problem> {
    match tokio::time::timeout_at(until, asked).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            tracing::error!(%error, "a channel could not be read");
            Err(Problem::from(&error))
        }
        Err(_) => {
            tracing::error!("the database is too slow");
            Err(Problem::Down)
        }
    }
}

/// Answers a request that the engine does not see.
pub(crate) fn refuse(app: &App, connector: &dyn Connector, hook: &Hook<'_>, problem: Problem) -> Response {
    app.refusals.count(&app.engine, connector.name(), hook.name, problem.reason());
    respond(connector.error(hook, problem.status(), problem.words()))
}

/// Gives a request of a channel to the engine, and its answer to the vendor.
pub(crate) async fn give(
    app: &App,
    connector: &'static dyn Connector,
    channel: &Arc<StoredChannel>,
    hook: &Hook<'_>,
    until: Instant,
) -> Response {
    // In one place: every layer around this would move it about.
    let taking = Box::pin(ingest::receive(&app.engine, connector, channel, hook, until));
    let taken = tokio::time::timeout_at(until, taking).await;
    let rejected = match taken {
        Ok(Ok(answer)) => return respond(answer),
        Ok(Err(rejected)) => rejected,
        Err(_) => {
            tracing::error!(
                channel = channel.channel.id,
                connector = connector.name(),
                "the database is too slow"
            );
            return refuse(app, connector, hook, Problem::Down);
        }
    };
    let (status, words, reason) = match &rejected {
        Rejected::Unverified(why) => {
            (401, "The request is not signed as it should be.".to_owned(), why.to_string())
        }
        Rejected::Unreadable(why) => (400, why.to_string(), "unreadable".to_owned()),
        Rejected::Gone | Rejected::Replaced => (400, sentence(&rejected), "removed channel".to_owned()),
        Rejected::Engine(error) => {
            tracing::error!(channel = channel.channel.id, connector = connector.name(), %error, "a webhook was not stored");
            let problem = if error.is_outage() { Problem::Down } else { Problem::Internal };
            (problem.status(), problem.words().to_owned(), problem.reason().to_owned())
        }
    };
    app.refusals.count(&app.engine, connector.name(), hook.name, &reason);
    respond(connector.error(hook, status, &words))
}

/// An error as a sentence for a person.
fn sentence(error: &Rejected) -> String {
    let words = error.to_string();
    let first = words.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", words.chars().skip(1).collect::<String>())
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
