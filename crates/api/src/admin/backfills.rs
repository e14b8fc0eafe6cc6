//! Backfills: asked for, and followed.

use super::auth::{May, Operate, Read};
use super::channels::find;
use super::given::{Asked, Given, Nothing, Path};
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use twinwire_engine::jobs::read_list;
use twinwire_store::attempts::{self, Tally};
use twinwire_store::backfills::{self, Kind};
use twinwire_store::channels::{self, State as ChannelState};
use twinwire_store::work;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A row that was put off no further than this is waited for: something was in its way for a moment.
const PUT_OFF: TimeDelta = TimeDelta::seconds(10);

/// How far back.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HowFar {
    /// Everything the provider has, not only the last days.
    #[serde(default)]
    pub full: bool,
}

/// A backfill that was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AskedFor {
    /// Its number.
    pub backfill: i64,
    /// `incremental` or `full`.
    #[schema(value_type = String, example = "incremental")]
    pub kind: Kind,
}

/// How much is told of a backfill.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct HowMuch {
    /// Also count what was sent since it was asked for; yes if nothing is said. Whoever waits for its end asks often, and
    /// counts once.
    #[serde(default = "yes")]
    #[param(default = true)]
    tally: bool,
}

fn yes() -> bool {
    true
}

/// A backfill as it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Backfill)]
pub struct BackfillView {
    /// Its number.
    pub backfill: i64,
    /// `poll`, `incremental` or `full`.
    #[schema(value_type = String, example = "incremental")]
    pub kind: Kind,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "running")]
    pub state: String,
    /// Whether it has come to its end, and what it found is delivered as well.
    pub settled: bool,
    /// Pages read.
    pub pages: i32,
    /// Messages seen.
    pub seen: i64,
    /// Messages that were new.
    pub inserted: i64,
    /// Messages that changed.
    pub updated: i64,
    /// Messages of the channel that are still to be delivered.
    pub to_deliver: i64,
    /// Messages sent since it was asked for, until an hour after it was over; null where `tally=false` was asked for.
    pub sent: Option<i64>,
    /// Messages put into the helpdesk in that time.
    pub synced: Option<i64>,
    /// Messages that failed in that time.
    pub failed: Option<i64>,
    /// Why it failed; while it runs, why it was interrupted last.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
}

/// What is done in a channel counts for a backfill until so long after its list was read: it has found what is then
/// delivered. Later it is history, and there may be any amount of it.
const COUNTS_FOR: TimeDelta = TimeDelta::hours(1);

/// Asks for a backfill of a channel: what its provider has and webhooks have missed is brought in.
#[utoipa::path(post, path = "/channels/{channel}/backfill", tag = "backfills", security(("token" = ["operate"])),
    params(("channel" = String, Path, description = "The channel's id")), request_body = Option<HowFar>,
    responses((status = 202, body = AskedFor), (status = 404, description = "There is no such channel.")))]
async fn ask(
    may: May<Operate>,
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(Nothing {}): Asked<Nothing>,
    Given(how): Given<HowFar>,
) -> Result<(StatusCode, Json<AskedFor>), Problem> {
    let channel = find(&app, &id).await?;
    let kind = if how.full { Kind::Full } else { Kind::Incremental };
    let (account, by) = (channel.provider_account, &may.caller.name);
    let backfill = read_list::request(&app.engine, account, Some(channel.id), kind, by).await?;
    Ok((StatusCode::ACCEPTED, Json(AskedFor { backfill, kind })))
}

/// Shows a backfill.
#[utoipa::path(get, path = "/backfills/{backfill}", tag = "backfills", security(("token" = ["read"])),
    params(("backfill" = i64, Path, description = "The backfill's number"), HowMuch),
    responses((status = 200, body = BackfillView), (status = 404, description = "There is no such backfill.")))]
async fn show(
    _: May<Read>,
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(how): Asked<HowMuch>,
) -> Answer<BackfillView> {
    let pool = app.engine.pool();
    let found = match id.parse() {
        Ok(id) => backfills::get(pool, id).await?,
        Err(_) => None,
    };
    let reading =
        found.ok_or_else(|| Problem::not_found(format!("There is no backfill {}.", id.escape_debug())))?;
    let (mut to_deliver, mut works, mut tally) = (0, false, how.tally.then(Tally::default));
    if let Some(channel) = reading.channel_id {
        to_deliver = work::unsettled(pool, channel, app.engine.now() + PUT_OFF).await?;
        works =
            channels::get(pool, channel).await?.is_some_and(|channel| channel.state == ChannelState::Active);
        if how.tally {
            let until = reading.finished_at.map(|over| over + COUNTS_FOR);
            tally = Some(attempts::tally(pool, channel, reading.created_at, until).await?);
        }
    }
    Ok(Json(BackfillView {
        settled: reading.is_over() && (to_deliver == 0 || !works),
        backfill: reading.id,
        kind: reading.kind,
        state: reading.state,
        pages: reading.pages,
        seen: reading.seen,
        inserted: reading.inserted,
        updated: reading.updated,
        to_deliver,
        sent: tally.map(|tally| tally.sent),
        synced: tally.map(|tally| tally.synced),
        failed: tally.map(|tally| tally.failed),
        error: reading.error,
        created_at: reading.created_at,
        started_at: reading.started_at,
    }))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask)).routes(routes!(show))
}
