//! A name for every request, in each log line about it and in its answer.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Instant;
use tracing::Instrument;

/// The header of the answer that names the request.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names a request. A name that comes along is not taken over: it may be anything, and log lines hold ids of ours alone.
pub(crate) async fn named(request: Request, next: Next) -> Response {
    let id = format!("{:016x}", rand::random::<u64>());
    let (method, began) = (request.method().clone(), Instant::now());
    // The pattern: an address itself may hold what is no id.
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request = id);
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        let status = response.status().as_u16();
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(%method, route, status, took_ms, "answered");
    });
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID.clone(), id);
    }
    response
}
