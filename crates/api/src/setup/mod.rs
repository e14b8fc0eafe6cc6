//! The set-up of a channel for browsers and for programs: the same steps as in the terminal.
//!
//! * [`json`] — `/v1/setup`, with the admin token.
//! * [`page`] — `/v1/install/{pair}/setup`, with the admin token or a link that works once.
//! * [`keys`] — a channel's key, and its credentials forgotten.

mod json;
mod keys;
mod page;
mod templates;
mod visitor;

use crate::App;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json as value;
use twinwire_engine::setup::SetupError;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/setup", post(json::begin))
        .route("/v1/setup/{setup}", get(json::look).post(json::say))
        .route("/v1/setup/{setup}/link", post(json::link))
        .route("/v1/setup/assets/style.css", get(style))
        .route("/v1/setup/assets/script.js", get(script))
        .route("/v1/install/{pair}/setup", get(page::show).post(page::act))
        .route("/v1/admin/channels/{channel}/key", get(keys::show))
        .route("/v1/admin/channels/{channel}/key/rotate", post(keys::rotate))
        .route("/v1/admin/channels/{channel}/reset", post(keys::reset))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/setup.css"))
}

async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/setup.js"))
}

/// They change with the program only, and a browser asks again after five minutes.
fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// What a trouble is in HTTP.
fn status(error: &SetupError) -> StatusCode {
    match error {
        SetupError::NoPair(..) | SetupError::NoSetup(_) => StatusCode::NOT_FOUND,
        SetupError::Overtaken => StatusCode::CONFLICT,
        SetupError::Unreachable(..) => StatusCode::BAD_GATEWAY,
        SetupError::Engine(error) if error.is_outage() => StatusCode::SERVICE_UNAVAILABLE,
        SetupError::Engine(_) => StatusCode::INTERNAL_SERVER_ERROR,
        SetupError::Missing(..)
        | SetupError::Unknown(..)
        | SetupError::MissingInstallation(..)
        | SetupError::Invalid(_)
        | SetupError::Refused(..) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// What is said of a trouble. What went wrong here is for the log.
fn words(error: &SetupError) -> String {
    let SetupError::Engine(inner) = error else { return error.to_string() };
    tracing::error!(error = %inner, "a set-up could not go on");
    if inner.is_outage() {
        "The database cannot be reached.".to_owned()
    } else {
        "Internal error; the log says more.".to_owned()
    }
}

fn problem(status: StatusCode, words: &str) -> Response {
    (status, no_store(), axum::Json(value!({ "error": words }))).into_response()
}

fn failed(error: &SetupError) -> Response {
    problem(status(error), &words(error))
}

fn no_store() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}

fn unauthorized() -> Response {
    problem(StatusCode::UNAUTHORIZED, "The admin token is missing or wrong; it is TWINWIRE_ADMIN_TOKEN.")
}
