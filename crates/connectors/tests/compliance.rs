//! What holds for every connector, whatever its vendor. Nothing here is written for one of them; a new
//! connector is under test as soon as it stands in the list.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;
use twinwire_connectors::ALL;
use twinwire_core::connector::{Attachment, Call, Channel, Connector, Content, Context, Reading};
use twinwire_core::http::{Answer, Hook, Reply, Request};
use twinwire_core::model::{BoundBy, Direction, Message, Side, Status};
use twinwire_core::observe::{AtProvider, Observation, Ordered, fold_order, fold_provider};
use twinwire_core::outcome::{Done, Outcome, RefusalKind};
use twinwire_core::setting::Settings;
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

/// A file that goes along.
fn file(content: Content) -> Attachment {
    let (name, content_type) = ("a \"b\"\r\n.png".to_owned(), "image/png".to_owned());
    Attachment { nth: 0, name, content_type, content }
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
        data: Value::Null,
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
        Call::Check,
    ];
    calls.extend(["a1", "", "../../x", "a?b#c", "a\r\nb", "@evil.test"].map(|id| Call::Fetch { id }));
    calls
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

// ---- requests

/// What holds for every request: it goes to the configured API, carries no secret in its URL, has headers
/// that nobody outside could add to, and is given up before a look-up is trusted.
fn assert_sound(connector: &dyn Connector, call: &Call<'_>, request: &Request) {
    let about = format!("{} {call:?}", connector.name());
    let (Ok(url), Ok(api)) = (Url::parse(&request.url), Url::parse(API)) else {
        panic!("{about}: {} is no URL", request.url)
    };
    assert_eq!(url.origin(), api.origin(), "{about}: {url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{about}: {url}");
    assert!(request.url.bytes().all(|b| b.is_ascii_graphic()), "{about}: {}", request.url);
    for secret in secrets(connector) {
        assert!(!request.url.contains(&secret), "{about}: a secret in the URL");
    }
    for (name, value) in &request.headers {
        let lower = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(lower, "{about}: header {name}");
        assert!(value.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{about}: value of {name}");
    }
    assert!(request.timeout > Duration::ZERO, "{about}: no time-out");
    assert!(request.timeout < connector.caps().settling, "{about}: looked up before it was given up");
}

#[test]
fn every_call_is_built_soundly_or_refused() {
    for connector in ALL {
        let (set_up, not_set_up, channel) = (settings(*connector), Settings::default(), channel());
        let files =
            [file(Content::Bytes(vec![0; 9])), file(Content::Url("https://hooks.example.test/f".to_owned()))];
        let with = |files| Context { files, ..context(&set_up, Some(&channel), Some("cnv_1")) };
        let contexts = [
            context(&set_up, Some(&channel), Some("cnv_1")),
            context(&set_up, Some(&channel), Some("../x?y#z\r\n")),
            context(&set_up, None, None),
            with(&files[..1]),
            with(&files[1..]),
        ];
        for message in odd() {
            for call in calls(&message) {
                for context in &contexts {
                    let Ok(request) = connector.build(&call, context) else { continue };
                    assert_sound(*connector, &call, &request);
                    let path = request.url.split(['?', '#']).next().unwrap();
                    assert!(path.starts_with(&format!("{API}/")), "{} {call:?}: {path}", connector.name());
                    let parsed = Url::parse(&request.url).unwrap();
                    assert!(parsed.path().starts_with("/base/"), "{} {call:?}: {path}", connector.name());
                    let again = connector.build(&call, context).unwrap();
                    assert_eq!((&request.url, &request.headers), (&again.url, &again.headers));
                    assert_eq!(request.body, again.body);
                }
                let without = context(&not_set_up, Some(&channel), Some("cnv_1"));
                assert!(connector.build(&call, &without).is_err(), "{}: without settings", connector.name());
            }
        }
    }
}

#[test]
fn a_plain_message_can_be_delivered_and_looked_for() {
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        for call in [Call::Deliver(&message), Call::LookUp { message: &message, page: None }] {
            connector.build(&call, &context).unwrap();
        }
    }
}

#[test]
fn a_further_page_leads_to_no_other_host() {
    let pages = [
        "",
        "/",
        "x",
        "https://evil.test/base/x",
        "//evil.test/base/x",
        "https://vendor.test.evil.test/base",
        "https://vendor.test@evil.test/base",
        "https://evil.test@vendor.test/base",
        "http://vendor.test/base",
        "https://vendor.test:8443/base",
        "https://vendor.test/base/x y\r\nHost: evil.test",
        "https://vendor.test\\@evil.test/base",
        "@evil.test/",
        ".evil.test/",
        "/base/../../x",
        "file:///etc/passwd",
    ];
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        let context = context(&settings, Some(&channel), Some("cnv_1"));
        for page in pages.map(Some) {
            for call in [Call::LookUp { message: &message, page }, Call::List { since: None, page }] {
                if let Ok(request) = connector.build(&call, &context) {
                    assert_sound(*connector, &call, &request);
                }
            }
        }
    }
}

// ---- judging

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

/// Judges as the engine would have it, for every call that a message can need.
fn each_judged(reply: &Reply, check: impl Fn(&dyn Connector, &Call<'_>, Outcome)) {
    for connector in ALL {
        let (settings, channel, message) = (settings(*connector), channel(), plain(connector.side()));
        for thread in [None, Some("cnv_1")] {
            let context = context(&settings, Some(&channel), thread);
            for call in calls(&message) {
                check(*connector, &call, connector.judge(&call, &context, reply));
            }
        }
    }
}

fn answered(status: u16, body: &[u8]) -> Reply {
    Reply::Answer(Answer::of(status, "application/json", body))
}

#[test]
fn a_send_is_done_only_with_an_id() {
    for status in [200, 201, 202, 204, 299] {
        for body in GARBAGE {
            each_judged(&answered(status, body), |connector, call, outcome| {
                let about = format!("{} {call:?}: {status} {body:?}: {outcome:?}", connector.name());
                match (call, &outcome) {
                    (Call::Deliver(_), Outcome::Done(Done::Delivered(seen))) => {
                        assert!(has_id(seen), "{about}");
                    }
                    (Call::Deliver(_), Outcome::Unknown(_)) => {}
                    (Call::Deliver(_), _) => panic!("{about}"),
                    // What a look-up does not show is sent again: an answer that cannot be read is no empty
                    // page.
                    (Call::LookUp { .. }, _) => assert!(!matches!(outcome, Outcome::Done(_)), "{about}"),
                    _ => {}
                }
            });
        }
    }
}

#[test]
fn a_send_without_a_clear_answer_is_unknown_and_never_refused() {
    let mut unclear = vec![Reply::NoAnswer("timed out".to_owned())];
    for status in [500, 502, 503, 504, 520, 599] {
        unclear.extend(GARBAGE.map(|body| answered(status, body)));
        let error = json!({"code": 400, "status": 400, "message": "bad", "_error": {"status": 400, "message": "bad"}});
        unclear.push(Reply::Answer(Answer::json(status, &error)));
    }
    for reply in unclear {
        each_judged(&reply, |connector, call, outcome| {
            let about = format!("{} {call:?}: {reply:?}: {outcome:?}", connector.name());
            match call {
                Call::Deliver(_) | Call::Note { .. } => {
                    assert!(matches!(outcome, Outcome::Unknown(_)), "{about}");
                }
                _ => assert!(!matches!(outcome, Outcome::Done(_)), "{about}"),
            }
        });
    }
}

#[test]
fn what_never_left_is_tried_later() {
    each_judged(&Reply::NotSent("no connection".to_owned()), |connector, call, outcome| {
        let Outcome::Refused(refusal) = outcome else { panic!("{} {call:?}: {outcome:?}", connector.name()) };
        assert_eq!(refusal.kind, RefusalKind::Later, "{} {call:?}", connector.name());
    });
}

#[test]
fn a_throttle_is_kept_with_its_wait() {
    for (given, expected) in [(Some("7"), Some(Duration::from_secs(7))), (Some("soon"), None), (None, None)] {
        let mut answer = Answer::json(429, &json!({}));
        answer.headers.extend(given.map(|seconds| header("retry-after", seconds)));
        each_judged(&Reply::Answer(answer), |connector, call, outcome| {
            let Outcome::Refused(refusal) = outcome else {
                panic!("{} {call:?}: {outcome:?}", connector.name())
            };
            assert_eq!(refusal.kind, RefusalKind::Throttled(expected), "{} {call:?}", connector.name());
        });
    }
}

#[test]
fn refusals_are_refusals_with_words() {
    for status in [400, 401, 403, 404, 405, 409, 413, 415, 422] {
        for body in GARBAGE {
            each_judged(&answered(status, body), |connector, call, outcome| {
                let about = format!("{} {call:?}: {status} {body:?}: {outcome:?}", connector.name());
                let Outcome::Refused(refusal) = outcome else {
                    // Whether a conflict means that it is there already, the vendor has to say.
                    assert!(status == 409 && matches!(outcome, Outcome::Unknown(_)), "{about}");
                    return;
                };
                assert!(!refusal.message.trim().is_empty(), "{about}");
                assert!(refusal.message.chars().count() <= 300, "{about}");
                if status == 401 {
                    assert_eq!(refusal.kind, RefusalKind::Credentials, "{about}");
                }
            });
        }
    }
}
