//! Every test here is a file or a few lines in, and a value out.

mod hook;
mod media;
mod request;
mod response;
mod setup;
mod signature;

use super::Front;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;
use twinwire_core::connector::{Call, Channel, Connector, Context, Reading, Unverified};
use twinwire_core::http::{Answer, Hook, Method, Reply, Request};
use twinwire_core::model::{BoundBy, Direction, Message};
use twinwire_core::observe::{AtHelpdesk, AtProvider, Observation, Ordered, fold_order, fold_provider};
use twinwire_core::outcome::{Done, Outcome, Refusal, RefusalKind};
use twinwire_core::setting::Settings;

const PUBLIC: &str = "https://sms.tern-supply.test";
const NOW_MS: i64 = 1_700_000_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(NOW_MS).unwrap()
}

fn settings() -> Settings {
    [("app_id", "app_uid_1"), ("app_secret", "test_secret")].into_iter().collect()
}

fn channel() -> Channel {
    Channel {
        id: "chn_abc".to_owned(),
        pair: "front_signalwire".to_owned(),
        address: "+12015550100".to_owned(),
        region: Some("US".to_owned()),
        helpdesk_channel_id: Some("cha_7k2p".to_owned()),
    }
}

fn hook<'a>(name: &'a str, body: &'a [u8]) -> Hook<'a> {
    Hook { name, method: "POST", url: PUBLIC, headers: &[], body }
}

fn context<'a>(channel: &'a Channel, settings: &'a Settings) -> Context<'a> {
    Context {
        channel: Some(channel),
        settings,
        thread: Some("cnv_9d3f"),
        files: &[],
        public_url: PUBLIC,
        now: now(),
        nonce: 0xabcd_1234,
    }
}

fn read(body: &str) -> Reading {
    Front.read(&hook("message", body.as_bytes()), &channel(), &settings()).unwrap()
}

fn unreadable(body: &Value) -> String {
    let body = body.to_string();
    Front.read(&hook("message", body.as_bytes()), &channel(), &settings()).unwrap_err().0
}

/// The orders that an event becomes.
fn orders(body: &Value) -> Vec<Ordered> {
    let of = |seen| match seen {
        Observation::Ordered(order) => order,
        other => panic!("{other:?} is no order"),
    };
    read(&body.to_string()).observations.into_iter().map(of).collect()
}

/// The least that is a message, with other members of the payload in their place.
fn message(other: &Value) -> Value {
    let mut payload = json!({
        "id": "msg_1", "text": "Hi", "created_at": 1_700_000_000, "recipients": [{"role": "to", "handle": "+12015550123"}],
    });
    for (key, value) in other.as_object().unwrap() {
        payload[key] = value.clone();
    }
    json!({"type": "message", "payload": payload})
}

fn inbound() -> Message {
    let seen = AtProvider {
        id: "SM0c5e".to_owned(),
        direction: Direction::Inbound,
        from: "+12015550123".to_owned(),
        to: "+12015550100".to_owned(),
        body: Some("Thank you!".to_owned()),
        files: Vec::new(),
        said: None,
        status: None,
        error_code: None,
        error_message: None,
        created_at: DateTime::from_timestamp_millis(1_699_999_990_700),
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    };
    fold_provider(None, &seen, BoundBy::Answer, now())
}

fn outbound() -> Message {
    let seen = Message { direction: Direction::Outbound, ..inbound() };
    Message { sender: "+12015550100".to_owned(), recipient: "+12015550123".to_owned(), ..seen }
}

fn ordered() -> Message {
    let order = &orders(&message(&json!({})))[0];
    fold_order(None, order, "+12015550100", now())
}

fn build(call: &Call<'_>) -> Result<Request, Refusal> {
    let (channel, settings) = (channel(), settings());
    Front.build(call, &context(&channel, &settings))
}

fn sent(call: &Call<'_>) -> (String, Value) {
    let request = build(call).unwrap();
    let header = |name| request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("accept"), Some("application/json"));
    assert_eq!(header("content-type"), (!request.body.is_empty()).then_some("application/json"));
    assert!(header("authorization").unwrap().starts_with("Bearer ey"));
    assert_eq!(request.timeout, Duration::from_secs(30));
    let line = format!("{} {}", request.method.as_str(), request.url);
    (line, serde_json::from_slice(&request.body).unwrap_or_default())
}

fn judge(call: &Call<'_>, reply: &Reply) -> Outcome {
    let (channel, settings) = (channel(), settings());
    Front.judge(call, &context(&channel, &settings), reply)
}

fn http(status: u16, body: &str) -> Reply {
    Reply::Answer(Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

/// An outcome in one word.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(Done::Delivered(_)) => "delivered",
        Outcome::Done(Done::Told) => "told",
        Outcome::Done(Done::Page(_)) => "page",
        Outcome::Done(Done::Files(_)) => "files",
        Outcome::Done(Done::Checked) => "checked",
        Outcome::Done(Done::Hook(_)) => "hook",
        Outcome::Unknown(_) => "unknown",
        Outcome::Refused(refusal) => match refusal.kind {
            RefusalKind::Permanent | RefusalKind::OptedOut => "never",
            RefusalKind::Later => "later",
            RefusalKind::Throttled(_) => "throttled",
            RefusalKind::Credentials => "credentials",
        },
    }
}
