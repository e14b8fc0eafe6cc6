//! Hooks: signed as the vendor signs, they are believed, read and folded; changed in any way, they are refused.

use super::files;
use super::input::{Input, lines, split};
use super::rules;
use super::world::{
    ACCOUNT, FRONT, OURS, PROJECT, PUBLIC, SECRET, SIGNALWIRE, SIGNING_KEY, TWILIO, channel, now, settings,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use twinwire_core::connector::{Connector, Reading, Unreadable, Unverified};
use twinwire_core::http::Hook;
use twinwire_core::model::{Direction, Message, Side};
use twinwire_core::observe::{AtProvider, Observation, fold_order};
use twinwire_core::setting::Settings;

const API: &str = "https://api.example.test";

/// One of Front's events, by any of our routes. Options: route, method, age, unit of time, place of a flipped bit.
pub(crate) fn front(event: &str, data: &[u8]) {
    let (mut options, body) = split(data);
    let name = options.pick(&["message", "authorization", "channel"]);
    let method = options.pick(&["POST", "DELETE"]);
    let signed_at = now() + TimeDelta::seconds(options.pick(&[0, 300, -300]));
    let millis = signed_at.timestamp_millis();
    let timestamp = if options.flag() { (millis / 1000).to_string() } else { millis.to_string() };
    let flip = options.number();
    // As it came, and once more with the type of this target, so that what is tried is what the target is about.
    let mut bodies = vec![body.to_vec()];
    if let Ok(Value::Object(mut envelope)) = serde_json::from_slice(body) {
        envelope.insert("type".to_owned(), event.into());
        bodies.push(Value::Object(envelope).to_string().into_bytes());
    }
    for body in &bodies {
        let headers = front_headers(SECRET, &timestamp, body);
        let hook = Hook { name, method, url: PUBLIC, headers: &headers, body };
        let set_up = settings(FRONT, API);
        assert_eq!(FRONT.verify(&hook, &set_up, now()), Ok(()), "a genuine hook is refused");
        only_front(&hook, &set_up, flip);
        match read(FRONT, &hook, &set_up) {
            Ok(reading) => front_read(&hook, &reading),
            Err(why) => front_unreadable(&hook, &why),
        }
    }
}

pub(crate) fn front_headers(secret: &str, timestamp: &str, body: &[u8]) -> Vec<(String, String)> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| unreachable!());
    mac.update(&[timestamp.as_bytes(), b":", body].concat());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    vec![
        ("x-front-signature".to_owned(), signature),
        ("x-front-request-timestamp".to_owned(), timestamp.to_owned()),
    ]
}

fn only_front(hook: &Hook<'_>, set_up: &Settings, flip: u16) {
    let refused = |hook: &Hook<'_>, about: &str| {
        assert!(FRONT.verify(hook, set_up, now()).is_err(), "believed: {about}");
    };
    refused(&Hook { headers: &[], ..*hook }, "not signed");
    refused(&Hook { headers: &hook.headers[..1], ..*hook }, "without a time");
    refused(&Hook { body: &flipped(hook.body, flip), ..*hook }, "another body");
    let timestamp = &hook.headers[1].1;
    refused(&Hook { headers: &front_headers("another", timestamp, hook.body), ..*hook }, "another key");
    let mut other_time = hook.headers.to_vec();
    other_time[1].1.push('0');
    refused(&Hook { headers: &other_time, ..*hook }, "another time");
    for minutes in [-11, 11] {
        let then = now() + TimeDelta::minutes(minutes);
        assert_eq!(FRONT.verify(hook, set_up, then), Err(Unverified::Stale));
    }
    assert_eq!(FRONT.verify(hook, &Settings::default(), now()), Err(Unverified::NoKey));
}

/// One bit is another, or a byte more where there is none.
fn flipped(body: &[u8], flip: u16) -> Vec<u8> {
    let mut body = body.to_vec();
    let length = body.len().max(1);
    match body.get_mut(usize::from(flip) % length) {
        Some(byte) => *byte ^= 1 << (flip % 8),
        None => body.push(b' '),
    }
    body
}

/// Reading is the same every time, and what is read holds by all the rules.
fn read(connector: &dyn Connector, hook: &Hook<'_>, set_up: &Settings) -> Result<Reading, Unreadable> {
    let reading = connector.read(hook, &channel(), set_up);
    assert_eq!(reading, connector.read(hook, &channel(), set_up), "read again, it says something else");
    if let Ok(reading) = &reading {
        rules::text(&reading.event);
        assert!(!reading.event.trim().is_empty(), "an event without a name");
        rules::all(&reading.observations);
    }
    reading
}

fn front_read(hook: &Hook<'_>, reading: &Reading) {
    let is_order = |seen: &Observation| matches!(seen, Observation::Ordered(_));
    let orders = reading.observations.iter().filter(|seen| is_order(seen)).count();
    let fits = |event: &str| match event {
        "authorization" => matches!(reading.observations[..], [Observation::Connected { .. }]),
        "message" | "message_autoreply" => orders > 0 && orders == reading.observations.len(),
        "message_imported" => matches!(reading.observations[..], [] | [Observation::AtHelpdesk(_)]),
        "delete" => matches!(reading.observations[..], [] | [Observation::Disconnected]),
        _ => reading.observations.is_empty(),
    };
    assert!(fits(&reading.event), "{}: {:?}", reading.event, reading.observations);

    for seen in &reading.observations {
        if let Observation::Ordered(order) = seen {
            files::read(FRONT, API, &order.files);
        }
    }
    let rows: Vec<Message> = reading.observations.iter().filter_map(row).collect();
    let answer = FRONT.answer(hook, reading, &channel(), &rows, PUBLIC);
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    assert_eq!((answer.status, &said["type"]), (200, &json!("success")));
    let named = rows.first().map_or(Value::Null, |row| row.external_id.clone().into());
    assert_eq!(said["external_id"], named, "Front has to know our id of the first message");
    let conversation = rows.first().map_or(Value::Null, |row| row.conversation.clone().into());
    assert_eq!(said["external_conversation_id"], conversation);
    let url = said["webhook_url"].as_str().unwrap_or_default();
    let ours = url.starts_with(&format!("{PUBLIC}/v1/install/front_signalwire/"));
    assert_eq!(ours, reading.event == "authorization", "{url:?}");
}

fn row(seen: &Observation) -> Option<Message> {
    let Observation::Ordered(order) = seen else { return None };
    Some(fold_order(None, order, OURS, now()))
}

/// The agent is told what to do, in Front's form.
fn front_unreadable(hook: &Hook<'_>, Unreadable(why): &Unreadable) {
    assert!(!why.trim().is_empty(), "refused without a word");
    let answer = FRONT.error(hook, 400, why);
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    assert_eq!((answer.status, said["message"].as_str()), (400, Some(&**why)));
}

/// How a provider signs its hooks.
pub(crate) struct Signer {
    pub(crate) connector: &'static dyn Connector,
    /// The header with the signature.
    header: &'static str,
    /// The account that is set up.
    account: &'static str,
    /// Names and values of a form as they are signed.
    fields: fn(&[u8]) -> String,
}

pub(crate) const BY_SIGNALWIRE: Signer =
    Signer { connector: SIGNALWIRE, header: "x-signalwire-signature", account: PROJECT, fields: in_order };
pub(crate) const BY_TWILIO: Signer =
    Signer { connector: TWILIO, header: "x-twilio-signature", account: ACCOUNT, fields: different };

/// One of a provider's hooks. Options: content type, port, place of a flipped bit. Then a line with the query.
pub(crate) fn provider(signer: &Signer, name: &str, data: &[u8]) {
    let ([options, query], body) = lines::<2>(data);
    let mut options = Input(options.as_bytes());
    let form = "application/x-www-form-urlencoded";
    let content_type = options.pick(&[Some(form), Some("application/json"), None]);
    let port = options.pick(&["", ":8443"]);
    let flip = options.number();
    let is_form = content_type.is_none_or(|kind| kind == form);
    let url = url(signer.connector.name(), port, &query, if is_form { None } else { Some(body) });
    let mut headers = signer.headers(SIGNING_KEY, &url, if is_form { body } else { b"" });
    headers.extend(content_type.map(|kind| ("content-type".to_owned(), kind.to_owned())));
    let hook = Hook { name, method: "POST", url: &url, headers: &headers, body };
    let (connector, set_up) = (signer.connector, settings(signer.connector, API));
    let other = names_another_account(signer.account, is_form, body);
    let expected = if other { Err(Unverified::OtherAccount) } else { Ok(()) };
    assert_eq!(connector.verify(&hook, &set_up, now()), expected, "signed as it should be");
    only_signed(signer, &hook, &set_up, is_form, flip);
    match read(connector, &hook, &set_up) {
        Ok(reading) => provider_read(connector, &hook, &reading),
        Err(Unreadable(why)) => assert!(!why.trim().is_empty(), "refused without a word"),
    }
    quiet(connector, &hook);
}

/// A URL as a vendor may call: what cannot stand in one is left out of the query.
fn url(vendor: &str, port: &str, query: &str, hashed: Option<&[u8]>) -> String {
    let mut query: String = query.chars().filter(|c| c.is_ascii_graphic() && *c != '#').collect();
    if let Some(body) = hashed {
        let mut hash = String::new();
        for byte in Sha256::digest(body) {
            write!(hash, "{byte:02x}").unwrap_or_default();
        }
        query = format!("bodySHA256={hash}&{query}");
    }
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{PUBLIC}{port}/v1/hooks/{vendor}/chn_1/status{mark}{query}")
}

impl Signer {
    pub(crate) fn headers(&self, key: &str, url: &str, form: &[u8]) -> Vec<(String, String)> {
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| unreachable!());
        mac.update(url.as_bytes());
        mac.update((self.fields)(form).as_bytes());
        vec![(self.header.to_owned(), STANDARD.encode(mac.finalize().into_bytes()))]
    }
}

/// Names and values by the bytes of the names; a name that comes again keeps its order.
fn in_order(form: &[u8]) -> String {
    let mut fields: Vec<_> = form_urlencoded::parse(form).collect();
    fields.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
    fields.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]).collect()
}

/// Names and values by their bytes, each pair once.
fn different(form: &[u8]) -> String {
    let mut fields: Vec<_> = form_urlencoded::parse(form).collect();
    fields.sort();
    fields.dedup();
    fields.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]).collect()
}

fn names_another_account(ours: &str, is_form: bool, body: &[u8]) -> bool {
    // A NUL in a name or value is taken out before it is looked at.
    let plain = |text: &str| text.replace('\0', "");
    if is_form {
        return form_urlencoded::parse(body)
            .filter(|(name, _)| plain(name) == "AccountSid")
            .any(|(_, account)| !plain(&account).eq_ignore_ascii_case(ours));
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return false };
    let named = fields.into_iter().rfind(|(name, _)| plain(name) == "AccountSid");
    let differs = |value: &Value| !plain(value.as_str().unwrap_or_default()).eq_ignore_ascii_case(ours);
    match named.map(|(_, value)| value) {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => values.iter().any(differs),
        Some(value) => differs(&value),
    }
}

fn only_signed(signer: &Signer, hook: &Hook<'_>, set_up: &Settings, is_form: bool, flip: u16) {
    let connector = signer.connector;
    let refused = |hook: &Hook<'_>, about: &str| {
        assert!(connector.verify(hook, set_up, now()).is_err(), "believed: {about}");
    };
    let with = |signature: Vec<(String, String)>| {
        let rest = hook.headers.iter().filter(|(name, _)| name == "content-type").cloned();
        signature.into_iter().chain(rest).collect::<Vec<_>>()
    };
    refused(&Hook { headers: &with(Vec::new()), ..*hook }, "not signed");
    let form = if is_form { hook.body } else { b"" };
    refused(&Hook { headers: &with(signer.headers("PSK_other", hook.url, form)), ..*hook }, "another key");
    refused(&Hook { url: &hook.url.replace("/chn_1/", "/chn_2/"), ..*hook }, "another channel");
    let body = flipped(hook.body, flip);
    // The signature covers what a form says: two ways to write the same are the same.
    if !is_form || (signer.fields)(&body) != (signer.fields)(hook.body) {
        refused(&Hook { body: &body, ..*hook }, "another body");
    }
    assert_eq!(connector.verify(hook, &Settings::default(), now()), Err(Unverified::NoKey));
}

fn provider_read(connector: &dyn Connector, hook: &Hook<'_>, reading: &Reading) {
    assert_eq!(reading.event, hook.name);
    let [Observation::AtProvider(seen)] = &reading.observations[..] else { panic!("one hook, one message") };
    let AtProvider { direction, status, data, reference, created_at, .. } = seen;
    assert_eq!(created_at, &None, "hooks carry no time");
    files::read(connector, API, &seen.files);
    match hook.name {
        "inbound" => {
            assert_eq!(*direction, Direction::Inbound);
            assert!(status.is_some() && data.is_some() && reference.is_none());
        }
        _ => {
            assert_eq!((*direction, data), (Direction::Outbound, &None));
            let (_, query) = hook.url.split_once('?').unwrap_or_default();
            let ours = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ref");
            let ours = ours.map(|(_, value)| value.replace('\0', "")).filter(|value| !value.is_empty());
            assert_eq!(*reference, ours);
        }
    }
    let answer = connector.answer(hook, reading, &channel(), &[], PUBLIC);
    assert!(answer.is_success());
}

/// Whatever we answer to the hook for messages could reach the customer: it says nothing, error or not.
fn quiet(connector: &dyn Connector, hook: &Hook<'_>) {
    let error = connector.error(hook, 503, "<Message>hush</Message>");
    assert_eq!(error.status, 503);
    if hook.name == "inbound" {
        let taken = connector.answer(hook, &Reading::default(), &channel(), &[], PUBLIC);
        assert_eq!((error.body.as_slice(), connector.side()), (taken.body.as_slice(), Side::Provider));
        let script = String::from_utf8_lossy(&error.body);
        assert!(script.ends_with("<Response/>") && !script.contains("hush"), "{script}");
    }
}
