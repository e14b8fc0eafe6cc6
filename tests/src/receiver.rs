//! Another program that takes events: a real server which remembers what it was sent.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use twinwire_engine::outgoing::sign;

/// What the receiver was sent.
#[derive(Clone, Debug)]
pub struct Event {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
    /// The body as it came.
    pub raw: Vec<u8>,
    /// The body.
    pub body: Value,
    /// What was answered.
    pub answered: u16,
}

impl Event {
    /// What happened.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    /// Whether one of its signatures is by that secret.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let secret = [SecretString::from(secret.to_owned())];
        let right = sign::sign(&secret, &self.id, self.timestamp, &self.raw).unwrap();
        self.signature.split(' ').any(|signature| signature == right)
    }
}

#[derive(Default)]
struct Heard {
    events: Vec<Event>,
    status: Option<u16>,
    slow: Duration,
    at_once: usize,
    most_at_once: usize,
}

/// The server.
#[derive(Clone, Default)]
pub struct Receiver {
    heard: Arc<Mutex<Heard>>,
    /// Where it listens.
    pub url: String,
}

impl Receiver {
    /// Starts it. It answers 200 until it is told otherwise.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let receiver = Self { url, ..Self::default() };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    /// Answers with that status from now on.
    ///
    /// # Panics
    /// Never, but for a panic elsewhere.
    pub fn answer(&self, status: u16) {
        self.heard.lock().unwrap().status = Some(status);
    }

    /// Takes that long for each answer from now on.
    ///
    /// # Panics
    /// Never, but for a panic elsewhere.
    pub fn take_time(&self, slow: Duration) {
        self.heard.lock().unwrap().slow = slow;
    }

    /// What it was sent, in the order in which it came.
    ///
    /// # Panics
    /// Never, but for a panic elsewhere.
    pub fn events(&self) -> Vec<Event> {
        self.heard.lock().unwrap().events.clone()
    }

    /// The types of the events that it took, sorted.
    pub fn taken(&self) -> Vec<String> {
        let taken = self.events().into_iter().filter(|event| event.answered == 200);
        let mut kinds: Vec<String> = taken.map(|event| event.kind().to_owned()).collect();
        kinds.sort();
        kinds
    }

    /// The most requests that it had at one moment.
    ///
    /// # Panics
    /// Never, but for a panic elsewhere.
    pub fn most_at_once(&self) -> usize {
        self.heard.lock().unwrap().most_at_once
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, slow) = {
        let mut heard = receiver.heard.lock().unwrap();
        let status = heard.status.unwrap_or(200);
        heard.at_once += 1;
        heard.most_at_once = heard.most_at_once.max(heard.at_once);
        heard.events.push(Event {
            id: header("webhook-id").to_owned(),
            timestamp: header("webhook-timestamp").parse().unwrap_or_default(),
            signature: header("webhook-signature").to_owned(),
            raw: body.to_vec(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            answered: status,
        });
        (status, heard.slow)
    };
    tokio::time::sleep(slow).await;
    receiver.heard.lock().unwrap().at_once -= 1;
    StatusCode::from_u16(status).unwrap()
}
