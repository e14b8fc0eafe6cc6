//! The HTTP face: vendors' hooks, health, and what operators ask for. Status codes are chosen here and nowhere below.
//!
//! * [`install`] — what helpdesks post, one generic route per pair of connectors.
//! * [`hooks`] — what providers post.
//! * [`media`] — files, for providers that fetch them.
//! * [`admin`] — everything that operators ask for; the command line is a client of it.
//! * [`setup`] — the set-up of a channel, as a page and as JSON.
//! * [`dashboard`] — what operators look at, `/`; one more client of the admin API.
//! * [`web`] — what all pages have in common. [`guesses`] — how many wrong tokens are listened to.
//! * [`health`] — is it up, and is it well.
//! * [`metrics`] — the same for Prometheus.

pub mod admin;
mod dashboard;
mod guesses;
mod health;
mod hooks;
mod install;
mod media;
mod metrics;
mod reach;
mod receive;
mod refusals;
mod request;
pub mod setup;
mod web;

pub use dashboard::Live;
pub use guesses::Guesses;
pub use health::LastStatus;
pub use refusals::Refusals;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, get};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
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
    /// Wrong tokens of late.
    pub guesses: Arc<Guesses>,
    /// Who looks at the dashboard at this moment.
    pub live: Arc<Live>,
    /// Ends what would not end by itself when the server stops.
    pub stop: CancellationToken,
}

/// All routes.
pub fn router(app: App) -> Router {
    // What operators ask never takes a connection from webhooks.
    let operators = App { engine: app.engine.for_operators(), ..app.clone() };
    let admin = admin::router().with_state(operators.clone());
    let dashboard = dashboard::routes(&operators, admin.clone());
    watching()
        .route("/v1/install/{pair}/{hook}", any(install::by_key))
        .route("/v1/install/{pair}/{hook}/{channel}", any(install::by_id))
        .route("/v1/hooks/{connector}/{channel}/{hook}", any(hooks::by_id))
        .route("/v1/media/{channel}/{message}/{nth}/{name}", get(media::file))
        .route("/.well-known/twinwire/{question}", get(reach::answer))
        .merge(setup::routes())
        .with_state(app)
        .merge(admin)
        .merge(dashboard)
        .layer(CatchPanicLayer::new())
        .layer(from_fn(request::named))
}

/// The routes of a process that only works: is it up, and is it well.
pub fn worker_router(app: App) -> Router {
    watching().layer(CatchPanicLayer::new()).layer(from_fn(request::named)).with_state(app)
}

/// The routes of an address that only an operator's own machines reach: metrics, open.
pub fn metrics_router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(metrics::open))
        .layer(CatchPanicLayer::new())
        .with_state(app)
}

fn watching() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/statusz", get(health::statusz))
        .route("/metrics", get(metrics::guarded))
}
