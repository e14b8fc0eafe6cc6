//! A provider and a helpdesk that answer at once, and note when they were called. What they answer has the form of the
//! vendors' (SignalWire's compatibility API; Front's Channel API, both read 2026-11).

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::net::TcpListener;

/// Messages of a page.
const PAGE: u64 = 500;

/// The double's state.
#[derive(Clone, Default)]
pub(crate) struct Vendors {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    address: Mutex<Option<SocketAddr>>,
    /// Messages taken.
    taken: AtomicU64,
    /// When each text was taken, by our id; kept only while it is wanted.
    noted: Mutex<Option<HashMap<String, Instant>>>,
    /// Messages in the list.
    listed: AtomicU64,
}

impl Vendors {
    /// Starts it.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let vendors = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        *lock(&vendors.inner.address) = Some(listener.local_addr()?);
        let router = Router::new()
            .route("/api/laml/2010-04-01/Accounts/{project}/Messages.json", post(take).get(list))
            .fallback(any(front))
            .with_state(vendors.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(vendors)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        lock(&self.inner.address).map(|address| format!("http://{address}")).unwrap_or_default()
    }

    /// How many messages the provider took.
    pub(crate) fn taken(&self) -> u64 {
        self.inner.taken.load(Ordering::Relaxed)
    }

    /// Notes from now on when each message is taken.
    pub(crate) fn note(&self) {
        *lock(&self.inner.noted) = Some(HashMap::new());
    }

    /// When each message was taken, by our id.
    pub(crate) fn noted(&self) -> HashMap<String, Instant> {
        lock(&self.inner.noted).take().unwrap_or_default()
    }

    /// So many messages of customers are in the provider's list.
    pub(crate) fn list(&self, count: u64) {
        self.inner.listed.store(count, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The provider takes a message.
async fn take(State(vendors): State<Vendors>, body: Bytes) -> Response {
    let now = Instant::now();
    let nth = vendors.inner.taken.fetch_add(1, Ordering::Relaxed);
    let fields: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if let Some(noted) = lock(&vendors.inner.noted).as_mut() {
        let callback = field("StatusCallback").split_once('?').map(|(_, query)| query).unwrap_or_default();
        let ours = form_urlencoded::parse(callback.as_bytes()).next().map(|(_, ours)| ours.into_owned());
        noted.insert(ours.unwrap_or_default(), now);
    }
    let sid = format!("{:08x}-0000-4000-8000-{:012x}", nth >> 32, nth);
    let resource = resource(&sid, "outbound-api", "queued", [field("From"), field("To"), field("Body")]);
    (http::StatusCode::CREATED, Json(resource)).into_response()
}

fn resource(sid: &str, direction: &str, status: &str, [from, to, body]: [&str; 3]) -> Value {
    json!({
        "account_sid": "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13",
        "api_version": "2010-04-01",
        "body": body,
        "num_segments": 1,
        "num_media": 0,
        "date_created": "Mon, 02 Nov 2026 10:00:00 +0000",
        "date_sent": null,
        "date_updated": "Mon, 02 Nov 2026 10:00:00 +0000",
        "direction": direction,
        "error_code": null,
        "error_message": null,
        "from": from,
        "to": to,
        "sid": sid,
        "status": status,
        "price": null,
        "price_unit": "USD",
        "subresource_uris": {},
    })
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "Page", default)]
    page: u64,
}

/// A page of the provider's list: messages of customers that came long ago.
async fn list(State(vendors): State<Vendors>, Query(Asked { page }): Query<Asked>) -> Json<Value> {
    let count = vendors.inner.listed.load(Ordering::Relaxed);
    let (first, past) = (page * PAGE, count.min((page + 1) * PAGE));
    let messages: Vec<Value> = (first..past)
        .map(|nth| {
            let (sid, from) = (format!("11111111-0000-4000-8000-{nth:012x}"), crate::front::person(nth));
            let text = format!("Where is my order {nth}? It was to come yesterday.");
            resource(&sid, "inbound", "received", [&from, "+12015550000", &text])
        })
        .collect();
    let next = (past < count).then(|| {
        let next = page + 1;
        format!("/api/laml/2010-04-01/Accounts/bench/Messages.json?PageSize={PAGE}&Page={next}")
    });
    Json(json!({ "messages": messages, "page": page, "page_size": PAGE, "next_page_uri": next }))
}

/// Front takes whatever comes.
async fn front() -> Response {
    (http::StatusCode::ACCEPTED, Json(json!({ "status": "accepted", "message_uid": "uid" }))).into_response()
}

impl Vendors {
    /// Waits until the provider has taken so many, and gives when the last of them came.
    pub(crate) async fn until_taken(
        &self,
        count: u64,
        patience: std::time::Duration,
    ) -> anyhow::Result<Instant> {
        let waited = async {
            while self.taken() < count {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            Instant::now()
        };
        let there = tokio::time::timeout(patience, waited).await;
        there.with_context(|| format!("{} of {count} messages arrived", self.taken()))
    }
}
