//! The log of requests that vendors made: listed, shown, and taken again.

use super::auth::{May, Operate, Read};
use super::channels::find as find_channel;
use super::given::{Asked, Given, Path};
use super::jobs::JobAskedFor;
use super::page;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use twinwire_engine::jobs::replay::{self, Span};
use twinwire_store::channels;
use twinwire_store::webhook_log::{self, Logged, Place, Which};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Requests of a page, unless said otherwise, and at most.
const USUAL: u16 = 50;
const MOST: u16 = 1_000;

/// A logged request, without what people wrote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    /// Its number.
    pub webhook: i64,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// From which vendor.
    #[schema(example = "signalwire")]
    pub connector: String,
    /// On which hook.
    #[schema(example = "inbound")]
    pub hook: String,
    /// For which channel.
    pub channel: Option<String>,
    /// The vendor's word for the event.
    pub event: Option<String>,
    /// Method.
    pub method: String,
    /// Where it was posted to, without the query, which may hold texts.
    pub path: String,
    /// The status answered.
    pub status: i32,
    /// Why it was not verified; null: it was.
    pub unverified: Option<String>,
    /// It was emptied, because somebody in it was erased.
    pub erased: bool,
}

/// A logged request as it was received. Headers are not kept, but for the content type.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RawWebhook {
    /// What else is known of it.
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// The whole address.
    pub url: String,
    /// Content type.
    pub content_type: Option<String>,
    /// Body; what is no text in it is replaced.
    pub body: String,
}

/// Logged requests.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Webhooks {
    /// The newest first.
    pub webhooks: Vec<WebhookView>,
    /// What to ask for as `before` to have the next page; null where there is none.
    pub next: Option<String>,
}

/// Which requests.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Of this channel.
    channel: Option<String>,
    /// From this vendor.
    connector: Option<String>,
    /// With this word for the event.
    event: Option<String>,
    /// Only those that were verified, or only the others.
    verified: Option<bool>,
    /// From then on.
    from: Option<DateTime<Utc>>,
    /// Before then.
    to: Option<DateTime<Utc>>,
    /// How many, 1,000 at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
    /// `next` of the page before.
    before: Option<String>,
}

/// Which requests are taken again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// From then on.
    pub from: DateTime<Utc>,
    /// Before then.
    pub to: DateTime<Utc>,
    /// Of one channel; of all, if nothing is said.
    pub channel: Option<String>,
}

fn view(logged: &Logged, channels: &BTreeMap<i64, String>) -> WebhookView {
    let address = logged.url.split('?').next().unwrap_or_default();
    let path = address.split_once("://").map_or(address, |(_, rest)| rest);
    WebhookView {
        webhook: logged.id,
        received_at: logged.received_at,
        connector: logged.connector.clone(),
        hook: logged.hook.clone(),
        channel: logged.channel_id.and_then(|id| channels.get(&id).cloned()),
        event: logged.event.clone(),
        method: logged.method.clone(),
        path: path.find('/').map_or(path, |at| &path[at..]).to_owned(),
        status: logged.status,
        unverified: logged.unverified.clone(),
        erased: logged.erased,
    }
}

async fn names(app: &App) -> Result<BTreeMap<i64, String>, Problem> {
    let channels = channels::all(app.engine.pool()).await?;
    Ok(channels.into_iter().map(|channel| (channel.id, channel.channel.id)).collect())
}

async fn key(app: &App, channel: Option<&str>) -> Result<Option<i64>, Problem> {
    Ok(match channel {
        Some(id) => Some(find_channel(app, id).await?.id),
        None => None,
    })
}

/// Lists logged requests.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", security(("token" = ["read"])), params(Filter),
    responses((status = 200, body = Webhooks), (status = 404, description = "There is no such channel.")))]
async fn list(_: May<Read>, State(app): State<App>, Asked(filter): Asked<Filter>) -> Answer<Webhooks> {
    let usual = Which::default();
    let which = Which {
        from: filter.from.unwrap_or(usual.from),
        to: filter.to.unwrap_or(usual.to),
        channel: key(&app, filter.channel.as_deref()).await?,
        connector: filter.connector,
        event: filter.event,
        verified: filter.verified,
    };
    let limit = page::limit(filter.limit, USUAL, MOST)?;
    let before = page::opened::<2>("w1", filter.before.as_deref())?.map(place).transpose()?;
    let latest = webhook_log::latest(app.engine.pool(), &which, before, page::and_one(limit)).await?;
    let at = |last: &Logged| page::cursor("w1", &[last.received_at.timestamp_micros(), last.id]);
    let (latest, next) = page::cut(latest, limit, at);
    let names = names(&app).await?;
    Ok(Json(Webhooks { webhooks: latest.iter().map(|logged| view(logged, &names)).collect(), next }))
}

fn place([micros, id]: [i64; 2]) -> Result<Place, Problem> {
    let at = DateTime::from_timestamp_micros(micros);
    at.map(|at| Place { at, id }).ok_or_else(|| Problem::wrong("`before` names no time."))
}

async fn find(app: &App, id: &str) -> Result<Logged, Problem> {
    let found = match id.parse() {
        Ok(id) => webhook_log::get(app.engine.pool(), id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| {
        Problem::not_found(format!("There is no webhook {} in the log.", id.escape_debug()))
            .hint("`twinwire webhooks` lists the latest; TWINWIRE_KEEP_WEBHOOKS says how long they are kept.")
    })
}

/// Shows a logged request, without what people wrote.
#[utoipa::path(get, path = "/webhooks/{webhook}", tag = "webhooks", security(("token" = ["read"])),
    params(("webhook" = i64, Path, description = "The request's number")),
    responses((status = 200, body = WebhookView), (status = 404, description = "There is no such request.")))]
async fn show(_: May<Read>, State(app): State<App>, Path(id): Path<String>) -> Answer<WebhookView> {
    Ok(Json(view(&find(&app, &id).await?, &names(&app).await?)))
}

/// Shows a logged request as it was received, with texts and numbers.
#[utoipa::path(get, path = "/webhooks/{webhook}/raw", tag = "webhooks", security(("token" = ["operate"])),
    params(("webhook" = i64, Path, description = "The request's number")),
    responses((status = 200, body = RawWebhook), (status = 404, description = "There is no such request.")))]
async fn raw(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<RawWebhook> {
    let logged = find(&app, &id).await?;
    let webhook = view(&logged, &names(&app).await?);
    let body = String::from_utf8_lossy(&logged.body).into_owned();
    Ok(Json(RawWebhook { webhook, url: logged.url, content_type: logged.content_type, body }))
}

/// Takes logged requests again, in their order and by the same way as when they came. What is known already changes
/// nothing; what was missed is made up for. Connecting and removing channels is left out.
#[utoipa::path(post, path = "/webhooks/replay", tag = "webhooks", security(("token" = ["operate"])),
    request_body = Replay,
    responses((status = 202, body = JobAskedFor), (status = 404, description = "There is no such channel.")))]
async fn again(
    may: May<Operate>,
    State(app): State<App>,
    Given(asked): Given<Replay>,
) -> Result<(StatusCode, Json<JobAskedFor>), Problem> {
    if asked.to <= asked.from {
        return Err(Problem::wrong("There is no time between `from` and `to`."));
    }
    let channel = key(&app, asked.channel.as_deref()).await?;
    let span = Span { from: asked.from, to: asked.to, channel };
    let job = replay::request(&app.engine, span, &may.caller.name).await?;
    Ok((StatusCode::ACCEPTED, Json(JobAskedFor { job })))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(again))
        .routes(routes!(show))
        .routes(routes!(raw))
}
