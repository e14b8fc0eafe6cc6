//! What comes with a request: the body and the query, with errors in the one form.

use super::problem::Problem;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;

/// The body, in JSON. None at all is an empty object: what is optional may be left out altogether.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        let body =
            body.map_err(|error| Problem::wrong(format!("The body did not arrive whole: {error}.")))?;
        let body = if body.trim_ascii().is_empty() { b"{}" } else { &body[..] };
        let value = serde_json::from_slice(body);
        Ok(Self(value.map_err(|error| Problem::wrong(format!("The body is not as it should be: {error}.")))?))
    }
}

/// What is asked for in the query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(value) =
            query.map_err(|error| Problem::wrong(format!("The query is not as it should be: {error}.")))?;
        Ok(Self(value))
    }
}
