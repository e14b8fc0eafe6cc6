//! What helpdesks post: one generic route for every pair of connectors.

use crate::App;
use crate::dashboard::nothing;
use crate::receive::{Problem, Received, ask, give, refuse};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use std::sync::Arc;
use tokio::time::Instant;
use twinwire_store::channels::StoredChannel;

/// `/v1/install/{pair}/{hook}`: the channel is found by the key that the helpdesk's user pasted.
pub(crate) async fn by_key(
    State(app): State<App>,
    Path((pair, hook)): Path<(String, String)>,
    request: Request,
) -> Response {
    let Some((helpdesk, _)) = app.engine.connectors().pair(&pair) else {
        return nothing();
    };
    let (received, problem) = Received::read(&app, helpdesk, request).await;
    let hook = received.hook(&hook);
    if let Some(problem) = problem {
        return refuse(&app, helpdesk, &hook, problem);
    }
    let Some(key) = received.bearer() else { return refuse(&app, helpdesk, &hook, Problem::NoKey) };
    match find_by_key(&app, key, received.until()).await {
        Ok(Some(channel)) if channel.channel.pair == pair => {
            give(&app, helpdesk, &channel, &hook, received.until()).await
        }
        Ok(_) => refuse(&app, helpdesk, &hook, Problem::UnknownKey),
        Err(problem) => refuse(&app, helpdesk, &hook, problem),
    }
}

/// `/v1/install/{pair}/{hook}/{channel}`: the channel is in the address that the helpdesk was given.
pub(crate) async fn by_id(
    State(app): State<App>,
    Path((pair, hook, id)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let Some((helpdesk, _)) = app.engine.connectors().pair(&pair) else {
        return nothing();
    };
    let (received, problem) = Received::read(&app, helpdesk, request).await;
    let hook = received.hook(&hook);
    if let Some(problem) = problem {
        return refuse(&app, helpdesk, &hook, problem);
    }
    match addressed(&app, &received, &pair, &id).await {
        Ok(channel) => give(&app, helpdesk, &channel, &hook, received.until()).await,
        Err(problem) => refuse(&app, helpdesk, &hook, problem),
    }
}

/// The channel in the address. A key that comes along has to be its own: the address alone does not open it.
async fn addressed(
    app: &App,
    received: &Received,
    pair: &str,
    id: &str,
) -> Result<Arc<StoredChannel>, Problem> {
    let own = |channel: &Arc<StoredChannel>| channel.channel.pair == pair && channel.channel.id == id;
    let keyed = match received.bearer() {
        Some(key) => find_by_key(app, key, received.until()).await?.filter(own),
        None => None,
    };
    if let Some(channel) = keyed {
        return Ok(channel);
    }
    let found = find(app, id, received.until()).await?.filter(own);
    match found {
        Some(_) if received.bearer().is_some() => Err(Problem::UnknownKey),
        Some(channel) => Ok(channel),
        None => Err(Problem::NoChannel),
    }
}

/// A channel by its public id.
pub(crate) async fn find(app: &App, id: &str, until: Instant) -> Result<Option<Arc<StoredChannel>>, Problem> {
    // What Postgres cannot hold is nobody's id.
    if id.contains('\0') {
        return Ok(None);
    }
    ask(until, app.engine.channel_by_id(id)).await
}

async fn find_by_key(app: &App, key: &str, until: Instant) -> Result<Option<Arc<StoredChannel>>, Problem> {
    ask(until, app.engine.channel_by_key(key)).await
}
