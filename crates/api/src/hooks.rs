//! What providers post, or ask for with the same in the query: `/v1/hooks/{connector}/{channel}/{hook}`.

use crate::App;
use crate::dashboard::nothing;
use crate::install::find;
use crate::receive::{Problem, Received, give, refuse};
use axum::extract::{Path, Request, State};
use axum::response::Response;

/// A provider's hook of a channel.
pub(crate) async fn by_id(
    State(app): State<App>,
    Path((connector, id, hook)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let Ok(provider) = app.engine.connectors().named(&connector) else {
        return nothing();
    };
    let (received, problem) = Received::read(&app, provider, request).await;
    let hook = received.hook(&hook);
    if let Some(problem) = problem {
        return refuse(&app, provider, &hook, problem);
    }
    let found = match find(&app, &id, received.until()).await {
        Ok(found) => found,
        Err(problem) => return refuse(&app, provider, &hook, problem),
    };
    let pair = found.as_ref().and_then(|channel| app.engine.connectors().pair(&channel.channel.pair));
    match (found, pair) {
        (Some(channel), Some((_, own))) if own.name() == connector => {
            give(&app, provider, &channel, &hook, received.until()).await
        }
        _ => refuse(&app, provider, &hook, Problem::NoChannel),
    }
}
