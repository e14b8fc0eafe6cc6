//! Files for providers that fetch them: `/v1/media/{key…}/{name}`, at addresses that we signed.

use crate::App;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use twinwire_engine::media::url::{Named, is_good};

/// What stands in the query of an address.
#[derive(Debug, Deserialize)]
pub(crate) struct Signed {
    #[serde(rename = "type")]
    content_type: String,
    expires: i64,
    signature: String,
}

/// A file. Whoever has the address gets it, for as long as it is good; nothing else in it is believed.
pub(crate) async fn file(
    State(app): State<App>,
    path: Result<Path<(String, String, String, String)>, PathRejection>,
    signed: Result<Query<Signed>, QueryRejection>,
) -> Response {
    let engine = &app.engine;
    // Whoever tries addresses learns nothing from what is wrong with one.
    let (Ok(Path((channel, message, nth, _name))), Ok(Query(signed))) = (path, signed) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Signed { content_type, expires, signature } = signed;
    let named = Named { key: format!("{channel}/{message}/{nth}"), content_type, expires };
    if !is_good(engine.key(), &named, &signature, engine.now()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let body = match engine.media().read(&named.key).await {
        Ok(Some(body)) => body,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a file cannot be served");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let mut response = Response::new(Body::from_stream(body.stream));
    let headers = response.headers_mut();
    let content_type = HeaderValue::try_from(&named.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.size));
    // It is shown in place, as providers want it, and does nothing should a browser open it.
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    response
}
