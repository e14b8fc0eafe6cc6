//! A channel and the people around it, all invented.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::Value;
use twinwire_connectors::{front::Front, signalwire::SignalWire, twilio::Twilio};
use twinwire_core::caps::Caps;
use twinwire_core::connector::{Channel, Connector, Context};
use twinwire_core::model::{BoundBy, Direction, Message};
use twinwire_core::observe::{AtProvider, Ordered, fold_order, fold_provider};
use twinwire_core::plan::{End, Facts, Policy};
use twinwire_core::setting::{Setting, Settings};

pub(crate) const FRONT: &dyn Connector = &Front;
pub(crate) const SIGNALWIRE: &dyn Connector = &SignalWire;
pub(crate) const TWILIO: &dyn Connector = &Twilio;
pub(crate) const PUBLIC: &str = "https://hooks.example.test";
pub(crate) const OURS: &str = "+12015550123";
pub(crate) const THEIRS: &str = "+12015550188";
pub(crate) const PROJECT: &str = "6e5f2c1a-90d4-4c7b-8f3e-2b1a7d9c4e60";
pub(crate) const ACCOUNT: &str = "AC0f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const SECRET: &str = "hush-app-secret";
pub(crate) const SIGNING_KEY: &str = "PSK_hush";

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).single().unwrap_or_default()
}

pub(crate) fn channel() -> Channel {
    Channel {
        id: "chn_1".to_owned(),
        pair: "front_signalwire".to_owned(),
        address: OURS.to_owned(),
        region: Some("US".to_owned()),
        helpdesk_channel_id: Some("cha_7k2p".to_owned()),
    }
}

/// The answers to all settings of a connector, with the address of its API.
pub(crate) fn settings(connector: &dyn Connector, api: &str) -> Settings {
    let answer = |setting: &Setting| match setting.name {
        "app_secret" => SECRET,
        "signing_key" | "auth_token" => SIGNING_KEY,
        "project" => PROJECT,
        "account_sid" => ACCOUNT,
        "api_url" => api,
        "phone" => OURS,
        _ => setting.default.unwrap_or("acme"),
    };
    connector.settings().iter().map(|setting| (setting.name, answer(setting))).collect()
}

pub(crate) fn context<'a>(
    settings: &'a Settings,
    channel: &'a Channel,
    thread: Option<&'a str>,
) -> Context<'a> {
    Context { channel: Some(channel), settings, thread, files: &[], public_url: PUBLIC, now: now(), nonce: 7 }
}

/// What an agent wrote.
pub(crate) fn ours() -> Message {
    let order = Ordered {
        external_id: format!("msg_1q5x-{THEIRS}"),
        second_choice: None,
        helpdesk_message_id: "msg_1q5x".to_owned(),
        thread: None,
        recipient: THEIRS.to_owned(),
        body: "Hello".to_owned(),
        files: Vec::new(),
        part: twinwire_core::parts::Part::WHOLE,
        data: Value::Null.into(),
        occurred_at: Some(now()),
    };
    fold_order(None, &order, OURS, now())
}

/// What a customer wrote.
pub(crate) fn theirs() -> Message {
    let seen =
        AtProvider { direction: Direction::Inbound, from: THEIRS.into(), to: OURS.into(), ..seen("SM0c5e") };
    fold_provider(None, &seen, BoundBy::Answer, now())
}

/// What we sent, as the provider has it.
pub(crate) fn seen(id: &str) -> AtProvider {
    AtProvider {
        id: id.to_owned(),
        direction: Direction::Outbound,
        from: OURS.to_owned(),
        to: THEIRS.to_owned(),
        body: Some("Hello".to_owned()),
        files: Vec::new(),
        said: None,
        status: None,
        error_code: None,
        error_message: None,
        created_at: Some(now()),
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    }
}

/// Nothing stands in the way.
pub(crate) fn facts(policy: &Policy) -> Facts<'_> {
    let end = |caps: &'static Caps| End { caps, paused_until: None };
    Facts {
        active: true,
        turn: true,
        thread_known: true,
        opted_out: false,
        broken_off: false,
        helpdesk: end(FRONT.caps()),
        provider: end(SIGNALWIRE.caps()),
        policy,
    }
}
