//! Playing both ends: a route on this machine, and the commands that ask it.

use super::{CUSTOMER, NUMBER};
use crate::Failure;
use anyhow::{Context, anyhow};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use twinwire_sandbox::front::ConnectError;
use twinwire_sandbox::{Front, SignalWire};

/// A page of another site cannot send this header unasked.
const HEADER: &str = "x-twinwire-sandbox";
/// How long an act may take: Front waits seven seconds for the server's answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What somebody does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// Front's user pastes a key.
    Connect(String),
    /// The customer texts.
    Customer(String),
    /// The agent writes.
    Agent(String),
    /// Somebody looks.
    Show,
}

/// What is there afterwards.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The channel that was connected.
    pub(super) connected: Option<String>,
    /// What stands in Front, in order.
    pub(super) in_front: Vec<String>,
    /// What the customer's phone shows, in order.
    pub(super) on_the_phone: Vec<String>,
}

/// The doubles.
#[derive(Clone)]
pub(super) struct Control {
    pub(super) front: Front,
    pub(super) signalwire: SignalWire,
    /// Where Twinwire is.
    pub(super) server: String,
}

pub(super) fn router(control: Control) -> Router {
    Router::new().route("/", post(act)).with_state(control)
}

async fn act(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(act): Json<Act>,
) -> Result<Json<Seen>, (StatusCode, String)> {
    if !headers.contains_key(HEADER) {
        return Err((StatusCode::FORBIDDEN, "only `twinwire sandbox` is answered".to_owned()));
    }
    control.act(act).await.map(Json).map_err(|words| (StatusCode::CONFLICT, words))
}

/// What a user of Front would see.
fn refused(error: &ConnectError) -> String {
    match error {
        ConnectError::Refused { answer } if answer.status == Some(401) => {
            "Twinwire does not know this key; `twinwire setup key show <channel>` prints it.".to_owned()
        }
        ConnectError::Refused { answer } if answer.status.is_none() => {
            "Front does not reach Twinwire; does `twinwire serve` run?".to_owned()
        }
        error => format!("Front could not connect the channel: {error}"),
    }
}

impl Control {
    async fn act(&self, act: Act) -> Result<Seen, String> {
        let mut connected = None;
        match act {
            Act::Connect(key) => {
                self.front
                    .set_server_url(&format!("{}/v1/install/front_signalwire/authorization", self.server));
                let channel = self.front.connect(key.trim()).await.map_err(|error| refused(&error))?;
                connected = Some(channel.id);
            }
            Act::Customer(text) => {
                self.signalwire.customer_texts(CUSTOMER, NUMBER, &text).await;
            }
            Act::Agent(text) => {
                let channel =
                    self.channel().ok_or("no channel is connected yet: twinwire sandbox connect")?;
                let sent = self.front.agent_writes(&channel, &[CUSTOMER], &text).await;
                sent.map_err(|error| format!("Front could not send it: {error}"))?;
            }
            Act::Show => {}
        }
        Ok(self.seen(connected))
    }

    fn channel(&self) -> Option<String> {
        self.front.channels().pop().map(|channel| channel.id)
    }

    fn seen(&self, connected: Option<String>) -> Seen {
        let in_front = self.channel().map(|channel| self.front.messages(&channel, CUSTOMER));
        let from = |is_inbound| if is_inbound { "customer" } else { "agent" };
        let told = |error: &Option<String>| {
            error.as_ref().map(|words| format!(" (not delivered: {words})")).unwrap_or_default()
        };
        let in_front = in_front.unwrap_or_default().into_iter();
        let texts = self.signalwire.messages().into_iter();
        let arrives = |status: &str| !["failed", "undelivered"].contains(&status);
        let mut texts: Vec<_> = texts
            .filter(|text| text.from == CUSTOMER || (text.to == CUSTOMER && arrives(&text.status)))
            .collect();
        texts.sort_by_key(|text| text.date_created);
        Seen {
            connected,
            in_front: in_front
                .map(|one| format!("{}: {}{}", from(one.is_inbound), one.text, told(&one.error)))
                .collect(),
            on_the_phone: texts
                .iter()
                .map(|one| format!("{}: {}", from(one.from == CUSTOMER), one.body))
                .collect(),
        }
    }
}

/// Asks the sandbox that runs on this machine.
pub(super) async fn ask(url: &str, act: &Act) -> Result<Seen, Failure> {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let request = client.post(url).header(HEADER, "1").header("content-type", "application/json");
    let sent = request.body(serde_json::to_vec(act)?).send().await;
    let answer = sent
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("no sandbox answers at {url}: start `twinwire sandbox` in this folder"))?;
    let (status, body) = (answer.status(), answer.bytes().await?);
    if !status.is_success() {
        return Err(Failure::Failed(anyhow!("{}", String::from_utf8_lossy(&body))));
    }
    Ok(serde_json::from_slice(&body)?)
}
