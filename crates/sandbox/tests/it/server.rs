//! The server under test: answers as it is told, and records what it is sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::support::{KEY, SECRET};

/// A request that the server under test was sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    pub(crate) fn field(&self, name: &str) -> String {
        self.form().into_iter().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
    }

    /// True when the request carries Front's signature of its own bytes (or of `undefined` for none).
    pub(crate) fn is_signed_by_front(&self) -> bool {
        let body = if self.body.is_empty() { "undefined" } else { &self.body };
        let text = format!("{}:{body}", self.header("x-front-request-timestamp"));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        self.header("x-front-signature") == STANDARD.encode(mac.finalize().into_bytes())
    }

    /// True when the request carries the provider's signature of this URL and its own fields.
    pub(crate) fn is_signed_by_signalwire(&self, url: &str) -> bool {
        self.header("x-signalwire-signature") == self.signature_of(url)
    }

    /// The same in Twilio's header.
    pub(crate) fn is_signed_by_twilio(&self, url: &str) -> bool {
        self.header("x-twilio-signature") == self.signature_of(url)
    }

    fn signature_of(&self, url: &str) -> String {
        let mut fields = self.form();
        fields.sort();
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(url.as_bytes());
        for (name, value) in fields {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

type Reply = (u16, &'static str, String);
type Reaction = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The server under test.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    reaction: Arc<Mutex<Arc<Reaction>>>,
}

impl Server {
    pub(crate) async fn start(reaction: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let reaction: Arc<Reaction> = Arc::new(reaction);
        let server = Server { url, seen: Arc::default(), reaction: Arc::new(Mutex::new(reaction)) };
        let router = Router::new().fallback(take).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    /// Answers everything as Twinwire would.
    pub(crate) async fn polite() -> Server {
        let server = Server::start(|_| (500, "text/plain", String::new())).await;
        let hook = format!("{}/hook", server.url);
        server.react(move |seen| polite(&hook, seen));
        server
    }

    pub(crate) fn react(&self, reaction: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        *self.reaction.lock().unwrap() = Arc::new(reaction);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The JSON requests of a type, in order.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<Seen> {
        let is =
            |seen: &Seen| serde_json::from_str::<Value>(&seen.body).is_ok_and(|body| body["type"] == kind);
        self.seen().into_iter().filter(is).collect()
    }

    /// The statuses called back, in order of arrival.
    pub(crate) fn statuses(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.field("MessageStatus")).filter(|text| !text.is_empty()).collect()
    }
}

async fn take(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    };
    server.seen.lock().unwrap().push(seen.clone());
    let reaction = Arc::clone(&server.reaction.lock().unwrap());
    let (status, kind, body) = reaction(&seen);
    (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body).into_response()
}

fn polite(hook: &str, seen: &Seen) -> Reply {
    let Ok(body) = serde_json::from_str::<Value>(&seen.body) else {
        return (200, "text/xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>".into());
    };
    let answer = match body["type"].as_str().unwrap_or_default() {
        "authorization" => json!({ "type": "success", "webhook_url": hook }),
        "message" | "message_autoreply" => {
            let payload = &body["payload"];
            let to = payload["recipients"][1]["handle"].as_str().unwrap_or_default();
            let id = payload["message_uid"].as_str().unwrap();
            json!({ "type": "success", "external_id": id, "external_conversation_id": format!("with {to}") })
        }
        _ => json!({ "type": "success" }),
    };
    (200, "application/json", answer.to_string())
}
