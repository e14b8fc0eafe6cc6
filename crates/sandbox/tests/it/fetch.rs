//! A client that fetches files, one step at a time.

use axum::http::HeaderMap;

/// The status, the headers, and the bytes as far as they came.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) whole: bool,
}

/// Fetches without following redirects, and no more than two megabytes.
pub(crate) async fn fetch(url: &str, auth: &str) -> Option<Fetched> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let mut request = client.build().unwrap().get(url);
    if !auth.is_empty() {
        request = request.header("authorization", auth);
    }
    let mut response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let (mut bytes, mut whole) = (Vec::new(), false);
    while bytes.len() < 2_000_000 {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend(chunk),
            Ok(None) => whole = true,
            Err(_) => break,
        }
        if whole {
            break;
        }
    }
    Some(Fetched { status, headers, bytes, whole })
}

pub(crate) fn location(fetched: &Fetched) -> &str {
    fetched.headers["location"].to_str().unwrap()
}
