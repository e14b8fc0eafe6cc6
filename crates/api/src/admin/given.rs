//! What comes with a request: the body, the query and the path, with errors in the one form.

use super::problem::Problem;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body, in JSON. None at all is an empty object: what is optional may be left out altogether.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| {
            Problem::new(error.status(), format!("The body did not arrive whole: {}.", error.body_text()))
        })?;
        let body = if body.trim_ascii().is_empty() { b"{}" } else { &body[..] };
        let wrong = |error| Problem::wrong(format!("The body is not as it should be: {error}."));
        let value = serde_json::from_slice(body).map_err(wrong)?;
        // What Postgres cannot hold stands in a body as this escape alone.
        if body.windows(6).any(|part| part == br"\u0000")
            && holds_nul(&serde_json::from_slice(body).map_err(wrong)?)
        {
            return Err(nul("body"));
        }
        Ok(Self(value))
    }
}

/// What is asked for in the query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(nul("query"));
        }
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(value) =
            query.map_err(|error| Problem::wrong(format!("The query is not as it should be: {error}.")))?;
        Ok(Self(value))
    }
}

/// What stands in the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let axum::extract::Path(value) =
            path.map_err(|error| Problem::new(error.status(), format!("{}.", error.body_text())))?;
        Ok(Self(value))
    }
}

/// Nothing at all: for a query or a body in which nothing may be asked, so that what is asked there is not passed over.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

fn nul(place: &str) -> Problem {
    Problem::wrong(format!("The {place} holds a NUL character, which stands in no text."))
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
