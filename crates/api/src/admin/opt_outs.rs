//! Who does not want to be texted.

use super::auth::{May, Read};
use super::channels::find;
use super::given::Asked;
use super::page;
use super::problem::Answer;
use crate::App;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_store::consents::{self, OptOut, Source};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What kind of cursor it is.
const CURSOR: &str = "o1";

/// Which opt-outs are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Of this channel alone.
    pub channel: Option<String>,
    /// How many, 500 at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
    /// `next` of the page before.
    pub before: Option<String>,
}

/// Somebody who does not want to be texted from a channel's number.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OptOut)]
pub struct OptOutView {
    /// The channel.
    pub channel: String,
    /// Their number; of somebody who was erased, what took its place.
    #[schema(example = "+12025550147")]
    pub address: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Who said so: `customer`, or `provider` where it is known by its errors alone.
    #[schema(value_type = String, example = "customer")]
    pub source: Source,
}

/// A page of opt-outs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OptOuts {
    /// The latest first.
    pub opt_outs: Vec<OptOutView>,
    /// What to ask for as `before` to have the next page; null where there is none.
    pub next: Option<String>,
}

impl From<OptOut> for OptOutView {
    fn from(one: OptOut) -> Self {
        Self { channel: one.channel, address: one.address, since: one.since, source: one.source }
    }
}

/// Lists who has opted out and not in again, the latest first.
#[utoipa::path(get, path = "/opt-outs", tag = "opt-outs", security(("token" = ["read"])), params(Filters),
    responses((status = 200, body = OptOuts), (status = 404, description = "There is no such channel.")))]
async fn list(_: May<Read>, State(app): State<App>, Asked(asked): Asked<Filters>) -> Answer<OptOuts> {
    let limit = page::limit(asked.limit, page::USUAL, page::MOST)?;
    let channel = match &asked.channel {
        Some(id) => Some(find(&app, id).await?.id),
        None => None,
    };
    let before = page::opened::<1>(CURSOR, asked.before.as_deref())?.map(|[id]| id);
    let found = consents::opt_outs(app.engine.pool(), channel, before, page::and_one(limit)).await?;
    let (found, next) = page::cut(found, limit, |last| page::cursor(CURSOR, &[last.id]));
    Ok(Json(OptOuts { opt_outs: found.into_iter().map(Into::into).collect(), next }))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}
