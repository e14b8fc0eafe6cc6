//! What operators ask for over HTTP, with the admin token.

use crate::App;
use crate::install::find;
use crate::receive::{Problem, until};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use twinwire_engine::jobs::read_list;
use twinwire_store::backfills::Kind;

/// How far back.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    full: bool,
}

/// `POST /v1/admin/channels/{channel}/backfill[?full=true]`: asks for a backfill and gives its number.
pub(crate) async fn backfill(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if !is_admin(&app, &headers) {
        return problem(
            StatusCode::UNAUTHORIZED,
            "The admin token is missing or wrong; it is TWINWIRE_ADMIN_TOKEN.",
        );
    }
    let channel = match find(&app, &id, until()).await {
        Ok(Some(channel)) => channel,
        Ok(None) => {
            return problem(
                StatusCode::NOT_FOUND,
                "There is no such channel; `twinwire channels` lists them.",
            );
        }
        Err(Problem::Down) => {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "The database cannot be reached.");
        }
        Err(_) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "Internal error; the log says more."),
    };
    let kind = if asked.full { Kind::Full } else { Kind::Incremental };
    match read_list::request(&app.engine, channel.provider_account, Some(channel.id), kind, "api").await {
        Ok(id) => (StatusCode::ACCEPTED, Json(json!({ "backfill": id, "kind": kind }))).into_response(),
        Err(error) => {
            tracing::error!(channel = channel.channel.id, %error, "a backfill could not be asked for");
            problem(StatusCode::SERVICE_UNAVAILABLE, "The backfill could not be stored.")
        }
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

/// Compares hashes in constant time, so that neither the token's text nor its length shows.
pub(crate) fn is_admin(app: &App, headers: &HeaderMap) -> bool {
    let given = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    given.is_some_and(|given| is_token(app, given))
}

/// The same of a token by itself.
pub(crate) fn is_token(app: &App, given: &str) -> bool {
    let Some(token) = &app.admin_token else { return false };
    let (own, given) = (Sha256::digest(token.expose_secret()), Sha256::digest(given.trim()));
    own.ct_eq(&given).into()
}
