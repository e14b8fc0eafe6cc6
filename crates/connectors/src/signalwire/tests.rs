//! Every test is a value in and a value out. The people and numbers are invented.

use super::errors::CODES;
use super::*;
use crate::lenient::time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeZone;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::time::Duration;
use twinwire_core::http::Method;
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::{AtProvider, Observation, Ordered, fold_order};
use twinwire_core::outcome::{Done, Page, RefusalKind};

const PROJECT: &str = "6e5f2c1a-90d4-4c7b-8f3e-2b1a7d9c4e60";
const KEY: &str = "PSK_not-a-real-key";
const OURS: &str = "+12015550123";
const THEIRS: &str = "+12015550188";
const FORM: &str = "application/x-www-form-urlencoded";
const PUBLIC: &str = "https://hooks.example.test";

fn settings() -> Settings {
    let answers =
        [("space", "acme"), ("project", PROJECT), ("token", "PT-not-a-real-token"), ("signing_key", KEY)];
    answers.into_iter().collect()
}

fn with(name: &str, value: &str) -> Settings {
    let mut settings = settings();
    settings.set(name, value);
    settings
}

fn channel() -> Channel {
    Channel {
        id: "chn_1".to_owned(),
        pair: "front_signalwire".to_owned(),
        address: OURS.to_owned(),
        region: Some("US".to_owned()),
        helpdesk_channel_id: None,
    }
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap()
}

fn order(recipient: &str, body: &str) -> Message {
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
        occurred_at: Some(noon()),
    };
    fold_order(None, &order, OURS, noon())
}

fn context<'a>(settings: &'a Settings, channel: Option<&'a Channel>) -> Context<'a> {
    Context { channel, settings, thread: None, files: &[], public_url: PUBLIC, now: noon(), nonce: 7 }
}

fn built(call: &Call<'_>, settings: &Settings) -> Result<Request, Refusal> {
    SignalWire.build(call, &context(settings, Some(&channel())))
}

fn judged(call: &Call<'_>, reply: &Reply) -> Outcome {
    SignalWire.judge(call, &context(&settings(), Some(&channel())), reply)
}

fn replied(status: u16, body: &Value) -> Reply {
    Reply::Answer(Answer::json(status, body))
}

/// A hook as it comes, with what signs it.
struct Came {
    name: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Came {
    fn new(name: &'static str, url: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { name, url: url.to_owned(), headers, body: body.into() }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs `text`, which is what the vendor is taken to have put together.
    fn signed(self, text: &str) -> Self {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        self.header("x-signalwire-signature", &signature)
    }

    fn hook(&self) -> Hook<'_> {
        Hook { name: self.name, method: "POST", url: &self.url, headers: &self.headers, body: &self.body }
    }

    fn verify(&self, settings: &Settings) -> Result<(), Unverified> {
        SignalWire.verify(&self.hook(), settings, noon())
    }

    fn read(&self) -> Result<Reading, Unreadable> {
        SignalWire.read(&self.hook(), &channel(), &settings())
    }

    fn seen(&self) -> AtProvider {
        match self.read().unwrap().observations.as_slice() {
            [Observation::AtProvider(seen)] => seen.clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn at_provider(observation: &Observation) -> &AtProvider {
    match observation {
        Observation::AtProvider(seen) => seen,
        other => panic!("{other:?}"),
    }
}

// ---- signatures

#[test]
fn the_vendors_own_libraries_and_we_agree_on_every_vector() {
    let vectors: Value = serde_json::from_str(include_str!("fixtures/signatures.json")).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let mut settings = with("signing_key", text("key"));
        settings.set("project", "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13");
        let came = Came::new("inbound", text("url"), text("content_type"), text("body"))
            .header(text("header"), text("signature"));
        let valid = vector["valid"].as_bool().unwrap();
        assert_eq!(came.verify(&settings).is_ok(), valid, "{}", text("name"));
    }
}

#[test]
fn the_url_is_the_configured_one_byte_for_byte_but_for_what_never_goes_over_the_wire() {
    for (ours, theirs, believed) in [
        ("https://h.test/in?ref=a%2Bb+c", "https://h.test/in?ref=a%2Bb+c", true),
        ("https://h.test/in?ref=a%2Bb", "https://h.test/in?ref=a%2bb", false),
        ("https://h.test/in?b=1&a=2", "https://h.test/in?a=2&b=1", false),
        ("https://user:pass@h.test/in", "https://h.test/in", true),
        ("https://h.test/in#rc=5", "https://h.test/in", true),
        ("https://h.test/in?to=me@there", "https://h.test/in?to=me@there", true),
        ("https://H.Test/in", "https://H.Test/in", true),
        ("https://H.Test/in", "https://h.test/in", false),
        ("https://h.test:443/in", "https://h.test/in", true),
        ("https://h.test/in", "https://h.test:443/in", true),
        ("http://h.test/in", "http://h.test:80/in", true),
        ("http://h.test:8080/in", "http://h.test/in", true),
        ("http://h.test/in", "http://h.test:8080/in", false),
        ("https://[2001:db8::1]/in", "https://[2001:db8::1]/in", true),
        ("https://[2001:db8::1]:8443/in", "https://[2001:db8::1]/in", true),
        ("https://h.test", "https://h.test/", false),
        ("https://h.test/it's", "https://h.test/it's", true),
        ("https://h.test/it's", "https://h.test/it%27s", false),
    ] {
        let came = Came::new("inbound", ours, FORM, "Body=Hi&MessageSid=a1")
            .signed(&format!("{theirs}BodyHiMessageSida1"));
        assert_eq!(came.verify(&settings()).is_ok(), believed, "{ours} signed as {theirs}");
    }
}

#[test]
fn a_signature_over_the_url_alone_is_no_signature_of_a_form() {
    let url = "https://h.test/in";
    let came = Came::new("inbound", url, FORM, "Body=Hi&MessageSid=a1").signed(url);
    assert_eq!(came.verify(&settings()), Err(Unverified::Invalid));
    // Called something else it needs a hash, which only the signer can put into the URL.
    let came = Came::new("inbound", url, "application/json", r#"{"MessageSid":"a1"}"#).signed(url);
    assert_eq!(came.verify(&settings()), Err(Unverified::Missing));
}

#[test]
fn a_body_that_is_no_form_must_have_the_hash_that_the_url_names() {
    let hash = "3ec6c06ac9cd7c5e2dda8c2b2f0a3ad4d4b6b6c5ea2fb04a4f15e7d95b4c9f20";
    let url = format!("https://h.test/in?bodySHA256={hash}");
    let came = Came::new("inbound", &url, "application/json", r#"{"MessageSid":"a1"}"#).signed(&url);
    assert_eq!(came.verify(&settings()), Err(Unverified::Invalid));
}

#[test]
fn what_is_wrong_with_a_hook_is_said_in_order() {
    let url = "https://h.test/in";
    let unsigned = || Came::new("inbound", url, FORM, format!("AccountSid={PROJECT}"));
    let good = || unsigned().signed(&format!("{url}AccountSid{PROJECT}"));
    assert_eq!(good().verify(&settings()), Ok(()));
    assert_eq!(good().verify(&with("signing_key", "")), Err(Unverified::NoKey));
    assert_eq!(unsigned().verify(&settings()), Err(Unverified::Missing));
    assert_eq!(unsigned().header("x-signalwire-signature", "").verify(&settings()), Err(Unverified::Missing));
    assert_eq!(
        unsigned().header("x-signalwire-signature", "AAAA").verify(&settings()),
        Err(Unverified::Invalid)
    );
    assert_eq!(good().verify(&with("project", "another")), Err(Unverified::OtherAccount));
    assert_eq!(good().verify(&with("project", &PROJECT.to_uppercase())), Ok(()));
    let both = Came::new("inbound", url, FORM, format!("AccountSid={PROJECT}&AccountSid=x"));
    let both = both.signed(&format!("{url}AccountSid{PROJECT}AccountSidx"));
    assert_eq!(both.verify(&settings()), Err(Unverified::OtherAccount));
    // Known of one that is not signed as well, whatever the signature is worth.
    let names_other =
        |came: &Came, settings: &Settings| SignalWire.is_of_other_account(&came.hook(), settings);
    assert!(!names_other(&unsigned(), &settings()) && names_other(&both, &settings()));
    assert!(names_other(&unsigned(), &with("project", "another")));
}

// ---- hooks

#[test]
fn a_message_from_a_customer_is_read() {
    let body = "MessageSid=a1&SmsSid=a1&From=%2B12015550188&To=%2B1+201+555+0123&Body=Gr%C3%BC%C3%9Fe+%F0%9F%91%8B\
                &NumMedia=1&MediaUrl0=https%3A%2F%2Fm.test%2F1&Tag=x&Tag=y%00";
    let seen =
        Came::new("inbound", "https://h.test/in", "application/x-www-form-urlencoded; charset=utf-8", body)
            .seen();
    let expected = AtProvider {
        id: "a1".to_owned(),
        direction: Direction::Inbound,
        from: THEIRS.to_owned(),
        to: OURS.to_owned(),
        body: Some("Grüße 👋".to_owned()),
        files: Vec::new(),
        said: None,
        status: Some(Status::Received),
        error_code: None,
        error_message: None,
        created_at: None,
        sent_at: None,
        updated_at: None,
        reference: None,
        data: Some(json!({
            "MessageSid": "a1", "SmsSid": "a1", "From": THEIRS, "To": "+1 201 555 0123", "Body": "Grüße 👋",
            "NumMedia": "1", "MediaUrl0": "https://m.test/1", "Tag": ["x", "y"],
        })),
    };
    assert_eq!(seen, expected);
}

#[test]
fn a_status_is_read_from_a_form_and_from_json_with_our_reference() {
    let url = "https://h.test/status?ref=msg_7-%2B12015550188";
    let form =
        "MessageSid=a1&MessageStatus=undelivered&SmsStatus=sent&ErrorCode=30005&From=%2B12015550123&To=ACME";
    let json = r#"{"MessageSid":"a1","MessageStatus":"undelivered","ErrorCode":30005,"From":"+12015550123","To":"ACME"}"#;
    for (content_type, body) in [(FORM, form), ("application/json; charset=utf-8", json)] {
        let came = Came::new("status", url, content_type, body);
        let seen = came.seen();
        assert_eq!(came.read().unwrap().event, "status");
        assert_eq!((seen.direction, seen.status), (Direction::Outbound, Some(Status::Undelivered)));
        assert_eq!(seen.error_code.as_deref(), Some("30005"));
        assert_eq!(seen.error_message.as_deref(), Some("the number is unknown"));
        assert_eq!(seen.reference.as_deref(), Some("msg_7-+12015550188"));
        assert_eq!((seen.from.as_str(), seen.to.as_str()), (OURS, "ACME"));
        assert_eq!((seen.body, seen.data, seen.created_at), (None, None, None));
    }
}

#[test]
fn what_a_hook_leaves_out_or_writes_differently_is_borne() {
    let status = |body: &str| Came::new("status", "https://h.test/status", FORM, body).seen();
    assert_eq!(status("SmsSid=a1&SmsStatus=SENT").status, Some(Status::Sent));
    assert_eq!(status("SmsSid=a1&MessageStatus=teleported").status, None);
    assert_eq!(status("MessageSid=&SmsSid=a1").id, "a1");
    assert_eq!(status("SmsSid=a1&ErrorCode=").error_code, None);
    assert_eq!(status("SmsSid=a1&ErrorCode=12&ErrorMessage=odd").error_message.as_deref(), Some("odd"));
    assert_eq!(status("SmsSid=a1&ErrorCode=12").error_message, None);
    assert_eq!(status("SmsSid=a1").reference, None);
    let inbound = |body: &str| Came::new("inbound", "https://h.test/in", FORM, body).seen();
    assert_eq!(inbound("SmsSid=a1&SmsStatus=receiving").status, Some(Status::Receiving));
    assert_eq!(inbound("SmsSid=a1&SmsStatus=odd").status, Some(Status::Received));
    assert_eq!(inbound("SmsSid=a1&Body=&From=22395").body.as_deref(), Some(""));
    assert_eq!(inbound("SmsSid=a1").body, None);
}

#[test]
fn a_hook_that_makes_no_sense_says_so() {
    for (name, content_type, body) in [
        ("inbound", FORM, "Body=Hi"),
        ("inbound", FORM, ""),
        ("status", "application/json", "[]"),
        ("status", "application/json", "{"),
        ("status", "application/json", r#"{"MessageSid":null}"#),
        ("voice", FORM, "MessageSid=a1"),
    ] {
        assert!(Came::new(name, "https://h.test/x", content_type, body).read().is_err(), "{name} {body}");
    }
}

#[test]
fn answers_never_hold_words_that_could_be_texted_to_the_customer() {
    let nothing = br#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;
    let answer = |name: &'static str| {
        let came = Came::new(name, "https://h.test/x", FORM, "");
        SignalWire.answer(&came.hook(), &Reading::default(), &channel(), &[], PUBLIC)
    };
    let inbound = answer("inbound");
    assert_eq!((inbound.status, inbound.header("content-type")), (200, Some("text/xml")));
    assert_eq!(inbound.body, nothing);
    let status = answer("status");
    assert_eq!((status.status, status.body.len()), (204, 0));
    let came = Came::new("inbound", "https://h.test/x", FORM, "");
    let error = SignalWire.error(&came.hook(), 503, "the database is down");
    assert_eq!((error.status, error.header("content-type")), (503, Some("text/xml")));
    assert_eq!(error.body, nothing);
    let came = Came::new("status", "https://h.test/x", FORM, "");
    let error = SignalWire.error(&came.hook(), 403, "invalid signature");
    assert_eq!(
        (error.status, error.body.as_slice()),
        (403, br#"{"message":"invalid signature"}"#.as_slice())
    );
}

// ---- requests

fn base() -> String {
    format!("https://acme.signalwire.com/api/laml/2010-04-01/Accounts/{PROJECT}/Messages")
}

#[test]
fn a_message_is_sent_so_that_its_callback_names_it() {
    let message = order(THEIRS, "50% off & more – yes?");
    let request = built(&Call::Deliver(&message), &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Post, format!("{}.json", base())));
    assert_eq!(request.timeout, Duration::from_secs(30));
    let credentials = STANDARD.encode(format!("{PROJECT}:PT-not-a-real-token"));
    assert_eq!(
        request.headers,
        [
            ("authorization", format!("Basic {credentials}")),
            ("accept", "application/json".to_owned()),
            ("content-type", FORM.to_owned()),
        ]
    );
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "From=%2B12015550123&To=%2B12015550188&Body=50%25+off+%26+more+%E2%80%93+yes%3F&StatusCallback=\
         https%3A%2F%2Fhooks.example.test%2Fv1%2Fhooks%2Fsignalwire%2Fchn_1%2Fstatus%3Fref%3Dmsg_7-%252B12015550188"
    );
}

#[test]
fn a_callback_that_could_not_be_checked_is_not_asked_for() {
    let message = order(THEIRS, "Hi");
    let body = |settings: &Settings, channel: Option<&Channel>, public_url| {
        let context = Context { files: &[], public_url, ..context(settings, channel) };
        String::from_utf8(SignalWire.build(&Call::Deliver(&message), &context).unwrap().body).unwrap()
    };
    let plain = "From=%2B12015550123&To=%2B12015550188&Body=Hi";
    assert_eq!(body(&with("signing_key", ""), Some(&channel()), PUBLIC), plain);
    assert_eq!(body(&settings(), Some(&channel()), ""), plain);
    assert_eq!(body(&settings(), Some(&channel()), "https://"), plain);
    assert_eq!(body(&settings(), None, PUBLIC), plain);
    assert!(body(&settings(), Some(&channel()), PUBLIC).contains("StatusCallback"));
}

#[test]
fn the_callbacks_reference_comes_back_as_it_went_out() {
    for id in ["msg_7-+12015550188", "a b&c=d#e?f/ü%2B", "~-._"] {
        let message = Message { external_id: id.to_owned(), ..order(THEIRS, "Hi") };
        let request = built(&Call::Deliver(&message), &settings()).unwrap();
        let url = form_urlencoded::parse(&request.body)
            .find(|(name, _)| name == "StatusCallback")
            .unwrap()
            .1
            .into_owned();
        assert_eq!(Came::new("status", &url, FORM, "MessageSid=a1").seen().reference.as_deref(), Some(id));
    }
}

#[test]
fn reading_calls_are_built() {
    let message = order(THEIRS, "Hi");
    let next = format!("/api/laml/2010-04-01/Accounts/{PROJECT}/Messages?Page=1&PageToken=PA1");
    for (call, url) in [
        (
            Call::LookUp { message: &message, page: None },
            format!("{}.json?To=%2B12015550188&From=%2B12015550123&PageSize=100", base()),
        ),
        (Call::List { since: Some(noon()), page: None }, format!("{}.json?PageSize=500", base())),
        (Call::Check, format!("{}.json?PageSize=1", base())),
        (Call::Fetch { id: "a1-B2" }, format!("{}/a1-B2.json", base())),
        (Call::List { since: None, page: Some(&next) }, format!("https://acme.signalwire.com{next}")),
        (Call::LookUp { message: &message, page: Some(&next) }, format!("https://acme.signalwire.com{next}")),
    ] {
        let request = built(&call, &settings()).unwrap();
        assert_eq!((request.method, &request.url), (Method::Get, &url));
        assert!(request.body.is_empty());
        assert!(request.headers.iter().any(|(name, _)| *name == "authorization"));
    }
}

#[test]
fn a_double_may_stand_anywhere() {
    let settings = with("api_url", "http://127.0.0.1:9/{space}/sw/");
    let request = built(&Call::Check, &settings).unwrap();
    assert!(
        request.url.starts_with("http://127.0.0.1:9/acme/sw/api/laml/2010-04-01/Accounts/"),
        "{}",
        request.url
    );
    for page in ["/api/laml/x?Page=1", "http://127.0.0.1:9/acme/sw/api/laml/x?Page=1"] {
        let request = built(&Call::List { since: None, page: Some(page) }, &settings).unwrap();
        assert_eq!(request.url, "http://127.0.0.1:9/acme/sw/api/laml/x?Page=1");
    }
}

#[test]
fn credentials_go_to_no_other_host() {
    for page in [
        "",
        "https://evil.test/api/laml/x",
        "//evil.test/api/laml/x",
        "https://acme.signalwire.com.evil.test/api/laml/x",
        "https://acme.signalwire.com@evil.test/api/laml/x",
        "http://acme.signalwire.com/api/laml/x",
        "@evil.test/api/laml/",
        ".evil.test/api/laml/",
        "/2010-04-01/Accounts",
        "/api/laml/../../other",
        "/api/laml\\..\\x",
        "/api/laml/x\r\nHost: evil.test",
        "/api/laml/x y",
    ] {
        let refusal = built(&Call::List { since: None, page: Some(page) }, &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page:?}");
    }
}

#[test]
fn what_would_be_refused_for_certain_is_not_sent() {
    let long = order(THEIRS, &"ü".repeat(1601));
    assert!(built(&Call::Deliver(&order(THEIRS, &"ü".repeat(1600))), &settings()).is_ok());
    assert!(built(&Call::Deliver(&order("22395", "Hi")), &settings()).is_ok());
    for (message, code) in [
        (long, "21617"),
        (order(THEIRS, ""), "21602"),
        (order(THEIRS, " \n"), "21602"),
        (order("ACME", "Hi"), "21211"),
        (order("2015550188", "Hi"), "21211"),
        (order("+12", "Hi"), "21211"),
        (order("", "Hi"), "21211"),
    ] {
        let refusal = built(&Call::Deliver(&message), &settings()).unwrap_err();
        assert_eq!((refusal.kind, refusal.code.as_deref()), (RefusalKind::Permanent, Some(code)));
    }
    let message = order(THEIRS, "Hi");
    for call in [
        Call::Report { message: &message, reason: "why" },
        Call::Note { message: &message, external_id: "n", text: "t" },
        Call::Fetch { id: "" },
        Call::Fetch { id: "../../Accounts" },
        Call::Fetch { id: "a?b" },
    ] {
        assert_eq!(built(&call, &settings()).unwrap_err().kind, RefusalKind::Permanent, "{call:?}");
    }
}

#[test]
fn an_account_that_is_not_set_up_rests_until_it_is() {
    for (name, value) in [
        ("space", ""),
        ("space", "acme.evil.test/"),
        ("project", ""),
        ("project", "a/b"),
        ("token", ""),
        ("api_url", "ftp://x"),
        ("api_url", "https://"),
    ] {
        let refusal = built(&Call::Check, &with(name, value)).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Credentials, "{name}={value}");
        assert!(refusal.message.contains(&format!("`{name}`")), "{}", refusal.message);
    }
}

// ---- answers

#[test]
fn a_send_that_was_taken_brings_the_message() {
    let message = order(THEIRS, "Your parcel is ready.");
    let body = serde_json::from_str(include_str!("fixtures/message.json")).unwrap();
    let Outcome::Done(Done::Delivered(seen)) = judged(&Call::Deliver(&message), &replied(201, &body)) else {
        panic!()
    };
    let seen = at_provider(&seen);
    assert_eq!(seen.id, "0b7d3c52-6a1f-4e8d-9c20-5f4e3d2c1b0a");
    assert_eq!((seen.direction, seen.status), (Direction::Outbound, Some(Status::Queued)));
    assert_eq!((seen.from.as_str(), seen.to.as_str()), (OURS, THEIRS));
    assert_eq!(seen.body.as_deref(), Some("Your parcel is ready."));
    assert_eq!(seen.created_at, Some(Utc.with_ymd_and_hms(2026, 11, 21, 10, 15, 30).unwrap()));
    assert_eq!((seen.sent_at, &seen.error_code, &seen.reference), (None, &None, &None));
    assert_eq!(seen.data, Some(body));
    // An answer with next to nothing in it still says what we asked for.
    let Outcome::Done(Done::Delivered(seen)) =
        judged(&Call::Deliver(&message), &replied(200, &json!({"sid": "a1"})))
    else {
        panic!()
    };
    let seen = at_provider(&seen);
    assert_eq!((seen.id.as_str(), seen.from.as_str(), seen.to.as_str()), ("a1", OURS, THEIRS));
}

fn page_of(outcome: Outcome) -> Page {
    match outcome {
        Outcome::Done(Done::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_bad_element_does_not_lose_the_page() {
    let body: Value = serde_json::from_str(include_str!("fixtures/page.json")).unwrap();
    let list = Call::List { since: None, page: None };
    let page = page_of(judged(&list, &replied(200, &body)));
    let seen: Vec<_> = page.observations.iter().map(at_provider).collect();
    assert_eq!(seen.iter().map(|seen| seen.id.as_str()).collect::<Vec<_>>(), ["a1", "a2", "a3", "a4"]);
    assert_eq!(
        (seen[0].direction, &seen[0].body, seen[0].status),
        (Direction::Inbound, &None, Some(Status::Received))
    );
    assert_eq!(seen[1].error_code.as_deref(), Some("30005"));
    assert_eq!(seen[1].error_message.as_deref(), Some("the number is unknown"));
    assert_eq!(seen[1].created_at, Some(Utc.with_ymd_and_hms(2026, 11, 21, 10, 10, 0).unwrap()));
    assert_eq!(seen[1].updated_at, Some(Utc.with_ymd_and_hms(2026, 11, 21, 10, 10, 5).unwrap()));
    assert_eq!((seen[2].error_code.as_deref(), seen[2].created_at), (Some("30007"), None));
    assert_eq!(seen[2].error_message.as_deref(), Some("Carrier violation"));
    assert_eq!((seen[3].status, seen[3].from.as_str(), seen[3].to.as_str()), (None, "22395", "ACME"));
    let next = page.next.unwrap();
    let further = built(&Call::List { since: None, page: Some(&next) }, &settings()).unwrap();
    assert_eq!(further.url, format!("https://acme.signalwire.com{next}"));
}

#[test]
fn a_look_up_that_cannot_be_read_whole_proves_nothing() {
    let message = order(THEIRS, "Hi");
    let look_up = Call::LookUp { message: &message, page: None };
    let whole = json!({"messages": [{"sid": "a1"}], "next_page_uri": null});
    let page = page_of(judged(&look_up, &replied(200, &whole)));
    assert_eq!((page.observations.len(), page.next), (1, None));
    let empty = page_of(judged(&look_up, &replied(200, &json!({"messages": [], "next_page_uri": ""}))));
    assert_eq!(empty, Page::default());
    for body in [json!({}), json!({"messages": null}), json!({"messages": [{"sid": null}]}), json!([])] {
        let outcome = judged(&look_up, &replied(200, &body));
        assert!(
            matches!(&outcome, Outcome::Refused(Refusal { kind: RefusalKind::Later, .. })),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_single_message_and_the_check_are_judged() {
    let fetched = page_of(judged(
        &Call::Fetch { id: "a1" },
        &replied(200, &json!({"sid": "a1", "status": "initiated"})),
    ));
    assert_eq!(at_provider(&fetched.observations[0]).status, Some(Status::Sending));
    assert_eq!(judged(&Call::Check, &replied(200, &json!({"messages": []}))), Outcome::Done(Done::Checked));
    let portal = Reply::Answer(Answer::of(200, "text/html", "<html>Please log in to the Wi-Fi</html>"));
    assert!(matches!(
        judged(&Call::Check, &portal),
        Outcome::Refused(Refusal { kind: RefusalKind::Later, .. })
    ));
}

/// What an outcome is, in one word.
fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Unknown(_) => "unknown",
        Outcome::Refused(refusal) => match refusal.kind {
            RefusalKind::Permanent => "permanent",
            RefusalKind::OptedOut => "opted out",
            RefusalKind::Later => "later",
            RefusalKind::Throttled(_) => "throttled",
            RefusalKind::Credentials => "credentials",
        },
    }
}

#[test]
fn answers_are_judged_by_code_and_status() {
    let message = order(THEIRS, "Hi");
    let code = |code: u32| json!({"code": code, "message": "", "status": 400});
    for (status, body, send, list) in [
        (400, code(21211), "permanent", "permanent"),
        (422, json!({"code": "21717", "status": 400, "message": "No campaign"}), "permanent", "permanent"),
        (400, code(21610), "permanent", "permanent"),
        (400, code(99999), "permanent", "permanent"),
        (400, code(21611), "throttled", "throttled"),
        (503, code(20429), "throttled", "throttled"),
        (400, code(20429), "throttled", "throttled"),
        (400, code(30008), "later", "later"),
        (400, code(20504), "unknown", "later"),
        (400, code(4001), "credentials", "credentials"),
        (402, code(30002), "credentials", "credentials"),
        (400, code(20003), "credentials", "credentials"),
        (401, json!(null), "credentials", "credentials"),
        (401, code(21610), "credentials", "credentials"),
        (403, code(99999), "credentials", "credentials"),
        (403, code(21610), "permanent", "permanent"),
        (404, code(20404), "credentials", "credentials"),
        (404, json!("no such page"), "credentials", "credentials"),
        (404, code(21211), "permanent", "permanent"),
        (405, json!({}), "permanent", "permanent"),
        (409, json!({}), "permanent", "permanent"),
        (413, json!({}), "permanent", "permanent"),
        (408, json!({}), "unknown", "later"),
        (429, json!({}), "throttled", "throttled"),
        (500, code(21211), "unknown", "later"),
        (500, json!({}), "unknown", "later"),
        (502, json!("bad gateway"), "unknown", "later"),
        (504, json!([]), "unknown", "later"),
        (599, json!({}), "unknown", "later"),
        (302, json!({}), "later", "later"),
        (100, json!({}), "unknown", "later"),
        (200, json!({}), "unknown", "later"),
        (201, json!({"sid": ""}), "unknown", "later"),
        (201, json!({"sid": 7}), "done", "later"),
    ] {
        let reply = replied(status, &body);
        assert_eq!(verdict(&judged(&Call::Deliver(&message), &reply)), send, "send, {status} {body}");
        assert_eq!(
            verdict(&judged(&Call::List { since: None, page: None }, &reply)),
            list,
            "list, {status} {body}"
        );
    }
}

#[test]
fn no_answer_is_unknown_for_a_send_and_nothing_for_a_look() {
    let message = order(THEIRS, "Hi");
    let (send, look) = (Call::Deliver(&message), Call::LookUp { message: &message, page: None });
    let (no_answer, not_sent) =
        (Reply::NoAnswer("timed out".to_owned()), Reply::NotSent("refused".to_owned()));
    assert_eq!(judged(&send, &no_answer), Outcome::Unknown("timed out".to_owned()));
    assert_eq!(judged(&look, &no_answer), Outcome::Refused(Refusal::later("timed out")));
    assert_eq!(judged(&send, &not_sent), Outcome::Refused(Refusal::later("refused")));
    assert_eq!(judged(&look, &not_sent), Outcome::Refused(Refusal::later("refused")));
    for body in ["", "OK", "<html>", "{", "null", "\u{0}"] {
        let reply = Reply::Answer(Answer::of(201, "application/json", body));
        assert_eq!(verdict(&judged(&send, &reply)), "unknown", "{body:?}");
    }
}

#[test]
fn what_is_not_found_depends_on_what_was_asked_for() {
    let message = order(THEIRS, "Hi");
    let page = Some("/api/laml/x");
    for (call, expected) in [
        (Call::Fetch { id: "a1" }, "permanent"),
        (Call::Check, "credentials"),
        (Call::LookUp { message: &message, page: None }, "credentials"),
        (Call::LookUp { message: &message, page }, "later"),
        (Call::List { since: None, page }, "later"),
    ] {
        let outcome = judged(&call, &replied(404, &json!({"code": 20404, "message": "not found"})));
        assert_eq!(verdict(&outcome), expected, "{call:?}");
    }
}

#[test]
fn files_that_are_told_of_and_not_listed_are_not_there_yet_or_any_more() {
    let mut message = order(THEIRS, "Hi");
    for (minutes, expected) in [(1, "later"), (3, "permanent")] {
        message.seen_at = noon() - chrono::TimeDelta::minutes(minutes);
        for reply in [replied(200, &json!({"media_list": []})), replied(404, &json!({"code": 20404}))] {
            assert_eq!(verdict(&judged(&Call::Files(&message), &reply)), expected, "{minutes}, {reply:?}");
        }
    }
    let listed = replied(200, &json!({"media_list": [{"uri": "/x", "content_type": "image/png"}]}));
    assert_eq!(verdict(&judged(&Call::Files(&message), &listed)), "done");
}

fn refusal_of(reply: &Reply) -> Refusal {
    match judged(&Call::Deliver(&order(THEIRS, "Hi")), reply) {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_keeps_the_vendors_code_and_words() {
    let refusal =
        refusal_of(&replied(422, &json!({"code": "21717", "message": "From is not in a campaign"})));
    assert_eq!(refusal.describe(), "(21717) From is not in a campaign");
    assert_eq!(refusal_of(&replied(400, &json!({"code": 21617}))).describe(), "(21617) the text is too long");
    assert_eq!(refusal_of(&replied(400, &json!("odd"))).describe(), "SignalWire answered 400");
    let listed = json!({"errors": [{"code": "21610", "message": "Blocked"}]});
    assert_eq!(refusal_of(&replied(422, &listed)).describe(), "(21610) Blocked");
    let denied = refusal_of(&replied(401, &json!({"code": 20003, "message": "Denied"})));
    assert_eq!(denied.describe(), "(20003) SignalWire refuses the project ID or the API token: Denied");
    let long = refusal_of(&replied(400, &json!({"code": 1, "message": "ü".repeat(900)})));
    assert_eq!(long.message.chars().count(), 300);
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    for (seconds, expected) in [("7", Some(7)), ("soon", None)] {
        let mut answer = Answer::json(429, &json!({"code": 20429}));
        answer.headers.push(("retry-after".to_owned(), seconds.to_owned()));
        let kind = refusal_of(&Reply::Answer(answer)).kind;
        assert_eq!(kind, RefusalKind::Throttled(expected.map(Duration::from_secs)));
    }
}

#[test]
fn every_code_of_the_table_has_words_and_a_kind() {
    assert_eq!(CODES.count(), 53);
    let rows: Value = serde_json::from_str(include_str!("fixtures/errors.json")).unwrap();
    for row in rows.as_array().unwrap() {
        let code = row["code"].to_string();
        assert!(CODES.meaning(&code).is_some_and(|words| !words.is_empty()), "{code}");
        let undecided = matches!(row["class"].as_str(), Some("ambiguous" | "not_found"));
        assert_eq!(CODES.class(&code).unwrap().kind().is_none(), undecided, "{code}");
    }
    assert_eq!(CODES.meaning("1"), None);
}

// ---- words and times

#[test]
fn times_are_read_as_mail_writes_them_and_as_iso_does() {
    let expected = Utc.with_ymd_and_hms(2026, 11, 21, 10, 15, 30).unwrap();
    for written in [
        "Sat, 21 Nov 2026 10:15:30 +0000",
        "Mon, 21 Nov 2026 10:15:30 +0000",
        "21 Nov 2026 12:15:30 +0200",
        "Sat, 21 Nov 2026 10:15:30 GMT",
        "2026-11-21T10:15:30Z",
        "2026-11-21T11:15:30+01:00",
        "2026-11-21T10:15:30",
        "2026-11-21 10:15:30",
    ] {
        assert_eq!(time(written), Some(expected), "{written}");
    }
    for written in ["", "yesterday", "2026-11-21", "Sat, 31 Feb 2026 10:15:30 +0000"] {
        assert_eq!(time(written), None, "{written}");
    }
}

#[test]
fn every_word_for_a_status_is_known() {
    for (word, status) in [
        ("queued", Status::Queued),
        ("initiated", Status::Sending),
        ("sending", Status::Sending),
        ("sent", Status::Sent),
        ("delivered", Status::Delivered),
        ("undelivered", Status::Undelivered),
        ("failed", Status::Failed),
        ("received", Status::Received),
        ("receiving", Status::Receiving),
        ("read", Status::Read),
        ("accepted", Status::Accepted),
        ("scheduled", Status::Accepted),
        ("canceled", Status::Canceled),
        ("Delivered", Status::Delivered),
    ] {
        assert_eq!(resource::status(word), Some(status), "{word}");
    }
    assert_eq!(resource::status("partially_delivered"), None);
}

#[test]
fn the_direction_is_told_or_guessed() {
    for (resource, expected) in [
        (json!({"sid": "a", "direction": "inbound"}), Direction::Inbound),
        (json!({"sid": "a", "direction": "outbound-api"}), Direction::Outbound),
        (json!({"sid": "a", "direction": "outbound", "status": "received"}), Direction::Outbound),
        (json!({"sid": "a", "status": "received"}), Direction::Inbound),
        (json!({"sid": "a"}), Direction::Outbound),
    ] {
        assert_eq!(resource::message(&resource).unwrap().direction, expected, "{resource}");
    }
}

// ---- set-up

fn answers(changed: &[(&str, &str)]) -> Settings {
    let mut answers = settings();
    answers.set("phone", "+1 (201) 555-0123");
    for (name, value) in changed {
        answers.set(*name, *value);
    }
    answers
}

#[test]
fn answers_are_tidied() {
    for space in ["acme", " Acme ", "acme.signalwire.com", "https://ACME.signalwire.com/dashboard", "acme/x"]
    {
        let project = format!(" {PROJECT}\n");
        let prepared = answers(&[
            ("space", space),
            ("project", &project),
            ("token", " PTx "),
            ("signing_key", "PSK_y "),
        ]);
        let prepared = SignalWire.prepare(&prepared).unwrap();
        assert_eq!(prepared.account, Some(format!("acme/{PROJECT}")), "{space}");
        assert_eq!(prepared.address, Some((OURS.to_owned(), Some("US".to_owned()))));
        for (name, tidy) in [
            ("phone", OURS),
            ("space", "acme"),
            ("project", PROJECT),
            ("token", "PTx"),
            ("signing_key", "PSK_y"),
        ] {
            assert_eq!(prepared.answers.get(name), Some(tidy), "{space}");
        }
    }
    let french = SignalWire.prepare(&answers(&[("phone", "+33 6 12 34 56 78")])).unwrap();
    assert_eq!(french.address, Some(("+33612345678".to_owned(), Some("FR".to_owned()))));
    let unsigned = SignalWire.prepare(&answers(&[("signing_key", "")])).unwrap();
    assert_eq!(unsigned.answers.get("signing_key"), None);
}

#[test]
fn a_wrong_answer_is_named_and_never_repeated() {
    for (name, value) in [
        ("phone", ""),
        ("phone", "2015550123"),
        ("phone", "(201) 555-0123"),
        ("phone", "ACME"),
        ("space", ""),
        ("space", "https://"),
        ("space", "my space"),
        ("space", "-acme"),
        ("space", "ac_me"),
        ("project", ""),
        ("project", "../x"),
        ("project", "a:b"),
        ("token", ""),
        ("token", "PT one two"),
        ("token", "PSK_123456"),
        ("signing_key", "PT123456"),
        ("signing_key", "PSK_1 2"),
    ] {
        let error = SignalWire.prepare(&answers(&[(name, value)])).unwrap_err();
        assert!(error.starts_with(&format!("`{name}`")), "{name}={value}: {error}");
        assert!(!error.contains("123456") && !error.contains("one two"), "{error}");
    }
    let error = SignalWire.prepare(&answers(&[("phone", "2015550123")])).unwrap_err();
    assert!(error.contains("starting with +"), "{error}");
}

// --- found by the fuzzer --------------------------------------------------------------------------------------------

#[test]
fn an_encoded_dot_leads_out_of_the_api_no_more_than_a_plain_one() {
    for page in [
        "/api/laml/%2e%2e/x",
        "/api/laml/%2E%2e/%2e%2E/secret",
        "/api/laml/.%2e/x",
        "/api/laml/%2e/x",
        "https://acme.signalwire.com/api/laml/%2e%2e/%2e%2e/x",
    ] {
        let refusal = built(&Call::List { since: None, page: Some(page) }, &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page}");
    }
    let genuine = "/api/laml/2010-04-01/Accounts/x/Messages?PageToken=..%2e%2e/..";
    assert!(built(&Call::List { since: None, page: Some(genuine) }, &settings()).is_ok());
}

#[test]
fn an_answer_leaves_no_nul_behind_that_could_not_be_stored() {
    let message = order(THEIRS, "Hi");
    let refusal = refusal_of(&Reply::Answer(Answer::of(
        400,
        "application/json",
        r#"{"code": "2\u00001211", "message": "no\u0000 such\u0000 number"}"#,
    )));
    assert_eq!(refusal.describe(), "(21211) no such number");
    let listed =
        Answer::of(200, "application/json", r#"{"messages": [], "next_page_uri": "/api/laml/\u0000x"}"#);
    let call = Call::LookUp { message: &message, page: None };
    assert_eq!(page_of(judged(&call, &Reply::Answer(listed))).next.as_deref(), Some("/api/laml/x"));
}

#[test]
fn a_code_without_end_is_cut() {
    let refusal = refusal_of(&replied(400, &json!({"code": "9".repeat(500), "message": "no"})));
    assert_eq!(refusal.code.map(|code| code.len()), Some(64));
}

#[test]
fn a_time_is_no_finer_than_it_is_kept_and_of_a_year_that_people_write() {
    let read = |written| time(written).map(|time| time.to_rfc3339());
    let kept = Some("2026-11-21T10:15:30.123456+00:00");
    assert_eq!(read("2026-11-21T10:15:30.123456789Z").as_deref(), kept);
    assert_eq!(read("2026-06-30T23:59:60Z").as_deref(), Some("2026-07-01T00:00:00+00:00"));
    assert_eq!(read("-5000-01-01 00:00:00"), None);
    assert_eq!(read("+200000-01-01 00:00:00"), None);
}

#[test]
fn an_id_or_address_that_nothing_could_hold_is_none() {
    let long = "a".repeat(201);
    let came = |id: &str, from: &str| {
        let fields = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("MessageSid", id), ("From", from), ("To", OURS)])
            .finish();
        Came::new("inbound", PUBLIC, FORM, fields)
    };
    let read = |came: &Came| SignalWire.read(&came.hook(), &channel(), &settings());
    assert_eq!(read(&came(&long, THEIRS)).unwrap_err().0, "there is no MessageSid");
    let reading = read(&came(&long[1..], &long)).unwrap();
    let seen = at_provider(&reading.observations[0]);
    assert_eq!((seen.id.len(), seen.from.as_str()), (200, ""));
}
