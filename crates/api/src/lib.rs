//! The HTTP face: vendors' hooks, health, and what operators ask for. Status codes are chosen here and nowhere below.
//!
//! * [`install`] — what helpdesks post, one generic route per pair of connectors.
//! * [`hooks`] — what providers post.
//! * [`media`] — files, for providers that fetch them.
//! * [`admin`] — asks for backfills; the rest of the operator's work is in the command line.
//! * [`setup`] — the set-up of a channel, as a page and as JSON.
//! * [`health`] — is it up, and is it well.

mod admin;
mod health;
mod hooks;
mod install;
mod media;
mod receive;
mod refusals;
mod setup;

pub use health::LastStatus;
pub use refusals::Refusals;

use axum::Router;
use axum::routing::{any, get, post};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use twinwire_engine::Engine;

/// What the routes share.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Requests refused since the last flush.
    pub refusals: Arc<Refusals>,
    /// The operator's token; without one the admin routes are closed.
    pub admin_token: Option<SecretString>,
    /// When the process came up.
    pub started: Instant,
    /// What `/statusz` last said.
    pub status: Arc<LastStatus>,
}

/// All routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/statusz", get(health::statusz))
        .route("/v1/install/{pair}/{hook}", any(install::by_key))
        .route("/v1/install/{pair}/{hook}/{channel}", any(install::by_id))
        .route("/v1/hooks/{connector}/{channel}/{hook}", any(hooks::by_id))
        .route("/v1/media/{channel}/{message}/{nth}/{name}", get(media::file))
        .route("/v1/admin/channels/{channel}/backfill", post(admin::backfill))
        .merge(setup::routes())
        .layer(CatchPanicLayer::new())
        .with_state(app)
}
