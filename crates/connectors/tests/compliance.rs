//! What holds for every connector, whatever its vendor. Nothing here is written for one of them; a new
//! connector is under test as soon as it stands in the list.

#[path = "compliance/files.rs"]
mod files;
#[path = "compliance/judging.rs"]
mod judging;
#[path = "compliance/requests.rs"]
mod requests;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;
use twinwire_connectors::ALL;
use twinwire_core::connector::{Call, Channel, Connector, Context, Reading};
use twinwire_core::http::{Answer, Hook, Reply, Request};
use twinwire_core::model::{BoundBy, Direction, Message, Side, Status};
use twinwire_core::observe::{AtProvider, Observation, Ordered, fold_order, fold_provider};
use twinwire_core::outcome::{Done, Outcome, RefusalKind};
use twinwire_core::setting::{COMMON, Settings};
use url::Url;

const OURS: &str = "+12015550123";
const THEIRS: &str = "+12015550188";
const API: &str = "https://vendor.test/base";

/// The hooks of all connectors, and one that none has.
const HOOKS: [&str; 6] = ["authorization", "channel", "message", "inbound", "status", "no-such-hook"];

/// The headers in which vendors sign. A connector whose header is not among them fails the test of garbage.
const SIGNED_IN: [&str; 5] = [
    "authorization",
    "x-front-signature",
    "x-front-request-timestamp",
    "x-signalwire-signature",
    "x-twilio-signature",
];

/// Bodies that may come from anyone.
const GARBAGE: [&[u8]; 12] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b"7",
    b"\xff\xfe\x00",
    b"a=b&a=c&%zz=%",
    b"<html>",
    br#"{"messages":"none","_results":7}"#,
    br#"{"type":"message","payload":[]}"#,
    br#"{"type":7,"payload":{"recipients":[null,7,{"role":"to"}]}}"#,
];

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap()
}

/// An answer for every setting; the API stands where nothing real stands.
fn settings(connector: &dyn Connector) -> Settings {
    let answer = |name| if name == "api_url" { API.to_owned() } else { format!("hush-{name}") };
    connector.settings().iter().map(|setting| (setting.name, answer(setting.name))).collect()
}

fn secrets(connector: &dyn Connector) -> Vec<String> {
    let secret = connector.settings().iter().filter(|setting| setting.secret);
    secret.map(|setting| format!("hush-{}", setting.name)).collect()
}

fn channel() -> Channel {
    Channel {
        id: "chn_1".to_owned(),
        pair: "one_other".to_owned(),
        address: OURS.to_owned(),
        region: Some("US".to_owned()),
        helpdesk_channel_id: Some("cha_1".to_owned()),
    }
}

fn context<'a>(settings: &'a Settings, channel: Option<&'a Channel>, thread: Option<&'a str>) -> Context<'a> {
    Context {
        channel,
        settings,
        thread,
        files: &[],
        public_url: "https://hooks.example.test",
        now: now(),
        nonce: 7,
    }
}

/// An order of the helpdesk: to be brought to the provider.
fn outgoing(recipient: &str, body: &str) -> Message {
    let order = Ordered {
        external_id: format!("msg_7-{recipient}"),
        second_choice: None,
        helpdesk_message_id: "msg_7".to_owned(),
        thread: None,
        recipient: recipient.to_owned(),
        body: body.to_owned(),
        files: Vec::new(),
        part: twinwire_core::parts::Part::WHOLE,
        data: json!(null).into(),
        occurred_at: Some(now()),
    };
    fold_order(None, &order, OURS, now())
}

/// A message at the provider: to be brought to the helpdesk.
fn incoming(sender: &str, body: &str, direction: Direction) -> Message {
    let (from, to) = match direction {
        Direction::Inbound => (sender, OURS),
        Direction::Outbound => (OURS, sender),
    };
    let seen = AtProvider {
        id: "a1".to_owned(),
        direction,
        from: from.to_owned(),
        to: to.to_owned(),
        body: Some(body.to_owned()),
        files: Vec::new(),
        said: None,
        status: Some(Status::Received),
        error_code: None,
        error_message: None,
        created_at: Some(now()),
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    };
    fold_provider(None, &seen, BoundBy::Answer, now())
}

/// A message that any connector of this side can deliver.
fn plain(side: Side) -> Message {
    match side {
        Side::Provider => outgoing(THEIRS, "Hi"),
        Side::Helpdesk => incoming(THEIRS, "Hi", Direction::Inbound),
    }
}

/// Messages of every kind, most of them odd.
fn odd() -> Vec<Message> {
    let long = "ü".repeat(5000);
    let bodies = ["Hi", "", " ", "\0", "👋\r\nX-Injected: yes", long.as_str()];
    let people = [THEIRS, "22395", "ACME", "", "+", "a\r\nX-Injected: yes", "../../x?y#z"];
    let all = people.iter().flat_map(|person| bodies.map(|body| (*person, body)));
    all.flat_map(|(person, body)| {
        [
            outgoing(person, body),
            incoming(person, body, Direction::Inbound),
            incoming(person, body, Direction::Outbound),
        ]
    })
    .collect()
}

fn calls(message: &Message) -> Vec<Call<'_>> {
    let mut calls = vec![
        Call::Deliver(message),
        Call::LookUp { message, page: None },
        Call::Report { message, reason: "no such\r\nnumber" },
        Call::Note { message, external_id: "note-1/../?#", text: "no such number" },
        Call::List { since: None, page: None },
        Call::List { since: Some(now()), page: None },
        Call::Show { works: false },
        Call::Files(message),
        Call::File { message, url: "https://vendor.test/base/file" },
        Call::Check,
        Call::ReadHook,
    ];
    let ids = ["a1", "", "../../x", "a?b#c", "a\r\nb", "@evil.test"];
    calls.extend(ids.map(|id| Call::Fetch { id }));
    calls.extend(ids.map(|id| Call::SetHook { id }));
    calls
}

fn has_id(observation: &Observation) -> bool {
    match observation {
        Observation::AtProvider(seen) => !seen.id.is_empty(),
        Observation::AtHelpdesk(seen) => [&seen.id, &seen.accepted_as, &seen.external_id]
            .iter()
            .any(|id| id.as_deref().is_some_and(|id| !id.is_empty())),
        Observation::Ordered(order) => !order.external_id.is_empty() && !order.recipient.is_empty(),
        Observation::Connected { helpdesk_channel_id } => !helpdesk_channel_id.is_empty(),
        Observation::Disconnected => true,
    }
}

fn hook<'a>(name: &'a str, method: &'a str, headers: &'a [(String, String)], body: &'a [u8]) -> Hook<'a> {
    Hook { name, method, url: "https://hooks.example.test/v1/hooks/x/chn_1/y?ref=z", headers, body }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

// ---- the list

#[test]
fn names_are_in_order_and_are_the_folders() {
    let names: Vec<_> = ALL.iter().map(|connector| connector.name()).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "sorted, each once: {names:?}");
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = fs::read_dir(&src).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(folders, names.iter().map(|name| (*name).to_owned()).collect());
    for name in names {
        assert!(
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
            "{name}"
        );
        for file in ["mod.rs", "README.md"] {
            assert!(src.join(name).join(file).is_file(), "{name}/{file} is missing");
        }
    }
}

#[test]
fn settings_are_named_alike_and_secrets_are_marked() {
    for connector in ALL {
        let settings = connector.settings();
        let names: BTreeSet<_> = settings.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), settings.len(), "{}: a name comes twice", connector.name());
        assert!(names.contains("api_url"), "{}: no double can stand in for it", connector.name());
        assert!(!connector.title().is_empty());
        for setting in settings {
            let name = setting.name;
            assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(!setting.prompt.is_empty(), "{name} has no prompt");
            assert!(COMMON.iter().all(|common| common.name != name), "{name} is the engine's");
            let telling =
                ["secret", "token", "password", "credential"].iter().any(|word| name.contains(word));
            assert!(setting.secret || !(telling || name.ends_with("key")), "{name} is a secret");
            assert!(!setting.secret || setting.default.is_none(), "{name} is a secret with a default");
        }
    }
}

#[test]
fn nothing_shows_a_secret() {
    for connector in ALL {
        let settings = settings(*connector);
        let message = plain(connector.side());
        let channel = channel();
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        let mut shown = vec![format!("{connector:?}"), format!("{settings:?}"), format!("{context:?}")];
        match connector.prepare(&settings) {
            Ok(prepared) => shown.push(format!("{prepared:?}")),
            Err(error) => shown.push(error),
        }
        for call in calls(&message) {
            match connector.build(&call, &context) {
                Ok(request) => shown.extend([format!("{request:?}"), request.url]),
                Err(refusal) => shown.push(format!("{refusal:?}")),
            }
            shown.push(format!("{:?}", connector.judge(&call, &context, &Reply::NoAnswer("why".to_owned()))));
        }
        for secret in secrets(*connector) {
            let leak = shown.iter().find(|text| text.contains(&secret));
            assert_eq!(leak, None, "{} shows {secret}", connector.name());
        }
    }
}

// ---- hooks

#[test]
fn a_hook_is_believed_only_when_it_is_signed() {
    let garbage = ["1795262400000", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "Bearer garbage", "%", ""];
    for connector in ALL {
        let (set_up, not_set_up) = (settings(*connector), Settings::default());
        for name in HOOKS {
            for method in ["POST", "DELETE", "GET"] {
                for body in GARBAGE {
                    let unsigned = [header("content-type", "application/json")];
                    let about = format!("{} {method} {name} {body:?}", connector.name());
                    let verified = connector.verify(&hook(name, method, &unsigned, body), &set_up, now());
                    assert!(verified.is_err(), "{about}: not signed");
                    for value in garbage {
                        let signed = SIGNED_IN.map(|name| header(name, value));
                        let hook = hook(name, method, &signed, body);
                        assert!(connector.verify(&hook, &set_up, now()).is_err(), "{about}: signed {value}");
                        assert!(
                            connector.verify(&hook, &not_set_up, now()).is_err(),
                            "{about}: there is no key"
                        );
                    }
                }
            }
        }
    }
}

/// If this fails for a new connector, its header has to be added to [`SIGNED_IN`].
#[test]
fn the_garbage_stands_in_the_headers_where_signatures_are_looked_for() {
    for connector in ALL {
        let signed = SIGNED_IN.map(|name| header(name, "1795262400000"));
        let error = connector.verify(&hook(HOOKS[2], "POST", &signed, b"a=b"), &settings(*connector), now());
        assert_eq!(error.unwrap_err().to_string(), "invalid signature", "{}", connector.name());
    }
}

#[test]
fn reading_garbage_is_an_error_or_nothing_and_always_the_same() {
    for connector in ALL {
        let settings = settings(*connector);
        for name in HOOKS {
            for content_type in ["application/json", "application/x-www-form-urlencoded", "x"] {
                let headers = [header("content-type", content_type)];
                for body in GARBAGE {
                    let hook = hook(name, "POST", &headers, body);
                    let reading = connector.read(&hook, &channel(), &settings);
                    assert_eq!(reading, connector.read(&hook, &channel(), &settings));
                    if let Ok(reading) = reading {
                        let ids = reading.observations.iter().all(has_id);
                        assert!(ids, "{} {name}: {:?} of {body:?}", connector.name(), reading.observations);
                    }
                }
            }
        }
    }
}

#[test]
fn an_error_keeps_its_status_and_an_answer_is_a_success() {
    for connector in ALL {
        for name in HOOKS {
            let hook = hook(name, "POST", &[], b"");
            for status in [400, 401, 403, 404, 413, 500, 503] {
                assert_eq!(connector.error(&hook, status, "no \"such\"\r\n<thing>").status, status);
            }
            let answer =
                connector.answer(&hook, &Reading::default(), &channel(), &[], "https://hooks.example.test");
            assert!(answer.is_success(), "{} {name}: {}", connector.name(), answer.status);
        }
    }
}
