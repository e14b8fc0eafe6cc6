//! Every test here is a file or a few lines in, and a value out.

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

// --- verify ---------------------------------------------------------------------------------------------------------

fn verified(
    method: &str,
    body: &[u8],
    headers: &[(&str, &str)],
    at: DateTime<Utc>,
) -> Result<(), Unverified> {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let hook = Hook { name: "message", method, url: PUBLIC, headers: &headers, body };
    Front.verify(&hook, &settings(), at)
}

fn signed(method: &str, body: &[u8], signature: &str) -> Result<(), Unverified> {
    let headers = [("x-front-signature", signature), ("x-front-request-timestamp", "1700000000000")];
    verified(method, body, &headers, now())
}

fn sign(timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"test_secret").unwrap();
    mac.update(&[timestamp.as_bytes(), b":", body].concat());
    STANDARD.encode(mac.finalize().into_bytes())
}

const AUTHORIZATION: &[u8] = br#"{"type":"authorization","payload":{"channel_id":"cha_1"}}"#;
const AUTHORIZATION_SIGNED: &str = "eJa3lC5gc1Uq91IOUv8vp3TSoaDYU0Vm3mwCOOUoJpQ=";
const UNDEFINED_SIGNED: &str = "LzWy/aY6I7JlVmudWJFOiufaqLOHs63AwZK+8yi7+70=";
const EMPTY_SIGNED: &str = "6p5dXeigPj7Y9WyhmKA3IM+i6s1C2ggxBTPOj5zICfU=";

#[test]
fn known_signatures_are_accepted() {
    let emoji =
        "{\"type\":\"message\",\"payload\":{\"id\":\"msg_1\",\"text\":\"h\u{e9} \u{1f600}\"}}".as_bytes();
    assert_eq!(emoji.len(), 61);
    for (method, body, signature) in [
        ("POST", AUTHORIZATION, AUTHORIZATION_SIGNED),
        ("POST", emoji, "2eiBBZUGL242v0WN3YizT/LaWMyPn/yHwEaRxC5rr7c="),
        ("DELETE", b"", UNDEFINED_SIGNED),
        ("DELETE", b"", EMPTY_SIGNED),
        ("GET", b"", UNDEFINED_SIGNED),
        ("DELETE", AUTHORIZATION, AUTHORIZATION_SIGNED),
    ] {
        assert_eq!(signed(method, body, signature), Ok(()), "{method} {signature}");
    }
}

#[test]
fn a_signature_of_anything_else_is_invalid() {
    for (method, body, signature) in [
        ("POST", AUTHORIZATION, EMPTY_SIGNED),
        ("POST", b"{}".as_slice(), AUTHORIZATION_SIGNED),
        ("POST", b"", UNDEFINED_SIGNED),
        ("DELETE", AUTHORIZATION, UNDEFINED_SIGNED),
        ("DELETE", b"", AUTHORIZATION_SIGNED),
        ("POST", AUTHORIZATION, "not base64!"),
        ("POST", AUTHORIZATION, "eJa3lC5gc1Uq91IOUv8v"),
        ("POST", AUTHORIZATION, &AUTHORIZATION_SIGNED.to_lowercase()),
    ] {
        assert_eq!(signed(method, body, signature), Err(Unverified::Invalid), "{method} {signature}");
    }
}

#[test]
fn the_timestamp_is_signed_as_it_is_written() {
    let headers =
        [("x-front-signature", AUTHORIZATION_SIGNED), ("x-front-request-timestamp", "1700000000001")];
    assert_eq!(verified("POST", AUTHORIZATION, &headers, now()), Err(Unverified::Invalid));
}

#[test]
fn a_missing_part_is_missing() {
    for headers in [
        vec![],
        vec![("x-front-signature", AUTHORIZATION_SIGNED)],
        vec![("x-front-request-timestamp", "1700000000000")],
        vec![("x-front-signature", ""), ("x-front-request-timestamp", "1700000000000")],
        vec![("x-front-signature", AUTHORIZATION_SIGNED), ("x-front-request-timestamp", " ")],
    ] {
        assert_eq!(verified("POST", AUTHORIZATION, &headers, now()), Err(Unverified::Missing), "{headers:?}");
    }
}

#[test]
fn a_request_is_good_for_five_minutes_either_way_in_either_unit() {
    for (timestamp, seconds, expected) in [
        ("1700000000000", 0, Ok(())),
        ("1700000000000", 300, Ok(())),
        ("1700000000000", -300, Ok(())),
        ("1700000000000", 301, Err(Unverified::Stale)),
        ("1700000000000", -301, Err(Unverified::Stale)),
        ("1700000000", 299, Ok(())),
        ("1700000000.5", 299, Ok(())),
        ("1700000000", 301, Err(Unverified::Stale)),
        ("yesterday", 0, Err(Unverified::Stale)),
        ("-1", 0, Err(Unverified::Stale)),
        ("NaN", 0, Err(Unverified::Stale)),
        ("1e300", 0, Err(Unverified::Stale)),
    ] {
        let signature = sign(timestamp, b"{}");
        let headers = [("x-front-signature", &*signature), ("x-front-request-timestamp", timestamp)];
        let at = now() + TimeDelta::seconds(seconds);
        assert_eq!(verified("POST", b"{}", &headers, at), expected, "{timestamp} {seconds}");
    }
}

#[test]
fn without_a_secret_nothing_is_believed() {
    let headers =
        [("x-front-signature", AUTHORIZATION_SIGNED), ("x-front-request-timestamp", "1700000000000")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let hook = Hook { headers: &headers, ..hook("authorization", AUTHORIZATION) };
    for settings in [Settings::default(), [("app_secret", "")].into_iter().collect()] {
        assert_eq!(Front.verify(&hook, &settings, now()), Err(Unverified::NoKey));
    }
}

// --- read -----------------------------------------------------------------------------------------------------------

#[test]
fn connecting_tells_the_channels_id_whatever_the_hook_is_called() {
    for name in ["authorization", "message", "channel"] {
        let body = include_bytes!("fixtures/authorization.json");
        let reading = Front.read(&hook(name, body), &channel(), &settings()).unwrap();
        assert_eq!(reading.event, "authorization");
        assert_eq!(
            reading.observations,
            [Observation::Connected { helpdesk_channel_id: "cha_7k2p".to_owned() }]
        );
    }
}

#[test]
fn a_message_is_one_order_for_each_person() {
    let body = include_str!("fixtures/message.json");
    let reading = read(body);
    assert_eq!(reading.event, "message");
    // Half an emoji at the end of the preview makes this no valid JSON for most readers.
    assert!(serde_json::from_str::<Value>(body).is_err());
    let data: Value = serde_json::from_str(&body.replace("four \\ud83d\",", "four \\ufffd\",")).unwrap();
    let order = |recipient: &str| {
        Observation::Ordered(Ordered {
            external_id: format!("msg_1q5x-{recipient}"),
            second_choice: None,
            helpdesk_message_id: "msg_1q5x".to_owned(),
            thread: Some("cnv_9d3f".to_owned()),
            recipient: recipient.to_owned(),
            body: "Your kayak is ready, see you at four \u{1f6f6}".to_owned(),
            files: Vec::new(),
            part: twinwire_core::parts::Part::WHOLE,
            data: data.clone(),
            occurred_at: DateTime::from_timestamp_millis(1_763_719_201_123),
        })
    };
    assert_eq!(reading.observations, [order("+12015550123"), order("+447911123456")]);
}

#[test]
fn an_autoreply_is_named_after_the_message_that_it_replies_to() {
    let body = serde_json::from_str(include_str!("fixtures/message_autoreply.json")).unwrap();
    let order = &orders(&body)[0];
    assert_eq!(order.external_id, "msg_1q4a_autoreply-+12015550123");
    assert_eq!(order.helpdesk_message_id, "msg_1q4a_autoreply");
    let mark = "198b1132";
    let second = order.second_choice.clone().unwrap();
    assert_eq!(second.external_id, format!("msg_1q4a_autoreply_{mark}-+12015550123"));
    assert_eq!(second.helpdesk_message_id, format!("msg_1q4a_autoreply_{mark}"));
    assert_eq!(order.occurred_at, DateTime::from_timestamp_millis(1_763_719_202_500));
}

#[test]
fn two_autoreplies_to_one_message_are_two_rows_and_the_same_one_again_is_one() {
    let first: Value = serde_json::from_str(include_str!("fixtures/message_autoreply.json")).unwrap();
    let mut second = first.clone();
    second["payload"]["text"] = "Back on Monday.".into();
    let (first, second) = (orders(&first).remove(0), orders(&second).remove(0));
    let row = fold_order(None, &first, "+12015550100", now());
    assert_eq!(first.clone().named(Some(&row)).external_id, first.external_id);
    assert_eq!(second.external_id, first.external_id);
    assert_ne!(second.clone().named(Some(&row)).external_id, first.external_id);
    assert_ne!(second.second_choice, first.second_choice);
}

#[test]
fn an_autoreply_to_nothing_is_named_after_its_conversation_and_contents() {
    let mut body: Value = serde_json::from_str(include_str!("fixtures/message_autoreply.json")).unwrap();
    body["payload"]["_links"]["related"]["message_replied_to"] = Value::Null;
    let order = &orders(&body)[0];
    assert_eq!(order.external_id, "cnv_9d3f_198b1132_autoreply-+12015550123");
    assert_eq!(order.helpdesk_message_id, "cnv_9d3f_198b1132_autoreply");
    assert_eq!(order.second_choice, None);
    body["payload"]["_links"] = Value::Null;
    assert!(unreadable(&body).contains("without an id"));
}

#[test]
fn an_imported_message_is_evidence_and_never_an_order() {
    let reading = read(include_str!("fixtures/message_imported.json"));
    assert_eq!(reading.event, "message_imported");
    let seen = AtHelpdesk {
        external_id: Some("SM0c5e".to_owned()),
        accepted_as: Some("8e21aa90c4d7f6b3".to_owned()),
        id: Some("msg_1q6c".to_owned()),
        thread: Some("cnv_9d3f".to_owned()),
        conversation: Some("+12015550123".to_owned()),
        created_at: None,
    };
    assert_eq!(reading.observations, [Observation::AtHelpdesk(seen)]);
    for body in [
        r#"{"type":"message_imported"}"#,
        r#"{"type":"message_imported","payload":{"id":"msg_1"},"metadata":7}"#,
    ] {
        assert_eq!(read(body).observations, []);
    }
}

#[test]
fn removing_the_channel_disconnects_it_with_or_without_a_body() {
    for body in [include_str!("fixtures/delete.json"), "", " \n", "{}", r#"{"type":"delete"}"#] {
        let hook = Hook { method: "DELETE", ..hook("message", body.as_bytes()) };
        let reading = Front.read(&hook, &channel(), &settings()).unwrap();
        assert_eq!(
            (reading.event.as_str(), reading.observations),
            ("delete", vec![Observation::Disconnected]),
            "{body}"
        );
    }
    assert_eq!(read(include_str!("fixtures/delete.json")).observations, [Observation::Disconnected]);
}

#[test]
fn removing_an_older_connection_leaves_the_present_one() {
    assert_eq!(read(r#"{"type":"delete","payload":{"channel_id":"cha_older"}}"#).observations, []);
    let never = Channel { helpdesk_channel_id: None, ..channel() };
    let body = include_bytes!("fixtures/delete.json");
    let reading = Front.read(&hook("message", body), &never, &settings()).unwrap();
    assert_eq!(reading.observations, [Observation::Disconnected]);
}

#[test]
fn unknown_events_show_nothing() {
    for event in ["conversation_merged", "list_addresses", "typing"] {
        let reading = read(&json!({"type": event, "payload": null}).to_string());
        assert_eq!((reading.event.as_str(), reading.observations), (event, vec![]));
    }
}

#[test]
fn what_is_no_event_is_unreadable() {
    for body in
        ["", "{", "[]", "null", "\"message\"", "{}", r#"{"type":null}"#, r#"{"type":""}"#, r#"{"type":{}}"#]
    {
        assert!(Front.read(&hook("message", body.as_bytes()), &channel(), &settings()).is_err(), "{body}");
    }
    assert!(Front.read(&hook("message", b"\xff\\\xfe"), &channel(), &settings()).is_err());
    for payload in [json!(null), json!({}), json!({"channel_id": " "})] {
        assert!(unreadable(&json!({"type": "authorization", "payload": payload})).contains("which channel"));
    }
}

#[test]
fn an_order_that_cannot_be_carried_out_is_refused_whole_and_in_plain_words() {
    let to = |handle: Value| json!({"recipients": [{"role": "to", "handle": "+12015550123"}, {"role": "to", "handle": handle}]});
    let inline = json!({"id": "fil_2", "metadata": {"is_inline": true, "cid": "a"}});
    for (other, words) in [
        (json!({"id": null}), "without an id"),
        (json!({"id": ""}), "without an id"),
        (json!({"recipients": null}), "no recipient"),
        (json!({"recipients": [{"role": "cc", "handle": "+12015550123"}]}), "no recipient"),
        (to(json!("padma@quill.test")), "\u{201c}padma@quill.test\u{201d} is not a phone number"),
        (to(json!("12")), "country code"),
        (to(json!("+22395")), "not a phone number"),
        (to(json!(null)), "not a phone number"),
        (json!({"text": ""}), "nothing to send"),
        (json!({"text": " \n"}), "nothing to send"),
        (json!({"text": "", "body": "Attachment"}), "nothing to send"),
        (json!({"text": null, "body": "<p>Hi</p>"}), "nothing to send"),
        (json!({"text": null, "body": "Fish &amp; chips"}), "nothing to send"),
        (json!({"text": "", "attachments": [inline]}), "nothing to send"),
    ] {
        let said = unreadable(&message(&other));
        assert!(said.contains(words), "{other}: {said}");
    }
}

#[test]
fn members_may_be_missing_null_or_of_another_type() {
    for (other, text) in [
        (json!({"author": null, "attachments": null, "_links": null, "metadata": null}), "Hi"),
        (json!({"attachments": [null], "news": {"of": ["Front"]}, "is_inbound": "false"}), "Hi"),
        (json!({"attachments": [{"metadata": {"is_inline": true}}]}), "Hi"),
        (json!({"text": 42}), "42"),
        (json!({"text": " Hi\u{0} there \n"}), " Hi there \n"),
        (json!({"text": null, "body": "plain"}), "plain"),
        (json!({"recipients": [null, 7, {"role": "to", "handle": 12_015_550_123_i64}]}), "Hi"),
    ] {
        let orders = orders(&message(&other));
        assert_eq!(orders.len(), 1, "{other}");
        assert_eq!(
            (orders[0].body.as_str(), orders[0].recipient.as_str()),
            (text, "+12015550123"),
            "{other}"
        );
        assert!(!orders[0].data.to_string().contains("\\u0000"));
    }
    assert_eq!(orders(&message(&json!({"id": 77})))[0].external_id, "77-+12015550123");
}

#[test]
fn times_are_read_to_the_millisecond() {
    for (written, millis) in [
        (json!(1_453_770_984.123), Some(1_453_770_984_123)),
        (json!("1453770984.123"), Some(1_453_770_984_123)),
        (json!(1_453_770_984), Some(1_453_770_984_000)),
        (json!(1_453_770_984_123_i64), Some(1_453_770_984_123)),
        (json!(null), None),
        (json!(0), None),
        (json!(-5), None),
        (json!("soon"), None),
    ] {
        let at = orders(&message(&json!({"created_at": written})))[0].occurred_at;
        assert_eq!(at.map(|at| at.timestamp_millis()), millis, "{written}");
    }
}

#[test]
fn numbers_are_read_as_the_channels_country_writes_them() {
    for (handle, region, expected) in [
        ("(201) 555-0123", Some("US"), "+12015550123"),
        ("07911 123456", Some("GB"), "+447911123456"),
        ("+447911123456", None, "+447911123456"),
        ("22395", Some("US"), "22395"),
        ("22395", Some("DE"), "22395"),
        ("22395", None, "22395"),
        ("20123456", Some("DK"), "+4520123456"),
        ("20123456", None, "20123456"),
    ] {
        let channel = Channel { region: region.map(str::to_owned), ..channel() };
        let body = message(&json!({"recipients": [{"role": "to", "handle": handle}]})).to_string();
        let reading = Front.read(&hook("message", body.as_bytes()), &channel, &settings()).unwrap();
        let Observation::Ordered(order) = &reading.observations[0] else { panic!("no order") };
        assert_eq!(order.recipient, expected, "{handle} in {region:?}");
    }
}

/// What is put into Front carries the network, and what agents type does not: both are the customer's conversation.
#[test]
fn a_handle_is_in_the_network_of_the_channel() {
    let whatsapp = Channel { address: "whatsapp:+12015550100".to_owned(), ..channel() };
    for (handle, on_whatsapp, by_sms) in [
        ("whatsapp:+12015550123", Some("whatsapp:+12015550123"), Some("+12015550123")),
        ("+1 201 555 0123", Some("whatsapp:+12015550123"), Some("+12015550123")),
        ("(201) 555-0123", Some("whatsapp:+12015550123"), Some("+12015550123")),
        ("22395", None, Some("22395")),
    ] {
        let body = message(&json!({"recipients": [{"role": "to", "handle": handle}]})).to_string();
        for (channel, expected) in [(&whatsapp, on_whatsapp), (&channel(), by_sms)] {
            let reading = Front.read(&hook("message", body.as_bytes()), channel, &settings()).ok();
            let recipient = reading.and_then(|reading| match reading.observations.into_iter().next() {
                Some(Observation::Ordered(order)) => Some(order.recipient),
                _ => None,
            });
            assert_eq!(recipient.as_deref(), expected, "{handle} from {}", channel.address);
        }
    }
}

#[test]
fn halves_of_emoji_are_replaced_and_everything_else_is_kept() {
    for (escaped, expected) in [
        (r"\ud83d\udef6", "\u{1f6f6}"),
        (r"\ud83d", "\u{fffd}"),
        (r"\udef6\ud83d", "\u{fffd}\u{fffd}"),
        (
            r"\ud83dx\udef6\\ud83d \u00e9 \ud83d\ud83d\udef6",
            "\u{fffd}x\u{fffd}\\ud83d \u{e9} \u{fffd}\u{1f6f6}",
        ),
        (r"\uD83D\n\\", "\u{fffd}\n\\"),
    ] {
        let body = format!(r#"{{"cut": "\ud800", "x": "{escaped}"}}"#);
        assert_eq!(super::json::parse(body.as_bytes()).unwrap()["x"], expected, "{escaped}");
    }
    for broken in [r#"{"x": "\ud83d"#, r#"{"x": "\ud8"#, r#"{"x": "\"#, "\\"] {
        assert_eq!(super::json::parse(broken.as_bytes()), None, "{broken}");
    }
}

// --- answer ---------------------------------------------------------------------------------------------------------

fn answered(name: &str, body: &str, rows: &[Message]) -> Value {
    let hook = hook(name, body.as_bytes());
    let reading = Front.read(&hook, &channel(), &settings()).unwrap();
    let answer = Front.answer(&hook, &reading, &channel(), rows, PUBLIC);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn connecting_is_answered_with_the_channels_own_url() {
    let body = include_str!("fixtures/authorization.json");
    for (name, path) in [
        ("authorization", "/v1/install/front_signalwire/message/chn_abc"),
        ("message", "/v1/install/front_signalwire/message/chn_abc"),
        ("channel", "/v1/install/front_signalwire/channel"),
    ] {
        let expected = json!({"type": "success", "webhook_url": format!("{PUBLIC}{path}")});
        assert_eq!(answered(name, body, &[]), expected);
    }
}

#[test]
fn a_message_is_answered_with_the_ids_of_its_first_row() {
    let mut row = ordered();
    row.external_id = "the row's own".to_owned();
    let other = Message { external_id: "another".to_owned(), ..ordered() };
    let expected = json!({"type": "success", "external_id": "the row's own", "external_conversation_id": "+12015550123"});
    for body in [include_str!("fixtures/message.json"), include_str!("fixtures/message_autoreply.json")] {
        assert_eq!(answered("message", body, &[row.clone(), other.clone()]), expected);
    }
    let by_order = answered("message", include_str!("fixtures/message.json"), &[]);
    assert_eq!(by_order["external_id"], "msg_1q5x-+12015550123");
}

#[test]
fn everything_else_is_just_a_success() {
    let unknown = r#"{"type":"conversation_merged"}"#;
    for body in
        [include_str!("fixtures/message_imported.json"), include_str!("fixtures/delete.json"), unknown]
    {
        assert_eq!(answered("message", body, &[ordered()]), json!({"type": "success"}));
    }
}

#[test]
fn an_error_has_words_for_the_agent() {
    let answer = Front.error(&hook("message", b""), 401, "invalid signature");
    assert_eq!(answer, Answer::json(401, &json!({"type": "bad_request", "message": "invalid signature"})));
}

// --- build ----------------------------------------------------------------------------------------------------------

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

#[test]
fn a_customers_message_is_put_into_front() {
    let expected = json!({
        "sender": {"handle": "+12015550123"},
        "body": "Thank you!",
        "delivered_at": 1_699_999_990,
        "metadata": {"external_id": "SM0c5e", "external_conversation_id": "+12015550123"},
    });
    let url = "POST https://api2.frontapp.com/channels/cha_7k2p/inbound_messages";
    assert_eq!(sent(&Call::Deliver(&inbound())), (url.to_owned(), expected));
}

#[test]
fn a_message_sent_elsewhere_is_put_into_front() {
    let expected = json!({
        "to": [{"handle": "+12015550123"}],
        "body": "(no text)",
        "delivered_at": 1_699_999_990,
        "metadata": {"external_id": "SM0c5e", "external_conversation_id": "+12015550123"},
    });
    let url = "POST https://api2.frontapp.com/channels/cha_7k2p/outbound_messages";
    let message = Message { body: " ".to_owned(), ..outbound() };
    assert_eq!(sent(&Call::Deliver(&message)), (url.to_owned(), expected));
}

#[test]
fn a_failure_is_marked_on_the_message() {
    let url = "PUT https://api2.frontapp.com/channels/cha_7k2p/conversations/%2B12015550123/messages/\
               msg_1-%2B12015550123/status";
    let message = ordered();
    let call = Call::Report { message: &message, reason: "(30003) phone is off" };
    assert_eq!(sent(&call), (url.to_owned(), json!({"status": "failed", "reason": "(30003) phone is off"})));
    let odd = Message { external_id: "a/b?c#d%e f".to_owned(), ..message };
    assert!(
        sent(&Call::Report { message: &odd, reason: "" })
            .0
            .ends_with("/messages/a%2Fb%3Fc%23d%25e%20f/status")
    );
}

#[test]
fn a_note_is_a_message_in_the_customers_conversation() {
    let message = ordered();
    let call = Call::Note { message: &message, external_id: "note-1", text: "It did not arrive." };
    let expected = json!({
        "sender": {"handle": "+12015550123"},
        "body": "It did not arrive.",
        "delivered_at": 1_700_000_000,
        "metadata": {"external_id": "note-1", "external_conversation_id": "+12015550123"},
    });
    let url = "POST https://api2.frontapp.com/channels/cha_7k2p/inbound_messages";
    assert_eq!(sent(&call), (url.to_owned(), expected));
}

#[test]
fn a_look_up_reads_the_conversation() {
    let message = inbound();
    let first = sent(&Call::LookUp { message: &message, page: None });
    let url = "GET https://api2.frontapp.com/conversations/cnv_9d3f/messages?limit=100";
    assert_eq!(first, (url.to_owned(), Value::Null));
    for page in [
        "https://tern-supply.api.frontapp.com/conversations/cnv_9d3f/messages?page_token=a%2Fb",
        "https://api2.frontapp.com/conversations/cnv_9d3f/messages?limit=100",
    ] {
        assert_eq!(sent(&Call::LookUp { message: &message, page: Some(page) }).0, format!("GET {page}"));
    }
}

#[test]
fn a_token_never_goes_to_a_strangers_host() {
    let message = inbound();
    for page in [
        "http://tern-supply.api.frontapp.com/x",
        "https://api.frontapp.com.example.test/x",
        "https://evilapi.frontapp.com/x",
        "https://tern.api.frontapp.com:8443/x",
        "https://api2.frontapp.com@example.test/x",
        "https://user:pw@tern.api.frontapp.com/x",
        "https://example.test/.api.frontapp.com",
        "https://example.test#.api.frontapp.com",
        "http://api2.frontapp.com/x",
        "/conversations/cnv_1/messages",
        "",
    ] {
        let refusal = build(&Call::LookUp { message: &message, page: Some(page) }).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page}");
    }
}

#[test]
fn another_api_url_is_used_for_everything() {
    let (channel, mut settings) = (channel(), settings());
    settings.set("api_url", "http://127.0.0.1:3910/");
    let (context, message) = (context(&channel, &settings), inbound());
    let request = Front.build(&Call::Deliver(&message), &context).unwrap();
    assert_eq!(request.url, "http://127.0.0.1:3910/channels/cha_7k2p/inbound_messages");
    let page = |page| Front.build(&Call::LookUp { message: &message, page: Some(page) }, &context);
    assert!(page("http://127.0.0.1:3910/conversations/cnv_1/messages?page_token=2").is_ok());
    assert!(page("http://127.0.0.1:3911/conversations/cnv_1/messages?page_token=2").is_err());
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let (message, long) = (inbound(), "x".repeat(201));
    let long_id = Message { external_id: long.clone(), ..inbound() };
    let long_conversation = Message { conversation: long.clone(), ..inbound() };
    for call in [
        Call::Deliver(&long_id),
        Call::Deliver(&long_conversation),
        Call::Note { message: &message, external_id: &long, text: "x" },
        Call::Report { message: &long_id, reason: "x" },
        Call::List { since: None, page: None },
        Call::Fetch { id: "msg_1" },
        Call::Check,
    ] {
        assert_eq!(build(&call).unwrap_err().kind, RefusalKind::Permanent, "{call:?}");
    }
    let fits = Message { external_id: "\u{e9}".repeat(200), ..inbound() };
    assert!(build(&Call::Deliver(&fits)).is_ok());
}

#[test]
fn what_is_not_there_yet_is_refused_for_now() {
    let (channel, settings, message) = (channel(), settings(), inbound());
    let whole = context(&channel, &settings);
    let unconnected = Channel { helpdesk_channel_id: None, ..channel.clone() };
    let kind = |call, context: Context<'_>| Front.build(&call, &context).unwrap_err().kind;
    let look_up = Call::LookUp { message: &message, page: None };
    assert_eq!(
        kind(Call::Deliver(&message), Context { channel: Some(&unconnected), ..whole }),
        RefusalKind::Later
    );
    assert_eq!(kind(Call::Deliver(&message), Context { channel: None, ..whole }), RefusalKind::Later);
    assert_eq!(kind(look_up, Context { thread: None, ..whole }), RefusalKind::Later);
    let none = Settings::default();
    assert_eq!(kind(look_up, Context { settings: &none, ..whole }), RefusalKind::Credentials);
}

fn claims(token: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(b"test_secret");
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[test]
fn the_token_is_the_known_one_but_for_the_order_of_its_header() {
    let known = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJhcHBfdWlkXzEiLCJqdGkiOiJhYmNkMTIzNCIsInN1YiI6ImNoYV8x\
                 IiwiZXhwIjoxNzAwMDAwMDMwfQ.DQd_zBISkYkCNVfx6eQruuub46ZewsgB-AWKxWh1fTw";
    let expected = json!({"iss": "app_uid_1", "jti": "abcd1234", "sub": "cha_1", "exp": 1_700_000_030});
    assert_eq!(claims(known), expected);

    let (channel, settings) =
        (Channel { helpdesk_channel_id: Some("cha_1".to_owned()), ..channel() }, settings());
    let request = Front.build(&Call::Deliver(&inbound()), &context(&channel, &settings)).unwrap();
    let token = request.headers[0].1.strip_prefix("Bearer ").unwrap();
    let mut ours = claims(token);
    assert_eq!(ours["jti"], "000000000000000000000000abcd1234");
    ours["jti"] = "abcd1234".into();
    assert_eq!(ours, expected);
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap(), json!({"alg": "HS256", "typ": "JWT"}));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"test_secret").unwrap();
    mac.update(signed.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[test]
fn a_request_shows_neither_token_nor_text_in_a_log() {
    let shown = format!("{:?}", build(&Call::Deliver(&inbound())).unwrap());
    assert!(!shown.contains("Bearer") && !shown.contains("Thank you"), "{shown}");
}

// --- judge ----------------------------------------------------------------------------------------------------------

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
        Outcome::Unknown(_) => "unknown",
        Outcome::Refused(refusal) => match refusal.kind {
            RefusalKind::Permanent | RefusalKind::OptedOut => "never",
            RefusalKind::Later => "later",
            RefusalKind::Throttled(_) => "throttled",
            RefusalKind::Credentials => "credentials",
        },
    }
}

#[test]
fn every_reply_is_done_not_done_or_unknown() {
    let accepted = r#"{"status":"accepted","message_uid":"8e21"}"#;
    let error = r#"{"_error":{"status":400,"title":"Bad request","message":"no"}}"#;
    let list = r#"{"_results":[]}"#;
    // deliver, note, report, look up
    for (reply, expected) in [
        (http(202, accepted), ["delivered", "told", "told", "later"]),
        (http(200, accepted), ["delivered", "told", "told", "later"]),
        (http(202, "{}"), ["unknown", "unknown", "told", "later"]),
        (http(202, r#"{"message_uid":null}"#), ["unknown", "unknown", "told", "later"]),
        (http(202, r#"{"message_uid":"8e"#), ["unknown", "unknown", "told", "later"]),
        (http(200, "<html>welcome</html>"), ["unknown", "unknown", "told", "later"]),
        (http(204, ""), ["unknown", "unknown", "told", "later"]),
        (http(200, list), ["unknown", "unknown", "told", "page"]),
        (http(200, r#"{"_results":null}"#), ["unknown", "unknown", "told", "later"]),
        (http(301, ""), ["later"; 4]),
        (http(307, ""), ["later"; 4]),
        (http(400, error), ["never"; 4]),
        (http(401, error), ["credentials"; 4]),
        (http(403, error), ["credentials", "never", "never", "never"]),
        (http(404, error), ["credentials", "credentials", "never", "never"]),
        (http(410, error), ["credentials", "credentials", "never", "never"]),
        (http(408, ""), ["unknown", "unknown", "later", "later"]),
        (http(409, error), ["unknown", "unknown", "later", "later"]),
        (http(413, ""), ["never"; 4]),
        (http(422, error), ["never"; 4]),
        (http(425, ""), ["later"; 4]),
        (http(429, error), ["throttled"; 4]),
        (http(500, error), ["unknown", "unknown", "later", "later"]),
        (http(503, "down"), ["unknown", "unknown", "later", "later"]),
        (http(504, ""), ["unknown", "unknown", "later", "later"]),
        (http(100, ""), ["unknown", "unknown", "later", "later"]),
        (Reply::NotSent("no route".to_owned()), ["later"; 4]),
        (Reply::NoAnswer("timed out".to_owned()), ["unknown", "unknown", "later", "later"]),
    ] {
        let message = Message { occurred_at: now() - TimeDelta::seconds(30), ..inbound() };
        let calls = [
            Call::Deliver(&message),
            Call::Note { message: &message, external_id: "note-1", text: "x" },
            Call::Report { message: &message, reason: "x" },
            Call::LookUp { message: &message, page: None },
        ];
        let found = calls.map(|call| word(&judge(&call, &reply)));
        assert_eq!(found, expected, "{reply:?}");
    }
}

#[test]
fn a_report_that_overtakes_our_answer_to_front_is_made_again() {
    let report = |status, age| {
        let message = Message { occurred_at: now() - TimeDelta::milliseconds(age), ..ordered() };
        word(&judge(&Call::Report { message: &message, reason: "x" }, &http(status, "")))
    };
    for (status, young) in
        [(400, "later"), (404, "later"), (401, "credentials"), (403, "never"), (422, "never")]
    {
        let old = if status == 401 { "credentials" } else { "never" };
        let found = [report(status, 0), report(status, 4_999), report(status, 5_000)];
        assert_eq!(found, [young, young, old], "{status}");
    }
    let message = Message { occurred_at: now(), ..inbound() };
    for call in [Call::Deliver(&message), Call::LookUp { message: &message, page: None }] {
        assert_eq!(word(&judge(&call, &http(400, ""))), "never", "{call:?}");
    }
}

#[test]
fn a_channel_that_front_does_not_know_says_so() {
    for status in [404, 410] {
        let Outcome::Refused(refusal) = judge(&Call::Deliver(&inbound()), &http(status, "Not found")) else {
            panic!("not refused")
        };
        assert_eq!(refusal.code, Some(status.to_string()));
        let words = "Front does not know this channel any more: connect it again in Front (Not found)";
        assert_eq!(refusal.message, words);
    }
}

#[test]
fn a_delivery_brings_the_id_under_which_front_took_it() {
    let outcome =
        judge(&Call::Deliver(&inbound()), &http(202, r#"{"status":"accepted","message_uid":"8e21"}"#));
    let seen = AtHelpdesk {
        external_id: Some("SM0c5e".to_owned()),
        accepted_as: Some("8e21".to_owned()),
        id: None,
        thread: None,
        conversation: None,
        created_at: None,
    };
    assert_eq!(outcome, Outcome::Done(Done::Delivered(Box::new(Observation::AtHelpdesk(seen)))));
}

#[test]
fn a_pause_lasts_as_long_as_front_asks() {
    for (header, expected) in
        [(Some("17"), Some(Duration::from_secs(17))), (Some("soon"), None), (None, None)]
    {
        let headers = header.map(|value| ("retry-after".to_owned(), value.to_owned())).into_iter().collect();
        let reply = Reply::Answer(Answer { status: 429, headers, body: Vec::new() });
        let Outcome::Refused(refusal) = judge(&Call::Deliver(&inbound()), &reply) else {
            panic!("not refused")
        };
        assert_eq!(refusal.kind, RefusalKind::Throttled(expected));
    }
}

#[test]
fn a_refusal_has_fronts_own_words() {
    let long = "a ".repeat(400);
    for (body, words) in [
        (
            r#"{"_error":{"status":400,"title":"Bad request","message":"Body:\n missing\u0000"}}"#,
            "Body: missing",
        ),
        (r#"{"_error":{"title":"Bad request","message":null}}"#, "Bad request"),
        (r#"{"_error":"nope"}"#, "nope"),
        (r#"{"message":"nope"}"#, "nope"),
        (r#""nope""#, "nope"),
        ("plain\ttext", "plain text"),
        ("{}", "Front answered with HTTP 422"),
        ("", "Front answered with HTTP 422"),
        ("<html>oops</html>", "Front answered with HTTP 422"),
        (r#"{"_error":"#, "Front answered with HTTP 422"),
        (&long, &long[..300]),
    ] {
        let outcome = judge(&Call::Deliver(&inbound()), &http(422, body));
        assert_eq!(outcome, Outcome::Refused(Refusal::permanent(Some("422".to_owned()), words)), "{body}");
    }
}

#[test]
fn a_look_up_shows_every_message_that_could_be_ours_and_the_next_page() {
    let message = inbound();
    let call = Call::LookUp { message: &message, page: None };
    let Outcome::Done(Done::Page(page)) = judge(&call, &http(200, include_str!("fixtures/look_up.json")))
    else {
        panic!("no page")
    };
    let seen =
        |external_id: Option<&str>, uid: Option<&str>, id: &str, thread: Option<&str>, at: Option<i64>| {
            Observation::AtHelpdesk(AtHelpdesk {
                external_id: external_id.map(str::to_owned),
                accepted_as: uid.map(str::to_owned),
                id: Some(id.to_owned()),
                thread: thread.map(str::to_owned),
                conversation: None,
                created_at: at.and_then(|at| DateTime::from_timestamp(at, 0)),
            })
        };
    let expected = [
        seen(Some("SM0c5e"), Some("8e21aa90c4d7f6b3"), "msg_1q6c", Some("cnv_9d3f"), Some(1_763_719_260)),
        seen(Some("msg_1q5x-+12015550123"), None, "msg_1q5x", None, None),
        seen(None, Some("77aa"), "msg_old", None, None),
    ];
    assert_eq!(page.observations, expected);
    let next = page.next.unwrap();
    assert!(build(&Call::LookUp { message: &message, page: Some(&next) }).is_ok());
    for body in [r#"{"_results":[],"_pagination":{"next":null}}"#, r#"{"_results":[]}"#] {
        let Outcome::Done(Done::Page(page)) = judge(&call, &http(200, body)) else { panic!("no page") };
        assert_eq!((page.observations, page.next), (vec![], None));
    }
}

#[test]
fn a_merged_conversation_is_followed_one_step() {
    let message = inbound();
    let moved = |page, location: &str| {
        let headers = vec![("location".to_owned(), location.to_owned())];
        judge(
            &Call::LookUp { message: &message, page },
            &Reply::Answer(Answer { status: 301, headers, body: vec![] }),
        )
    };
    for location in
        ["https://api2.frontapp.com/conversations/cnv_2/messages", "/conversations/cnv_2/messages"]
    {
        let Outcome::Done(Done::Page(page)) = moved(None, location) else { panic!("no page") };
        assert_eq!(page.next.as_deref(), Some("https://api2.frontapp.com/conversations/cnv_2/messages"));
        assert_eq!(page.observations, []);
        assert_eq!(word(&moved(Some("https://api2.frontapp.com/x"), location)), "later");
    }
    let Outcome::Done(Done::Page(page)) = moved(None, "https://example.test/steal") else {
        panic!("no page")
    };
    assert!(build(&Call::LookUp { message: &message, page: page.next.as_deref() }).is_err());
}

// --- the rest -------------------------------------------------------------------------------------------------------

#[test]
fn the_set_up_asks_nothing_of_a_channel_and_tidies_what_is_given() {
    let prepared = Front.prepare(&Settings::default()).unwrap();
    assert_eq!((prepared.account, prepared.address, prepared.answers.iter().count()), (None, None, 0));
    let answers = [("app_id", " uid "), ("api_url", "https://api2.frontapp.com/"), ("other", "x")];
    let prepared = Front.prepare(&answers.into_iter().collect()).unwrap();
    let tidied: Vec<_> = prepared.answers.iter().collect();
    assert_eq!(tidied, [("api_url", "https://api2.frontapp.com"), ("app_id", "uid")]);
    for wrong in ["api2.frontapp.com", "ftp://x.test", "https://x.test/?a=b", "https://"] {
        assert!(Front.prepare(&[("api_url", wrong)].into_iter().collect()).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_said_of_front_holds() {
    assert_eq!((Front.name(), Front.title()), ("front", "Front"));
    assert_eq!(Front.side(), twinwire_core::model::Side::Helpdesk);
    let secrets: Vec<_> =
        Front.settings().iter().filter(|setting| setting.secret).map(|setting| setting.name).collect();
    assert_eq!(secrets, ["app_secret"]);
    let longest = build(&Call::Deliver(&inbound())).unwrap();
    assert!(Front.caps().settling > longest.timeout);
    assert_eq!(longest.method, Method::Post);
}

// --- found by the fuzzer --------------------------------------------------------------------------------------------

#[test]
fn dots_alone_are_no_part_of_a_path() {
    let (settings, message) = (settings(), inbound());
    for dots in [".", ".."] {
        let odd = Channel { helpdesk_channel_id: Some(dots.to_owned()), ..channel() };
        assert!(Front.build(&Call::Deliver(&message), &context(&odd, &settings)).is_err(), "{dots}");
        let channel = channel();
        let look_up = Call::LookUp { message: &message, page: None };
        let context = Context { thread: Some(dots), ..context(&channel, &settings) };
        assert!(Front.build(&look_up, &context).is_err(), "{dots}");
        let failed = Message { conversation: dots.to_owned(), ..ordered() };
        assert!(build(&Call::Report { message: &failed, reason: "no" }).is_err(), "{dots}");
    }
}

#[test]
fn dots_alone_are_no_id() {
    let body = r#"{"type":"message_imported","payload":{"id":"..","message_uid":"uid_1","_links":{"related":{"conversation":"https://x.api.frontapp.com/conversations/.."}}}}"#;
    let [Observation::AtHelpdesk(seen)] = &read(body).observations[..] else {
        panic!("it shows one message")
    };
    assert_eq!((&seen.id, &seen.thread, seen.accepted_as.as_deref()), (&None, &None, Some("uid_1")));
    assert!(
        unreadable(&json!({"type": "authorization", "payload": {"channel_id": ".."}})).contains("channel")
    );
}

#[test]
fn a_name_that_front_could_not_take_back_is_refused() {
    let longest = "m".repeat(120);
    assert_eq!(orders(&message(&json!({"id": longest})))[0].helpdesk_message_id, longest);
    assert!(unreadable(&message(&json!({"id": "m".repeat(121)}))).contains("without an id"));
    let uid = json!({"message_uid": "u".repeat(201)}).to_string();
    assert_eq!(word(&judge(&Call::Deliver(&inbound()), &http(202, &uid))), "unknown");
}

#[test]
fn a_year_that_nobody_writes_is_no_time() {
    assert_eq!(orders(&message(&json!({"created_at": 8.2e15})))[0].occurred_at, None);
}
