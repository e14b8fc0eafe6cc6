//! One page on which a person plays both ends: a customer's phone beside the agent's inbox, and the rows between them.
//!
//! [`state`] is what it shows, [`live`] says when that has changed, [`acts`] is what can be done on it, [`misbehaviour`]
//! is what goes wrong next; [`files`] are pictures.

mod acts;
mod files;
mod live;
mod misbehaviour;
mod state;

use super::cast::Cast;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use live::Live;
use misbehaviour::Misbehaviour;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpListener;

/// Where it listens unless it is told otherwise, or something else listens there.
pub(super) const USUAL: &str = "127.0.0.1:8090";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
/// What the page is made of: path, type and text.
const FILES: [(&str, &str, &str); 10] = [
    ("/", HTML, include_str!("page.html")),
    ("/page.js", SCRIPT, include_str!("page.js")),
    ("/draw.js", SCRIPT, include_str!("draw.js")),
    ("/shared.js", SCRIPT, include_str!("shared.js")),
    ("/files.js", SCRIPT, include_str!("files.js")),
    ("/page.css", STYLE, include_str!("page.css")),
    ("/phone.css", STYLE, include_str!("phone.css")),
    ("/inbox.css", STYLE, include_str!("inbox.css")),
    ("/files.css", STYLE, include_str!("files.css")),
    ("/table.css", STYLE, include_str!("table.css")),
];

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Unless an answer has its own.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What every route has.
#[derive(Clone)]
struct Shared {
    cast: Cast,
    live: Live,
    misbehaviour: Misbehaviour,
}

/// A page that is about to be served.
pub(super) struct Page {
    pub(super) address: SocketAddr,
    listener: TcpListener,
    shared: Shared,
}

impl Page {
    /// Takes its address; any free port of it when something else listens there.
    pub(super) async fn start(cast: Cast, address: SocketAddr) -> std::io::Result<Self> {
        let listener = match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                TcpListener::bind((address.ip(), 0)).await?
            }
            bound => bound?,
        };
        let misbehaviour = Misbehaviour::new(&cast);
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            shared: Shared { cast, live: Live::default(), misbehaviour },
        })
    }

    /// Serves it for as long as the future is kept.
    pub(super) async fn serve(self) -> std::io::Result<()> {
        let (live, cast) = (self.shared.live.clone(), self.shared.cast.clone());
        tokio::select! {
            ended = axum::serve(self.listener, router(self.shared)).into_future() => ended,
            () = live.watch(&cast) => Ok(()),
        }
    }
}

fn router(shared: Shared) -> Router {
    let mut router = Router::new();
    for (path, kind, text) in FILES {
        router = router.route(path, get(async move || ([(header::CONTENT_TYPE, kind)], text)));
    }
    router
        .route("/state", get(state::show))
        .route("/events", get(live::events))
        .route("/customer", post(acts::customer))
        .route("/agent", post(acts::agent))
        .route("/misbehave", post(acts::misbehave))
        .route("/backfill", post(acts::backfill))
        .route("/files/{at}/{message}/{nth}", get(files::serve))
        .layer(DefaultBodyLimit::max(files::LONGEST_REQUEST))
        .layer(from_fn(guard))
        .with_state(shared)
}

/// Other sites in the same browser must neither read nor drive it.
async fn guard(request: Request, next: Next) -> Response {
    if !is_own(request.headers()) {
        return (StatusCode::FORBIDDEN, "this page only answers to itself").into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// A name other than `localhost` could be anybody's and point here; an address cannot. And what a page of another
/// origin asks for is not asked by a person in front of this one.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(host) = text("host") else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let local = name == "localhost" || name.parse::<IpAddr>().is_ok();
    let same = text("origin").is_none_or(|origin| origin == format!("http://{host}"));
    let near = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    local && same && near
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        is_own(&pairs.collect())
    }

    #[test]
    fn only_the_page_itself_is_answered() {
        assert!(asks(&[("host", "127.0.0.1:8090")]));
        assert!(asks(&[("host", "localhost:8090"), ("origin", "http://localhost:8090")]));
        assert!(asks(&[("host", "[::1]:8090"), ("sec-fetch-site", "same-origin")]));
        assert!(!asks(&[]));
        assert!(!asks(&[("host", "evil.example:8090")]));
        assert!(!asks(&[("host", "127.0.0.1:8090"), ("origin", "http://evil.example")]));
        assert!(!asks(&[("host", "127.0.0.1:8090"), ("origin", "null")]));
        assert!(!asks(&[("host", "127.0.0.1:8090"), ("sec-fetch-site", "cross-site")]));
    }
}
