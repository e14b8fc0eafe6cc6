//! The HTTP face: vendors' hooks, health, and what operators ask for. Status codes are chosen here and nowhere below.
//!
//! * [`install`] — what helpdesks post, one generic route per pair of connectors.
//! * [`hooks`] — what providers post.
//! * [`media`] — files, for providers that fetch them.
//! * [`admin`] — everything that operators ask for; the command line is a client of it.
//! * [`health`] — is it up, and is it well.

pub mod admin;
mod health;
mod hooks;
mod install;
mod media;
mod receive;
mod refusals;

pub use health::LastStatus;
pub use refusals::Refusals;

use axum::Router;
use axum::routing::{any, get};
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
    /// A token of scope admin that is not in the database: `TWINWIRE_ADMIN_TOKEN`.
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
        .merge(admin::router())
        .layer(CatchPanicLayer::new())
        .with_state(app)
}
