//! The admin API, `/v1/admin/…`: everything that operators ask for. The command line is a client of it.
//!
//! * [`auth`] — tokens and scopes; each handler names the scope that it needs in its signature.
//! * [`problem`] — the one form of an error.
//! * [`given`] — what comes with a request.
//! * [`page`] — lists page by page.
//! * [`document`] — the OpenAPI document and its viewer.
//!
//! The other files are a subject each, with its routes, its handlers and the forms of what they take and give.

pub mod accounts;
pub mod auth;
pub mod backfills;
pub mod channels;
pub mod conversations;
pub mod deliveries;
pub mod doctor;
mod document;
pub mod endpoints;
pub mod erasures;
pub(crate) mod given;
pub mod jobs;
pub mod keys;
pub mod messages;
pub mod opt_outs;
pub mod overview;
mod page;
pub mod problem;
pub mod tokens;
pub mod webhooks;

pub use page::MOST;

use crate::App;
use axum::Router;
use problem::Problem;
use utoipa_axum::router::OpenApiRouter;

/// Where all of it is.
pub const ROOT: &str = "/v1/admin";

/// Every subject. A new one is one line here.
fn subjects() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(channels::routes())
        .merge(keys::routes())
        .merge(backfills::routes())
        .merge(messages::routes())
        .merge(overview::routes())
        .merge(conversations::routes())
        .merge(opt_outs::routes())
        .merge(endpoints::routes())
        .merge(deliveries::routes())
        .merge(tokens::routes())
        .merge(jobs::routes())
        .merge(erasures::routes())
        .merge(webhooks::routes())
        .merge(doctor::routes())
}

/// All routes, with the document and its viewer.
pub(crate) fn router() -> Router<App> {
    let (routes, paths) = subjects().split_for_parts();
    let routes = routes.fallback(unknown).method_not_allowed_fallback(wrong_method);
    // The set-up has addresses of its own, and stands in the same document.
    let (setup, setup_paths) = crate::setup::json::routes().split_for_parts();
    let setup = setup.method_not_allowed_fallback(wrong_method);
    Router::new().nest(ROOT, routes).nest("/v1", setup).merge(document::viewer(paths, setup_paths))
}

async fn unknown() -> Problem {
    Problem::not_found("There is no such address in the admin API.").hint(document::WHERE)
}

async fn wrong_method() -> Problem {
    Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "This address does not take requests of this method.")
        .hint(document::WHERE)
}
