//! Lost keys, with the admin token.

use super::json::shown;
use super::{failed, no_store, unauthorized};
use crate::App;
use crate::admin::is_admin;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use twinwire_engine::setup::{SetupError, keys};

/// `GET /v1/admin/channels/{channel}/key`: the key that the helpdesk's user pastes.
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    key(&id, keys::show(&app.engine, &id).await)
}

/// `POST /v1/admin/channels/{channel}/key/rotate`: another one; the old one stops working at once.
pub(super) async fn rotate(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    key(&id, keys::rotate(&app.engine, &id).await)
}

/// Also where the credentials serve other channels.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    shared: bool,
}

/// `POST /v1/admin/channels/{channel}/reset[?shared=true]`: forgets the credentials and begins a set-up that asks for them.
pub(super) async fn reset(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    match keys::reset(&app.engine, &id, asked.shared).await {
        Ok(session) => shown(&app, StatusCode::CREATED, &session).await,
        Err(error) => failed(&error),
    }
}

fn key(channel: &str, key: Result<String, SetupError>) -> Response {
    match key {
        Ok(key) => (no_store(), Json(json!({ "channel": channel, "api_key": key }))).into_response(),
        Err(error) => failed(&error),
    }
}
