//! Lost keys: a channel's key shown or made anew, and its account's credentials forgotten.

use super::auth::{Admin, May};
use super::given::{Asked, Path};
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use twinwire_engine::setup::keys;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The key of a channel.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ChannelKey {
    /// The channel.
    pub channel: String,
    /// What the helpdesk's user pastes.
    #[schema(example = "sk_…")]
    pub api_key: String,
}

/// What is forgotten.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// Also where the credentials serve other channels.
    #[serde(default)]
    shared: bool,
}

/// The set-up that asks for credentials anew.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BegunSetup {
    /// The channel.
    pub channel: String,
    /// The set-up, which goes on at `/v1/setup/{setup}`.
    pub setup: String,
}

/// Shows the key that the helpdesk's user pastes.
#[utoipa::path(get, path = "/channels/{channel}/key", tag = "channels", security(("token" = ["admin"])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = ChannelKey), (status = 404, description = "There is no such channel.")))]
async fn show(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Answer<ChannelKey> {
    let api_key = keys::show(&app.engine, &id).await?;
    Ok(Json(ChannelKey { channel: id, api_key }))
}

/// Makes another key. The old one stops working at once: agents' messages are refused until the new one is pasted in the
/// helpdesk. History and connection stay.
#[utoipa::path(post, path = "/channels/{channel}/key/rotate", tag = "channels", security(("token" = ["admin"])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = ChannelKey), (status = 404, description = "There is no such channel.")))]
async fn rotate(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Answer<ChannelKey> {
    let api_key = keys::rotate(&app.engine, &id).await?;
    Ok(Json(ChannelKey { channel: id, api_key }))
}

/// Forgets the secrets of a channel's account at its provider and begins a set-up that asks for them. History and connection
/// stay, and messages wait.
#[utoipa::path(post, path = "/channels/{channel}/reset", tag = "channels", security(("token" = ["admin"])),
    params(("channel" = String, Path, description = "The channel's id"), Forgotten),
    responses((status = 201, body = BegunSetup), (status = 404, description = "There is no such channel."),
        (status = 409, description = "The credentials serve other channels as well.")))]
async fn reset(
    _: May<Admin>,
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(asked): Asked<Forgotten>,
) -> Result<(StatusCode, Json<BegunSetup>), Problem> {
    let session = keys::reset(&app.engine, &id, asked.shared).await?;
    let setup = session.id().to_owned();
    Ok((StatusCode::CREATED, Json(BegunSetup { channel: id, setup })))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(rotate)).routes(routes!(reset))
}
