//! Errors of the admin API: one body everywhere, which says what is wrong and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use twinwire_engine::Error;
use twinwire_store::pool::ASKED_WITHIN;
use utoipa::ToSchema;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong, in a sentence.
    #[schema(example = "There is no channel chn_unknown.")]
    pub error: String,
    /// What to do about it, often the next command; it may be of several lines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "`twinwire channels` lists them.")]
    pub hint: Option<String>,
}

/// An answer that is an error.
///
/// 400: asked wrongly. 401 and 403: the token. 404: it is not there. 409: it is not in a state for that. 429: too many
/// wrong tokens came from there. 503: the database is away or too slow; ask again.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    body: ErrorBody,
    /// In how many seconds one may ask again.
    later: Option<u64>,
}

impl Problem {
    /// An error without a hint.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, body: ErrorBody { error: error.into(), hint: None }, later: None }
    }

    /// It was asked wrongly.
    pub fn wrong(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// It is not there.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// It is not in a state for that.
    pub fn conflict(error: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, error)
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, in a sentence.
    pub(crate) fn words(&self) -> &str {
        &self.body.error
    }

    /// Too much was asked, and more may be in a while.
    pub(crate) fn later(wait: Duration, error: impl Into<String>) -> Self {
        Self { later: Some(wait.as_secs() + 1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, error) }
    }

    /// In how many seconds one may ask again, where it was too much.
    pub(crate) fn seconds(&self) -> Option<u64> {
        self.later
    }

    /// What to do about it.
    pub(crate) fn hinted(&self) -> Option<&str> {
        self.body.hint.as_deref()
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a request of an operator failed");
        if error.is_outage() {
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "The database cannot be reached.")
                .hint("Ask again in a minute; /statusz says whether it is back.");
        }
        if error.is_too_slow() {
            return Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("The database took longer than {} seconds for it.", ASKED_WITHIN.as_secs()),
            )
            .hint("Ask for less, say one channel, a shorter time or a lower limit; or ask again later.");
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error; the log says more.")
    }
}

impl From<twinwire_store::Error> for Problem {
    fn from(error: twinwire_store::Error) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.later {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The result of a handler.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;
