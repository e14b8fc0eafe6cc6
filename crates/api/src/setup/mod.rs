//! The set-up of a channel for browsers and for programs: the same steps as in the terminal.
//!
//! * [`json`] — `/v1/setup`, with the admin token; [`forms`] is what it takes and gives.
//! * [`page`] — `/v1/install/{pair}/setup`, with the admin token or a link that works once.

pub mod forms;
pub(crate) mod json;
mod page;
mod templates;
mod visitor;

use crate::App;
use crate::admin::problem::Problem;
use crate::web::asset;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use twinwire_engine::setup::SetupError;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/setup/assets/style.css", get(style))
        .route("/v1/setup/assets/script.js", get(script))
        .route("/v1/install/{pair}/setup", get(page::show).post(page::act))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/setup.css"))
}

async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/setup.js"))
}

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        let words = error.to_string();
        match error {
            SetupError::Missing(name, _) => {
                Self::wrong(words).hint(format!("On the command line: --set {name}=…"))
            }
            SetupError::Refused(..) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, words),
            SetupError::NoPair(..) | SetupError::NoSetup(_) | SetupError::NoChannel(_) => {
                Self::not_found(words)
            }
            SetupError::Overtaken | SetupError::Shared(_) => Self::conflict(words),
            SetupError::Unreachable(..) => Self::new(StatusCode::BAD_GATEWAY, words),
            SetupError::Unknown(..) | SetupError::MissingInstallation(..) | SetupError::Invalid(_) => {
                Self::wrong(words)
            }
            SetupError::Engine(error) => error.into(),
        }
    }
}
