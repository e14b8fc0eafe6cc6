//! What helpdesks post: one generic route for every pair of connectors.

use crate::App;
use crate::receive::{Problem, Received, give, refuse};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use twinwire_store::channels::{self, StoredChannel};

/// `/v1/install/{pair}/{hook}`: the channel is found by the key that the helpdesk's user pasted.
pub(crate) async fn by_key(
    State(app): State<App>,
    Path((pair, hook)): Path<(String, String)>,
    request: Request,
) -> Response {
    let Some((helpdesk, _)) = app.engine.connectors().pair(&pair) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (received, problem) = Received::read(&app, request).await;
    let hook = received.hook(&hook);
    if let Some(problem) = problem {
        return refuse(&app, helpdesk, &hook, problem);
    }
    let Some(key) = received.bearer() else { return refuse(&app, helpdesk, &hook, Problem::NoKey) };
    match channels::by_api_key(app.engine.pool(), key).await {
        Ok(Some(channel)) if channel.channel.pair == pair => give(&app, helpdesk, &channel, &hook).await,
        Ok(_) => refuse(&app, helpdesk, &hook, Problem::UnknownKey),
        Err(error) => refuse(&app, helpdesk, &hook, Problem::from(&error)),
    }
}

/// `/v1/install/{pair}/{hook}/{channel}`: the channel is in the address that the helpdesk was given.
pub(crate) async fn by_id(
    State(app): State<App>,
    Path((pair, hook, id)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let Some((helpdesk, _)) = app.engine.connectors().pair(&pair) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (received, problem) = Received::read(&app, request).await;
    let hook = received.hook(&hook);
    if let Some(problem) = problem {
        return refuse(&app, helpdesk, &hook, problem);
    }
    match find(&app, &id).await {
        Ok(Some(channel)) if channel.channel.pair == pair => give(&app, helpdesk, &channel, &hook).await,
        Ok(_) => refuse(&app, helpdesk, &hook, Problem::NoChannel),
        Err(problem) => refuse(&app, helpdesk, &hook, problem),
    }
}

/// A channel by its public id.
pub(crate) async fn find(app: &App, id: &str) -> Result<Option<StoredChannel>, Problem> {
    channels::by_public_id(app.engine.pool(), id).await.map_err(|error| {
        tracing::error!(%error, "a channel could not be read");
        Problem::from(&error)
    })
}
