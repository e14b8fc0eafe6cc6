//! Events for endpoints: what became of them, and sent again.

use super::auth::{May, Operate, Read};
use super::given::{Asked, Given, Path};
use super::page;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_engine::outgoing::endpoints;
use twinwire_store::deliveries::{self, Delivery, Wanted};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Events of a page, unless said otherwise, and at most.
const USUAL: u16 = 50;
const MOST: u16 = 1_000;

/// An event for an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Its id, as the endpoint knows it.
    #[schema(example = "evt_5f0c2ad1b7e94c3f8a21d6f0b3e4c5a7")]
    pub event: String,
    /// The endpoint.
    pub endpoint: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "message.delivered")]
    pub event_type: String,
    /// The channel.
    pub channel: Option<String>,
    /// The number of the message.
    pub message: Option<i64>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// `pending`, `delivered`, `failed` (given up) or `cancelled`.
    #[schema(example = "delivered")]
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
    /// The status that was answered last.
    pub last_status: Option<i32>,
    /// What was wrong last.
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for DeliveryView {
    fn from(one: Delivery) -> Self {
        Self {
            event: one.event,
            endpoint: one.endpoint,
            event_type: one.event_type,
            channel: one.channel,
            message: one.message,
            happened_at: one.happened_at,
            state: one.state,
            attempts: one.attempts,
            next_at: one.next_at,
            last_status: one.last_status,
            last_error: one.last_error,
            finished_at: one.finished_at,
        }
    }
}

/// Events for endpoints.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deliveries {
    /// The latest first.
    pub deliveries: Vec<DeliveryView>,
    /// What to ask for as `before` to have the next page; null where there is none.
    pub next: Option<String>,
}

/// Which events are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only of this endpoint.
    endpoint: Option<String>,
    /// Only in this state: `pending`, `delivered`, `failed` or `cancelled`.
    state: Option<String>,
    /// How many, 1,000 at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
    /// `next` of the page before.
    before: Option<String>,
}

/// What is to be sent again.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// Only this event, whatever became of it; all that were given up where it is left out.
    #[serde(default)]
    pub event: Option<String>,
}

/// How much is sent again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Queued {
    /// Events.
    pub queued: u64,
}

/// Lists events and what became of them.
#[utoipa::path(get, path = "/deliveries", tag = "endpoints", security(("token" = ["read"])), params(Which),
    responses((status = 200, body = Deliveries)))]
async fn list(_: May<Read>, State(app): State<App>, Asked(which): Asked<Which>) -> Answer<Deliveries> {
    let states = ["pending", "delivered", "failed", "cancelled"];
    if which.state.as_deref().is_some_and(|state| !states.contains(&state)) {
        return Err(Problem::wrong(format!("`state` is one of {}.", states.join(", "))));
    }
    let endpoint = which.endpoint.as_deref();
    if let Some(id) = endpoint {
        endpoints::one(&app.engine, id).await?;
    }
    let limit = page::limit(which.limit, USUAL, MOST)?;
    let before = page::opened::<1>("d1", which.before.as_deref())?.map(|[id]| id);
    let wanted = Wanted { endpoint, state: which.state.as_deref(), before, limit: page::and_one(limit) };
    let found = deliveries::list(app.engine.pool(), wanted).await?;
    let (found, next) = page::cut(found, limit, |last| page::cursor("d1", &[last.id]));
    Ok(Json(Deliveries { deliveries: found.into_iter().map(Into::into).collect(), next }))
}

/// Has an endpoint sent again what was given up.
#[utoipa::path(post, path = "/endpoints/{endpoint}/retry", tag = "endpoints", security(("token" = ["operate"])),
    params(("endpoint" = String, Path, description = "The endpoint's id")), request_body = Again,
    responses((status = 200, body = Queued), (status = 404, description = "There is no such endpoint.")))]
async fn retry(
    _: May<Operate>,
    State(app): State<App>,
    Path(id): Path<String>,
    Given(again): Given<Again>,
) -> Answer<Queued> {
    let queued = endpoints::again(&app.engine, &id, again.event.as_deref()).await?;
    Ok(Json(Queued { queued }))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry))
}
