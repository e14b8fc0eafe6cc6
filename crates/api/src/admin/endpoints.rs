//! Endpoints of outgoing webhooks: made, shown, stopped, tried, and given another secret.

use super::auth::{Admin, May, Operate, Read};
use super::given::{Given, Path};
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_engine::outgoing::endpoints::{self, Asked, Made, Refused};
use twinwire_store::endpoints::{Endpoint, list as stored};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// An endpoint, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Endpoint)]
pub struct EndpointView {
    /// Its id.
    #[schema(example = "ep_5f0c2ad1b7e94c3f")]
    pub endpoint: String,
    /// The server to which events are posted. The rest of the address may be a secret, and is left out.
    #[schema(example = "https://example.com")]
    pub server: String,
    /// The types of events that it wants; all where it is empty.
    pub events: Vec<String>,
    /// The channel of which it wants to hear; all where it is null.
    pub channel: Option<String>,
    /// Whether the texts of messages are sent along.
    pub with_body: bool,
    /// `active`, `paused` (by an operator) or `disabled` (it answered 410).
    #[schema(example = "active")]
    pub state: String,
    /// Why it is disabled.
    pub state_reason: Option<String>,
    /// It failed several times in a row and rests until then.
    pub rests_until: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    pub failures: i32,
    /// The first of them.
    pub failing_since: Option<DateTime<Utc>>,
    /// What was wrong with the last of them.
    pub last_error: Option<String>,
    /// When it last took an event.
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// Events that wait; 10,001 where there are more than 10,000.
    pub pending: i64,
    /// Events that were given up; 10,001 where there are more than 10,000.
    pub failed: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<Endpoint> for EndpointView {
    fn from(one: Endpoint) -> Self {
        Self {
            server: server(&one.url),
            endpoint: one.endpoint,
            events: one.events,
            channel: one.channel,
            with_body: one.with_body,
            state: one.state,
            state_reason: one.state_reason,
            rests_until: one.paused_until,
            failures: one.failures,
            failing_since: one.failing_since,
            last_error: one.last_error,
            last_delivered_at: one.last_delivered_at,
            pending: one.pending,
            failed: one.failed,
            created_at: one.created_at,
        }
    }
}

/// What comes before the path of an address.
fn server(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// Every endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Endpoints {
    /// The oldest first.
    pub endpoints: Vec<EndpointView>,
}

/// An endpoint that is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where events are posted to.
    #[schema(example = "https://example.com/events")]
    pub url: String,
    /// The types of events that it wants; all where it is left out.
    #[serde(default)]
    pub events: Vec<String>,
    /// The channel of which it wants to hear; all where it is left out.
    #[serde(default)]
    pub channel: Option<String>,
    /// Whether the texts of messages are sent along.
    #[serde(default)]
    pub with_body: bool,
}

/// An endpoint with a new secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct MadeEndpoint {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointView,
    /// Its secret. Nobody can show it again.
    #[schema(example = "whsec_…")]
    pub secret: String,
}

impl From<Made> for MadeEndpoint {
    fn from(made: Made) -> Self {
        let secret = made.shown_secret().to_owned();
        Self { endpoint: made.endpoint.into(), secret }
    }
}

/// An event that was made to try an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// Its id.
    #[schema(example = "evt_5f0c2ad1b7e94c3f8a21d6f0b3e4c5a7")]
    pub event: String,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Asked(words) => Self::wrong(words),
            Refused::State(words) => Self::conflict(words),
            Refused::Unknown(words) => Self::not_found(words),
            Refused::Engine(error) => error.into(),
        }
    }
}

/// Lists the endpoints.
#[utoipa::path(get, path = "/endpoints", tag = "endpoints", security(("token" = ["read"])),
    responses((status = 200, body = Endpoints)))]
async fn list(_: May<Read>, State(app): State<App>) -> Answer<Endpoints> {
    let endpoints = stored(app.engine.pool(), None).await?;
    Ok(Json(Endpoints { endpoints: endpoints.into_iter().map(Into::into).collect() }))
}

/// Makes an endpoint. It is told what happens from now on.
#[utoipa::path(post, path = "/endpoints", tag = "endpoints", security(("token" = ["admin"])),
    request_body = NewEndpoint, responses((status = 201, body = MadeEndpoint),
    (status = 404, description = "There is no such channel.")))]
async fn create(
    _: May<Admin>,
    State(app): State<App>,
    Given(asked): Given<NewEndpoint>,
) -> Result<(StatusCode, Json<MadeEndpoint>), Problem> {
    let NewEndpoint { url, events, channel, with_body } = asked;
    let made = endpoints::add(&app.engine, &Asked { url, events, channel, with_body }).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Shows an endpoint.
#[utoipa::path(get, path = "/endpoints/{endpoint}", tag = "endpoints", security(("token" = ["read"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, body = EndpointView), (status = 404, description = "There is no such endpoint.")))]
async fn show(_: May<Read>, State(app): State<App>, Path(id): Path<String>) -> Answer<EndpointView> {
    Ok(Json(endpoints::one(&app.engine, &id).await?.into()))
}

/// Forgets an endpoint, its secret, and what waits for it.
#[utoipa::path(delete, path = "/endpoints/{endpoint}", tag = "endpoints", security(("token" = ["admin"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, body = EndpointView), (status = 404, description = "There is no such endpoint.")))]
async fn remove(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Answer<EndpointView> {
    let endpoint = endpoints::one(&app.engine, &id).await?;
    endpoints::delete(&app.engine, &id).await?;
    Ok(Json(endpoint.into()))
}

/// Sends an endpoint nothing for now. What happens meanwhile waits for it.
#[utoipa::path(post, path = "/endpoints/{endpoint}/pause", tag = "endpoints", security(("token" = ["operate"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, body = EndpointView), (status = 404, description = "There is no such endpoint."),
    (status = 409, description = "It is disabled.")))]
async fn pause(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<EndpointView> {
    Ok(Json(endpoints::pause(&app.engine, &id).await?.into()))
}

/// Lets an endpoint go on at once, whatever made it stop.
#[utoipa::path(post, path = "/endpoints/{endpoint}/resume", tag = "endpoints", security(("token" = ["operate"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, body = EndpointView), (status = 404, description = "There is no such endpoint.")))]
async fn resume(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<EndpointView> {
    Ok(Json(endpoints::resume(&app.engine, &id).await?.into()))
}

/// Gives an endpoint a new secret. Events are signed with the old one as well for a day.
#[utoipa::path(post, path = "/endpoints/{endpoint}/rotate", tag = "endpoints", security(("token" = ["admin"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, body = MadeEndpoint), (status = 404, description = "There is no such endpoint.")))]
async fn rotate(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Answer<MadeEndpoint> {
    Ok(Json(endpoints::rotate(&app.engine, &id).await?.into()))
}

/// Sends an endpoint an event that nothing happened for.
#[utoipa::path(post, path = "/endpoints/{endpoint}/test", tag = "endpoints", security(("token" = ["operate"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, body = Trial), (status = 404, description = "There is no such endpoint."),
    (status = 409, description = "It is sent nothing at the moment.")))]
async fn test(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<Trial> {
    Ok(Json(Trial { event: endpoints::trial(&app.engine, &id).await? }))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(rotate))
        .routes(routes!(test))
}
