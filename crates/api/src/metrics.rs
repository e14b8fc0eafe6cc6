//! `GET /metrics`, for Prometheus.

use crate::App;
use crate::admin::is_admin;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use twinwire_engine::metrics;

/// On the address that vendors call as well: they say how much is sent and how, which is nobody else's business, so that
/// the admin token is asked for.
pub(crate) async fn guarded(State(app): State<App>, headers: HeaderMap) -> Response {
    if !is_admin(&app, &headers) {
        let words = "The admin token is missing or wrong: set TWINWIRE_ADMIN_TOKEN and give it as a bearer token, or \
                     set TWINWIRE_METRICS_LISTEN for an address of their own.\n";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], words).into_response();
    }
    open(State(app)).await
}

/// On an address of their own, which only those reach whom the operator lets.
pub(crate) async fn open(State(app): State<App>) -> Response {
    let text = metrics::render(&app.engine).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
