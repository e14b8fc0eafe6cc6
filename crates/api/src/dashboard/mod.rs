//! The dashboard, `/`: pages made here, for browsers with and without scripts. It is one more client of the admin API, inside
//! this process: every fact and every act goes through the same handlers, the same scopes and the same line of the log.
//!
//! * [`session`] — who is signed in; [`sign_in`] — how they come to be.
//! * [`desk`] — what pages have in common: asking, acting, the frame, what went wrong.
//! * [`live`] — that something has changed.
//! * [`chart`] — drawings; [`words`] — times and states as people read them.
//!
//! The other files are a page each, with its address and its forms.

mod channel;
mod chart;
mod conversation;
mod desk;
mod jobs;
mod live;
mod message;
mod messages;
mod opt_outs;
mod overview;
mod session;
mod sign_in;
mod webhooks;
mod words;

pub use live::Live;

use crate::App;
use crate::admin::problem::Problem;
use crate::web::asset;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use desk::{Desk, Sorry};

/// All pages. `admin` is the admin API that they ask.
pub(crate) fn routes(app: &App, admin: Router) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::act))
        .route("/sign-out", post(sign_in::leave))
        .route("/live", get(live::stream))
        .route("/channels/{channel}", get(channel::show))
        .route("/channels/{channel}/{act}", post(channel::act))
        .route("/messages", get(messages::list))
        .route("/messages/{message}", get(message::show))
        .route("/messages/{message}/retry", post(message::retry))
        .route("/messages/{message}/settle", post(message::settle))
        .route("/conversations/{channel}/{conversation}", get(conversation::show))
        .route("/opt-outs", get(opt_outs::list))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/{webhook}", get(webhooks::show))
        .route("/webhooks/{webhook}/replay", post(webhooks::replay))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{job}/cancel", post(jobs::cancel))
        .route("/favicon.svg", get(favicon))
        .route("/assets/dashboard.css", get(style))
        .route("/assets/dashboard.js", get(script))
        .fallback(async || nothing())
        .with_state(Desk { app: app.clone(), admin })
}

/// What is at an address that leads nowhere.
pub(crate) fn nothing() -> Response {
    Sorry(Problem::not_found("There is nothing at this address.")).into_response()
}

async fn favicon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/favicon.svg"))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/dashboard.css"))
}

async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/dashboard.js"))
}
