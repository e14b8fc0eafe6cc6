//! `GET /.well-known/twinwire/{question}`: proves to whoever holds this database that the address leads here. See
//! [`twinwire_engine::doctor::reach`].

use crate::App;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use twinwire_engine::doctor::reach;

/// Answers a question of this installation's; any other is no address of ours.
pub(crate) async fn answer(State(app): State<App>, Path(question): Path<String>) -> Response {
    match reach::answer(&app.engine, &question).await {
        Ok(Some(answer)) => ([(header::CACHE_CONTROL, "no-store")], answer).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(%error, "a question at the public address could not be answered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
