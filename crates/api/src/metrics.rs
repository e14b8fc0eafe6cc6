//! `GET /metrics`, for Prometheus.

use crate::App;
use crate::admin::auth::{May, Metrics};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use twinwire_engine::metrics;

/// On the address that vendors call as well: they say how much is sent and how, which is nobody else's business, so that
/// a token is asked for.
pub(crate) async fn guarded(_may: May<Metrics>, State(app): State<App>) -> Response {
    open(State(app)).await
}

/// On an address of their own, which only those reach whom the operator lets.
pub(crate) async fn open(State(app): State<App>) -> Response {
    let text = metrics::render(&app.engine).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
