//! What all doubles share: their parts, the log, and answers with faults.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::broadcast;

use crate::dispatch::Outgoing;
use crate::faults::Faults;
use crate::ids::Ids;
use crate::locked;
use crate::misbehaviour::{Fault, Operation};
use crate::outgoing::Delivery;
use crate::serve::{Background, Cut};

/// What is remembered, bounded where a double lives long: the older half goes when it is full.
pub(crate) fn remember<T>(all: &Mutex<Vec<T>>, one: T, most: Option<usize>) {
    let mut all = locked(all);
    if most.is_some_and(|most| all.len() >= most.max(2)) {
        let half = all.len() / 2;
        all.drain(..half);
    }
    all.push(one);
}

/// A request that a double received.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// When the answer was ready.
    pub at: DateTime<Utc>,
    /// What was asked; none for a path the vendor does not have.
    pub operation: Option<Operation>,
    /// The HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The body as sent (lossy when it is not UTF-8).
    pub body: String,
    /// The status answered; none when the connection was closed without an answer.
    pub status: Option<u16>,
    /// The fault that struck.
    pub fault: Option<Fault>,
}

/// Something that has changed in a double, for a page that shows it live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `front`, `signalwire` or `twilio`.
    pub double: &'static str,
    /// What happened: `message`, `status`, `request`, `callback`, `channel` or `complaint`.
    pub kind: &'static str,
    /// The id of what it happened to.
    pub id: String,
}

/// A request being answered.
pub(crate) struct Exchange {
    pub(crate) operation: Option<Operation>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) cut: Cut,
}

/// How a vendor words an error: status, code, text.
pub(crate) type ErrorForm = fn(u16, i64, &str) -> Response;

/// Why a request is refused, before the vendor's own form is put around it.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) message: String,
}

/// A refusal by a vendor that knows error codes.
pub(crate) fn refused(status: u16, code: i64, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into() }
}

pub(crate) struct Core {
    pub(crate) double: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) background: Background,
    pub(crate) faults: Faults,
    pub(crate) client: reqwest::Client,
    pub(crate) ids: Ids,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) log: Mutex<Vec<LoggedRequest>>,
    pub(crate) deliveries: Mutex<Vec<Delivery>>,
    pub(crate) complaints: Mutex<Vec<String>>,
    pub(crate) held: Mutex<Vec<(u64, Outgoing)>>,
    /// Messages whose announcement was answered with 2xx, and when that was first.
    pub(crate) taken: Mutex<HashMap<String, DateTime<Utc>>>,
    /// How many requests and callbacks are remembered.
    pub(crate) remembers: Option<usize>,
}

impl Core {
    pub(crate) fn new(
        double: &'static str,
        address: SocketAddr,
        faults: Faults,
        seed: u64,
        remembers: Option<usize>,
    ) -> std::io::Result<Core> {
        // Every callback on a connection of its own, as from a vendor with many machines.
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Core {
            double,
            address,
            background: Background::default(),
            faults,
            client,
            ids: Ids::new(seed),
            changes: broadcast::channel(1024).0,
            log: Mutex::default(),
            deliveries: Mutex::default(),
            complaints: Mutex::default(),
            held: Mutex::default(),
            taken: Mutex::default(),
            remembers,
        })
    }

    pub(crate) fn changed(&self, kind: &'static str, id: &str) {
        // An error only says that nobody is watching.
        drop(self.changes.send(Change { double: self.double, kind, id: id.to_owned() }));
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.changed("complaint", &complaint);
        locked(&self.complaints).push(complaint);
    }

    fn record(&self, exchange: &Exchange, status: Option<StatusCode>, fault: Option<&Fault>) {
        let request = LoggedRequest {
            at: Utc::now(),
            operation: exchange.operation,
            method: exchange.method.clone(),
            path: exchange.path.clone(),
            body: exchange.body.clone(),
            status: status.map(|status| status.as_u16()),
            fault: fault.cloned(),
        };
        remember(&self.log, request, self.remembers);
        self.changed("request", &exchange.path);
    }

    /// Answers a request, or misbehaves. `accept` does the real work, and only where the fault allows it.
    pub(crate) async fn respond(
        &self,
        exchange: Exchange,
        fault: Option<Fault>,
        form: ErrorForm,
        accept: impl Future<Output = Result<Response, Refusal>>,
    ) -> Response {
        let accept = async {
            let accepted = accept.await;
            accepted.unwrap_or_else(|refusal| form(refusal.status, refusal.code, &refusal.message))
        };
        let response = match &fault {
            None => accept.await,
            Some(Fault::ServerErrorAfter(status)) => {
                drop(accept.await);
                form(*status, 20504, "Internal server error")
            }
            Some(Fault::GarbageAnswer) => garbage(accept.await),
            Some(Fault::CutShort) => cut_short(accept.await).await,
            Some(Fault::Slow(wait)) => {
                let answer = accept.await;
                self.background.pause(*wait).await;
                answer
            }
            Some(Fault::TimeoutAfter(wait)) => {
                drop(accept.await);
                return self.leave(&exchange, fault.as_ref(), *wait).await;
            }
            Some(Fault::TimeoutBefore(wait)) => return self.leave(&exchange, fault.as_ref(), *wait).await,
            Some(Fault::ResetBefore | Fault::ResetAfter) => {
                if fault == Some(Fault::ResetAfter) {
                    drop(accept.await);
                }
                self.record(&exchange, None, fault.as_ref());
                exchange.cut.reset().await;
                return StatusCode::BAD_GATEWAY.into_response();
            }
            Some(fault) => refusal(fault, form),
        };
        self.record(&exchange, Some(response.status()), fault.as_ref());
        response
    }

    async fn leave(&self, exchange: &Exchange, fault: Option<&Fault>, wait: Duration) -> Response {
        self.record(exchange, None, fault);
        self.background.pause(wait).await;
        exchange.cut.close().await;
        StatusCode::BAD_GATEWAY.into_response()
    }
}

fn garbage(accepted: Response) -> Response {
    if !accepted.status().is_success() {
        return accepted;
    }
    let body = Body::from("<html><body>It works!</body></html>");
    let mut response = (accepted.status(), body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// An answer that ends in the middle of what it announced; one without content ends as it should.
async fn cut_short(accepted: Response) -> Response {
    let (mut head, body) = accepted.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    if whole.is_empty() {
        return Response::from_parts(head, Body::empty());
    }
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    Response::from_parts(head, half(&whole))
}

/// The first half goes out before the connection ends.
pub(crate) fn half(whole: &Bytes) -> Body {
    let half = whole.slice(..whole.len() / 2);
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(stream::iter([Ok(half)]).chain(end))
}

fn refusal(fault: &Fault, form: ErrorForm) -> Response {
    match fault {
        Fault::TooManyRequests { retry_after_secs } => {
            let wait =
                format!("Rate limit exceeded. Please retry in {} milliseconds.", retry_after_secs * 1000);
            let mut response = form(429, 20429, &wait);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_secs));
            response
        }
        Fault::ServerErrorBefore(status) => form(*status, 20504, "Internal server error"),
        Fault::Unauthorized => form(401, 20003, "Unauthorized"),
        Fault::Forbidden => form(403, 20003, "Forbidden"),
        Fault::Refuse { status, code, message } => form(*status, *code, message),
        _ => form(500, 20504, "Internal server error"),
    }
}
