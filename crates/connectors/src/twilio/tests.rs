//! Every test is a value in and a value out. The people and numbers are invented. The signature's own vectors are in
//! `crates/connectors/tests/signatures.rs`.

use super::errors::CODES;
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeZone;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::time::Duration;
use twinwire_core::http::Method;
use twinwire_core::model::{Act, Direction, Status};
use twinwire_core::observe::{AtProvider, Observation, Ordered, fold_order};
use twinwire_core::outcome::{Done, Page, RefusalKind};
use twinwire_core::settle::begin;

const ACCOUNT: &str = "AC0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SERVICE: &str = "MG0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const KEY_SID: &str = "SK00112233445566778899aabbccddeeff";
const TOKEN: &str = "not-a-real-token";
const OURS: &str = "+12015550123";
const THEIRS: &str = "+12015550188";
const FORM: &str = "application/x-www-form-urlencoded";
const PUBLIC: &str = "https://hooks.example.test";

fn settings() -> Settings {
    [("account_sid", ACCOUNT), ("auth_token", TOKEN)].into_iter().collect()
}

fn with(changed: &[(&str, &str)]) -> Settings {
    let mut settings = settings();
    for (name, value) in changed {
        settings.set(*name, *value);
    }
    settings
}

fn channel() -> Channel {
    Channel {
        id: "chn_1".to_owned(),
        pair: "front_twilio".to_owned(),
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
    Twilio.build(call, &context(settings, Some(&channel())))
}

fn sent(message: &Message, settings: &Settings, address: &str) -> Result<Vec<(String, String)>, Refusal> {
    let channel = Channel { address: address.to_owned(), ..channel() };
    let request = Twilio.build(&Call::Deliver(message), &context(settings, Some(&channel)))?;
    Ok(form_urlencoded::parse(&request.body).into_owned().collect())
}

fn judged(call: &Call<'_>, reply: &Reply) -> Outcome {
    Twilio.judge(call, &context(&settings(), Some(&channel())), reply)
}

fn replied(status: u16, body: &Value) -> Reply {
    Reply::Answer(Answer::json(status, body))
}

/// A hook as it comes, with what signs it.
struct Came {
    name: &'static str,
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Came {
    fn new(name: &'static str, url: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { name, method: "POST", url: url.to_owned(), headers, body: body.into() }
    }

    /// Signs `text`, which is what the vendor is taken to have put together.
    fn signed(mut self, text: &str) -> Self {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        self.headers.push(("x-twilio-signature".to_owned(), signature));
        self
    }

    fn hook(&self) -> Hook<'_> {
        let Self { name, method, url, headers, body } = self;
        Hook { name, method, url, headers, body }
    }

    fn verify(&self, settings: &Settings) -> Result<(), Unverified> {
        Twilio.verify(&self.hook(), settings, noon())
    }

    fn read(&self) -> Result<Reading, Unreadable> {
        Twilio.read(&self.hook(), &channel(), &settings())
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

// ---- hooks

#[test]
fn only_the_primary_auth_token_is_believed_whatever_makes_the_calls() {
    let url = "https://h.test/in";
    let unsigned = || Came::new("inbound", url, FORM, format!("AccountSid={ACCOUNT}"));
    let good = || unsigned().signed(&format!("{url}AccountSid{ACCOUNT}"));
    let key = [("api_key_sid", KEY_SID), ("api_key_secret", "hush")];
    assert_eq!(good().verify(&with(&key)), Ok(()));
    assert_eq!(good().verify(&with(&[key[0], key[1], ("auth_token", "")])), Err(Unverified::NoKey));
    assert_eq!(good().verify(&with(&[("auth_token", "another")])), Err(Unverified::Invalid));
    assert_eq!(unsigned().verify(&settings()), Err(Unverified::Missing));
    assert_eq!(good().verify(&with(&[("account_sid", "another")])), Err(Unverified::OtherAccount));
    let both = Came::new("inbound", url, FORM, format!("AccountSid={ACCOUNT}&AccountSid=x"));
    let both = both.signed(&format!("{url}AccountSid{ACCOUNT}AccountSidx"));
    assert_eq!(both.verify(&settings()), Err(Unverified::OtherAccount));
    // Known of one that is not signed as well, whatever the signature is worth.
    let names_other = |came: &Came, settings: &Settings| Twilio.is_of_other_account(&came.hook(), settings);
    assert!(!names_other(&unsigned(), &settings()) && names_other(&both, &settings()));
    assert!(names_other(&unsigned(), &with(&[("account_sid", "another"), ("auth_token", "")])));
}

#[test]
fn a_webhook_may_be_set_to_get_and_is_then_signed_by_its_url_alone() {
    let query =
        format!("AccountSid={ACCOUNT}&MessageSid=SM1&From=%2B12015550188&To=%2B12015550123&Body=a%26b");
    let url = format!("https://h.test/in?{query}");
    let get = |url: &str, signed: &str| {
        Came { method: "GET", ..Came::new("inbound", url, FORM, "") }.signed(signed)
    };
    let came = get(&url, &url);
    assert_eq!(came.verify(&settings()), Ok(()));
    assert_eq!(came.verify(&with(&[("account_sid", "another")])), Err(Unverified::OtherAccount));
    let seen = came.seen();
    assert_eq!((seen.from.as_str(), seen.to.as_str(), seen.body.as_deref()), (THEIRS, OURS, Some("a&b")));
    assert_eq!(get(&url.replace("a%26b", "b"), &url).verify(&settings()), Err(Unverified::Invalid));
    assert_eq!(get(&format!("{url}#rc=5"), &url).verify(&settings()), Ok(()));
    // A form is covered with its fields: by the URL alone another body could be put under a genuine signature.
    let posted = Came::new("inbound", &url, FORM, "Body=other").signed(&url);
    assert_eq!(posted.verify(&settings()), Err(Unverified::Invalid));
}

#[test]
fn a_message_from_a_customer_is_read_and_all_of_it_is_kept() {
    let body = "ToCountry=US&SmsMessageSid=SM1&NumMedia=0&FromCity=&SmsSid=SM1&SmsStatus=received&Body=Stop&To=%2B12015550123\
                &OptOutType=STOP&MessagingServiceSid=MG1&NumSegments=1&MessageSid=SM1&From=%2B12015550188&ApiVersion=2010-04-01";
    let seen =
        Came::new("inbound", "https://h.test/in", "application/x-www-form-urlencoded; charset=utf-8", body)
            .seen();
    let data = seen.data.clone().unwrap();
    assert_eq!((&data["OptOutType"], &data["FromCity"]), (&json!("STOP"), &json!("")));
    let expected = AtProvider {
        id: "SM1".to_owned(),
        direction: Direction::Inbound,
        from: THEIRS.to_owned(),
        to: OURS.to_owned(),
        body: Some("Stop".to_owned()),
        files: Vec::new(),
        said: None,
        status: Some(Status::Received),
        error_code: None,
        error_message: None,
        created_at: None,
        sent_at: None,
        updated_at: None,
        reference: None,
        data: Some(data),
    };
    assert_eq!(seen, expected);
}

#[test]
fn a_message_on_whatsapp_keeps_its_network_in_both_addresses() {
    let body =
        "MessageSid=SM1&From=whatsapp%3A%2B12015550188&To=whatsapp%3A%2B12015550123&Body=Hi&WaId=12015550188";
    let seen = Came::new("inbound", "https://h.test/in", FORM, body).seen();
    assert_eq!((seen.customer(), seen.ours()), ("whatsapp:+12015550188", "whatsapp:+12015550123"));
}

#[test]
fn a_status_is_read_with_our_reference() {
    let url = "https://h.test/status?ref=msg_7-%2B12015550188";
    let form = "MessageSid=SM1&MessageStatus=undelivered&SmsStatus=sent&ErrorCode=30005&ErrorMessage=Unknown&To=%2B12015550188";
    let json = r#"{"MessageSid":"SM1","MessageStatus":"undelivered","ErrorCode":30005,"To":"+12015550188"}"#;
    for (content_type, body) in [(FORM, form), ("application/json", json)] {
        let seen = Came::new("status", url, content_type, body).seen();
        assert_eq!((seen.direction, seen.status), (Direction::Outbound, Some(Status::Undelivered)));
        assert_eq!(seen.error_code.as_deref(), Some("30005"));
        assert_eq!(seen.error_message.as_deref(), Some("the number is unknown"));
        assert_eq!(seen.reference.as_deref(), Some("msg_7-+12015550188"));
        assert_eq!((seen.from.as_str(), seen.to.as_str()), ("", THEIRS));
        assert_eq!((seen.body, seen.data, seen.created_at), (None, None, None));
    }
}

#[test]
fn what_a_hook_leaves_out_or_writes_differently_is_borne() {
    let status = |body: &str| Came::new("status", "https://h.test/status", FORM, body).seen();
    assert_eq!(status("SmsSid=SM1&SmsStatus=SENT").status, Some(Status::Sent));
    assert_eq!(status("SmsSid=SM1&MessageStatus=teleported").status, None);
    assert_eq!(status("SmsSid=SM1&EventType=READ&MessageStatus=read").status, Some(Status::Read));
    assert_eq!(status("MessageSid=&SmsSid=SM1").id, "SM1");
    assert_eq!(status("SmsSid=SM1&ErrorCode=12&ErrorMessage=odd").error_message.as_deref(), Some("odd"));
    assert_eq!(status("SmsSid=SM1").reference, None);
    for (name, content_type, body) in [
        ("inbound", FORM, "Body=Hi"),
        ("status", "application/json", "[]"),
        ("status", "application/json", "{"),
        ("voice", FORM, "MessageSid=SM1"),
    ] {
        assert!(Came::new(name, "https://h.test/x", content_type, body).read().is_err(), "{name} {body}");
    }
}

#[test]
fn answers_never_hold_words_that_could_be_texted_to_the_customer() {
    let nothing = br#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;
    let came = |name| Came::new(name, "https://h.test/x", FORM, "");
    let answer = |name| Twilio.answer(&came(name).hook(), &Reading::default(), &channel(), &[], PUBLIC);
    let inbound = answer("inbound");
    assert_eq!((inbound.status, inbound.header("content-type")), (200, Some("text/xml")));
    assert_eq!(inbound.body, nothing);
    let status = answer("status");
    assert_eq!((status.status, status.body.len()), (204, 0));
    let error = Twilio.error(&came("inbound").hook(), 503, "the database is down");
    assert_eq!((error.status, error.body.as_slice()), (503, nothing.as_slice()));
    let error = Twilio.error(&came("status").hook(), 403, "invalid signature");
    assert_eq!(error.body, br#"{"message":"invalid signature"}"#);
}

// ---- requests

fn base() -> String {
    format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages")
}

#[test]
fn a_message_is_sent_so_that_its_callback_names_it() {
    let message = order(THEIRS, "50% off & more – yes?");
    let request = built(&Call::Deliver(&message), &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Post, format!("{}.json", base())));
    assert_eq!(request.timeout, Duration::from_secs(30));
    let credentials = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
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
         https%3A%2F%2Fhooks.example.test%2Fv1%2Fhooks%2Ftwilio%2Fchn_1%2Fstatus%3Fref%3Dmsg_7-%252B12015550188"
    );
}

#[test]
fn an_api_key_makes_the_calls_where_there_is_one() {
    let key = [("api_key_sid", KEY_SID), ("api_key_secret", "hush")];
    let request = built(&Call::Check, &with(&key)).unwrap();
    let credentials = STANDARD.encode(format!("{KEY_SID}:hush"));
    assert_eq!(request.headers[0].1, format!("Basic {credentials}"));
    assert!(request.url.contains(ACCOUNT), "{}", request.url);
    // A callback that could not be checked is not asked for.
    let message = order(THEIRS, "Hi");
    let names = |settings: &Settings| -> Vec<String> {
        sent(&message, settings, OURS).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&with(&key)), ["From", "To", "Body", "StatusCallback"]);
    assert_eq!(names(&with(&[key[0], key[1], ("auth_token", "")])), ["From", "To", "Body"]);
}

#[test]
fn a_messaging_service_and_smart_encoding_are_asked_for_where_they_are_set() {
    let message = order(THEIRS, "Hi");
    let fields = sent(&message, &with(&[("messaging_service_sid", SERVICE), ("smart_encoded", "yes")]), OURS);
    let fields: Vec<_> = fields.unwrap().into_iter().filter(|(name, _)| name != "StatusCallback").collect();
    let expected = [
        ("From", OURS),
        ("To", THEIRS),
        ("Body", "Hi"),
        ("MessagingServiceSid", SERVICE),
        ("SmartEncoded", "true"),
    ];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let fields = sent(&message, &with(&[("smart_encoded", "no")]), OURS).unwrap();
    assert!(fields.iter().all(|(name, _)| name != "SmartEncoded"));
}

#[test]
fn both_ends_of_a_message_are_in_the_same_network() {
    for (recipient, ours, refused) in [
        (THEIRS, OURS, None),
        ("whatsapp:+12015550188", "whatsapp:+12015550123", None),
        ("22395", OURS, None),
        ("whatsapp:+12015550188", OURS, Some("63007")),
        (THEIRS, "whatsapp:+12015550123", Some("63007")),
        ("whatsapp:22395", "whatsapp:+12015550123", Some("21211")),
        ("whatsapp:ACME", "whatsapp:+12015550123", Some("21211")),
        ("ACME", OURS, Some("21211")),
        ("", OURS, Some("21211")),
    ] {
        let came = sent(&order(recipient, "Hi"), &settings(), ours);
        let code = came.as_ref().err().and_then(|refusal| refusal.code.as_deref());
        assert_eq!(code, refused, "{recipient} from {ours}");
        if let Ok(fields) = came {
            assert_eq!((fields[0].1.as_str(), fields[1].1.as_str()), (ours, recipient));
        }
    }
}

#[test]
fn what_would_be_refused_for_certain_is_not_sent() {
    assert!(built(&Call::Deliver(&order(THEIRS, &"ü".repeat(1600))), &settings()).is_ok());
    for (body, code) in [("ü".repeat(1601), "21617"), (String::new(), "21602"), (" \n".to_owned(), "21602")]
    {
        let refusal = built(&Call::Deliver(&order(THEIRS, &body)), &settings()).unwrap_err();
        assert_eq!((refusal.kind, refusal.code.as_deref()), (RefusalKind::Permanent, Some(code)));
    }
    let message = order(THEIRS, "Hi");
    for call in [
        Call::Report { message: &message, reason: "why" },
        Call::Note { message: &message, external_id: "n", text: "t" },
        Call::Fetch { id: "" },
        Call::Fetch { id: "../../Accounts" },
    ] {
        assert_eq!(built(&call, &settings()).unwrap_err().kind, RefusalKind::Permanent, "{call:?}");
    }
}

#[test]
fn reading_calls_are_built() {
    let message = order(THEIRS, "Hi");
    let next = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1&PageToken=PASM1");
    for (call, url) in [
        (
            Call::LookUp { message: &message, page: None },
            format!("{}.json?To=%2B12015550188&From=%2B12015550123&PageSize=100", base()),
        ),
        (Call::List { since: Some(noon()), page: None }, format!("{}.json?PageSize=500", base())),
        (Call::Check, format!("{}.json?PageSize=1", base())),
        (Call::Fetch { id: "SM1" }, format!("{}/SM1.json", base())),
        (Call::List { since: None, page: Some(&next) }, format!("https://api.twilio.com{next}")),
    ] {
        let request = built(&call, &settings()).unwrap();
        assert_eq!((request.method, &request.url), (Method::Get, &url));
        assert!(request.body.is_empty());
    }
    let by_service = with(&[("messaging_service_sid", SERVICE)]);
    let request = built(&Call::LookUp { message: &message, page: None }, &by_service).unwrap();
    assert_eq!(request.url, format!("{}.json?To=%2B12015550188&PageSize=100", base()));
}

#[test]
fn credentials_go_to_no_other_host() {
    let double = with(&[("api_url", "http://127.0.0.1:9/tw/")]);
    for page in ["/2010-04-01/x?Page=1", "http://127.0.0.1:9/tw/2010-04-01/x?Page=1"] {
        let request = built(&Call::List { since: None, page: Some(page) }, &double).unwrap();
        assert_eq!(request.url, "http://127.0.0.1:9/tw/2010-04-01/x?Page=1");
    }
    for page in [
        "",
        "https://evil.test/2010-04-01/x",
        "//evil.test/2010-04-01/x",
        "https://api.twilio.com.evil.test/2010-04-01/x",
        "https://api.twilio.com@evil.test/2010-04-01/x",
        "http://api.twilio.com/2010-04-01/x",
        "@evil.test/2010-04-01/",
        ".evil.test/2010-04-01/",
        "/api/laml/2010-04-01/x",
        "/2010-04-01/../../other",
        "/2010-04-01/%2e%2E/other",
        "/2010-04-01\\..\\x",
        "/2010-04-01/x\r\nHost: evil.test",
    ] {
        let refusal = built(&Call::List { since: None, page: Some(page) }, &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page:?}");
    }
}

#[test]
fn an_account_that_is_not_set_up_rests_until_it_is() {
    for (changed, named) in [
        ([("account_sid", ""), ("x", "")], "account_sid"),
        ([("account_sid", "a/b"), ("x", "")], "account_sid"),
        ([("auth_token", ""), ("x", "")], "auth_token"),
        ([("auth_token", ""), ("api_key_sid", KEY_SID)], "api_key_secret"),
        ([("auth_token", ""), ("api_key_secret", "hush")], "api_key_sid"),
        ([("api_url", "ftp://x"), ("x", "")], "api_url"),
    ] {
        let refusal = built(&Call::Check, &with(&changed)).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Credentials, "{changed:?}");
        assert!(refusal.message.contains(&format!("`{named}`")), "{}", refusal.message);
    }
}

// ---- answers

fn delivered(outcome: Outcome) -> AtProvider {
    match outcome {
        Outcome::Done(Done::Delivered(seen)) => at_provider(&seen).clone(),
        other => panic!("{other:?}"),
    }
}

fn page_of(outcome: Outcome) -> Page {
    match outcome {
        Outcome::Done(Done::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_send_that_was_taken_brings_the_message() {
    let message = order(THEIRS, "Your parcel is ready.");
    let body = serde_json::from_str(include_str!("fixtures/message.json")).unwrap();
    let seen = delivered(judged(&Call::Deliver(&message), &replied(201, &body)));
    assert_eq!(seen.id, "SM5a1f4e8d9c205f4e3d2c1b0a0b7d3c52");
    assert_eq!((seen.direction, seen.status), (Direction::Outbound, Some(Status::Queued)));
    assert_eq!((seen.from.as_str(), seen.to.as_str()), (OURS, THEIRS));
    assert_eq!(seen.created_at, Some(Utc.with_ymd_and_hms(2026, 11, 21, 10, 15, 30).unwrap()));
    assert_eq!((seen.sent_at, &seen.error_code, &seen.reference), (None, &None, &None));
    assert_eq!(seen.data, Some(body));
    // A messaging service has not picked the sender yet; we named it.
    let accepted =
        json!({"sid": "SM1", "status": "accepted", "from": null, "to": THEIRS, "num_segments": "0"});
    let seen = delivered(judged(&Call::Deliver(&message), &replied(201, &accepted)));
    assert_eq!((seen.from.as_str(), seen.status), (OURS, Some(Status::Accepted)));
}

#[test]
fn one_bad_element_does_not_lose_the_page() {
    let body: Value = serde_json::from_str(include_str!("fixtures/page.json")).unwrap();
    let page = page_of(judged(&Call::List { since: None, page: None }, &replied(200, &body)));
    let seen: Vec<_> = page.observations.iter().map(at_provider).collect();
    let ids: Vec<_> = seen.iter().map(|seen| seen.id.as_str()).collect();
    assert_eq!(ids, ["SM01", "MM02", "SM03", "SM04", "SM05"]);
    assert_eq!((seen[0].from.as_str(), seen[0].status), ("", Some(Status::Accepted)));
    assert_eq!((seen[1].customer(), seen[1].body.as_deref()), ("whatsapp:+12015550188", Some("")));
    assert_eq!((seen[2].error_code.as_deref(), &seen[2].body), (Some("30005"), &None), "redacted");
    assert_eq!(seen[2].error_message.as_deref(), Some("the number is unknown"));
    assert_eq!((seen[3].error_code.as_deref(), seen[3].created_at), (Some("99999"), None));
    assert_eq!(seen[3].error_message.as_deref(), Some("A new kind of trouble"));
    assert_eq!((seen[4].status, seen[4].from.as_str(), seen[4].to.as_str()), (None, "22395", "ACME"));
    let next = page.next.unwrap();
    let further = built(&Call::List { since: None, page: Some(&next) }, &settings()).unwrap();
    assert_eq!(further.url, format!("https://api.twilio.com{next}"));
}

/// In the list our service's message has no sender until one is picked, and no channel would be found for it.
#[test]
fn a_send_through_a_service_is_found_before_it_has_a_sender() {
    let row = begin(&order(THEIRS, "Hello"), Act::Deliver, noon());
    let look_up = Call::LookUp { message: &row, page: None };
    let listed = |service: &str, body: &str, date: &str| {
        let element = json!({
            "sid": "SM1", "direction": "outbound-api", "status": "accepted", "from": null, "to": THEIRS, "body": body,
            "messaging_service_sid": service, "date_created": date,
        });
        replied(200, &json!({"messages": [element], "next_page_uri": null}))
    };
    let set_up = with(&[("messaging_service_sid", SERVICE)]);
    let now = "Sat, 21 Nov 2026 12:00:01 +0000";
    for (service, body, date, from) in [
        (SERVICE, "Hello", now, OURS),
        (SERVICE, "", now, OURS),
        (SERVICE, "Another text", now, ""),
        ("MG1", "Hello", now, ""),
        (SERVICE, "Hello", "Fri, 20 Nov 2026 12:00:01 +0000", ""),
    ] {
        let channel = channel();
        let outcome = Twilio.judge(&look_up, &context(&set_up, Some(&channel)), &listed(service, body, date));
        assert_eq!(at_provider(&page_of(outcome).observations[0]).from, from, "{service} {body} {date}");
    }
}

#[test]
fn a_look_up_that_cannot_be_read_whole_proves_nothing() {
    let message = order(THEIRS, "Hi");
    let look_up = Call::LookUp { message: &message, page: None };
    let empty = page_of(judged(&look_up, &replied(200, &json!({"messages": [], "next_page_uri": null}))));
    assert_eq!(empty, Page::default());
    for body in [json!({}), json!({"messages": null}), json!({"messages": [{"sid": null}]}), json!([])] {
        let outcome = judged(&look_up, &replied(200, &body));
        assert_eq!(verdict(&outcome), "later", "{outcome:?}");
    }
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
        (400, json!({"code": "21610", "message": "Unsubscribed"}), "permanent", "permanent"),
        (400, code(99999), "permanent", "permanent"),
        (400, code(21611), "throttled", "throttled"),
        (400, code(14107), "throttled", "throttled"),
        (503, code(20429), "throttled", "throttled"),
        (429, json!({}), "throttled", "throttled"),
        (400, code(20500), "unknown", "later"),
        (503, code(20503), "unknown", "later"),
        (400, code(20003), "credentials", "credentials"),
        (400, code(20005), "credentials", "credentials"),
        (401, json!(null), "credentials", "credentials"),
        (403, code(99999), "credentials", "credentials"),
        (403, code(21408), "permanent", "permanent"),
        (404, code(20404), "credentials", "credentials"),
        (409, json!({}), "permanent", "permanent"),
        (408, json!({}), "unknown", "later"),
        (500, code(21211), "unknown", "later"),
        (504, json!("bad gateway"), "unknown", "later"),
        (302, json!({}), "later", "later"),
        (200, json!({}), "unknown", "later"),
        (201, json!({"sid": ""}), "unknown", "later"),
    ] {
        let reply = replied(status, &body);
        assert_eq!(verdict(&judged(&Call::Deliver(&message), &reply)), send, "send, {status} {body}");
        let listed = judged(&Call::List { since: None, page: None }, &reply);
        assert_eq!(verdict(&listed), list, "list, {status} {body}");
    }
    let fetched = judged(&Call::Fetch { id: "SM1" }, &replied(404, &code(20404)));
    assert_eq!(verdict(&fetched), "permanent");
    assert_eq!(verdict(&judged(&Call::Check, &replied(200, &json!({"messages": []})))), "done");
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
fn a_refusal_keeps_the_vendors_code_words_and_wait() {
    let refusal =
        refusal_of(&replied(400, &json!({"code": 21211, "message": "Invalid 'To'", "status": 400})));
    assert_eq!(refusal.describe(), "(21211) Invalid 'To'");
    assert_eq!(refusal_of(&replied(400, &json!({"code": 21617}))).describe(), "(21617) the text is too long");
    assert_eq!(refusal_of(&replied(400, &json!("odd"))).describe(), "Twilio answered 400");
    let denied = refusal_of(&replied(401, &json!({"code": 20003, "message": "Authenticate"})));
    assert_eq!(denied.describe(), "(20003) Twilio refuses the account SID or its credentials: Authenticate");
    let long = refusal_of(&replied(400, &json!({"code": "9".repeat(500), "message": "ü\u{0}".repeat(900)})));
    assert_eq!((long.code.map(|code| code.len()), long.message), (Some(64), "ü".repeat(300)));
    let mut answer = Answer::json(429, &json!({"code": 20429}));
    answer.headers.push(("retry-after".to_owned(), "7".to_owned()));
    assert_eq!(refusal_of(&Reply::Answer(answer)).kind, RefusalKind::Throttled(Some(Duration::from_secs(7))));
}

#[test]
fn every_code_of_the_table_has_words_and_a_kind() {
    assert_eq!(CODES.count(), 102);
    let rows: Value = serde_json::from_str(include_str!("fixtures/errors.json")).unwrap();
    for row in rows.as_array().unwrap() {
        let code = row["code"].to_string();
        assert!(CODES.meaning(&code).is_some_and(|words| !words.is_empty()), "{code}");
        let undecided =
            matches!(row["class"].as_str(), Some("ambiguous" | "not_found" | "warning" | "webhook"));
        assert_eq!(CODES.class(&code).unwrap().kind().is_none(), undecided, "{code}");
    }
    assert!(CODES.meaning("63016").unwrap().contains("24 hours"));
    assert_eq!(CODES.meaning("1"), None);
}

#[test]
fn every_word_for_a_status_is_known() {
    for (word, status) in [
        ("accepted", Status::Accepted),
        ("scheduled", Status::Accepted),
        ("queued", Status::Queued),
        ("sending", Status::Sending),
        ("sent", Status::Sent),
        ("partially_delivered", Status::Sent),
        ("delivered", Status::Delivered),
        ("undelivered", Status::Undelivered),
        ("failed", Status::Failed),
        ("canceled", Status::Canceled),
        ("receiving", Status::Receiving),
        ("received", Status::Received),
        ("read", Status::Read),
    ] {
        assert_eq!(resource::status(word), Some(status), "{word}");
    }
    assert_eq!(resource::status("teleported"), None);
}

// ---- set-up

fn answers(changed: &[(&str, &str)]) -> Settings {
    let mut answers = with(changed);
    if answers.get("phone").is_none() && !changed.iter().any(|(name, _)| *name == "phone") {
        answers.set("phone", "+1 (201) 555-0123");
    }
    answers
}

#[test]
fn answers_are_tidied() {
    let padded = format!(" {ACCOUNT}\n");
    let prepared = answers(&[
        ("account_sid", &padded),
        ("auth_token", " x "),
        ("smart_encoded", "True"),
        ("api_key_sid", ""),
    ]);
    let prepared = Twilio.prepare(&prepared).unwrap();
    assert_eq!(prepared.account.as_deref(), Some(ACCOUNT));
    assert_eq!(prepared.address, Some((OURS.to_owned(), Some("US".to_owned()))));
    let tidy = |name| prepared.answers.get(name);
    assert_eq!((tidy("account_sid"), tidy("phone")), (Some(ACCOUNT), Some(OURS)));
    assert_eq!((tidy("auth_token"), tidy("smart_encoded")), (Some("x"), Some("yes")));
    let whatsapp = Twilio.prepare(&answers(&[("phone", "WhatsApp:+1 201 555 0123")])).unwrap();
    assert_eq!(whatsapp.address, Some(("whatsapp:+12015550123".to_owned(), Some("US".to_owned()))));
    let service = Twilio.prepare(&answers(&[("messaging_service_sid", SERVICE)])).unwrap();
    assert_eq!(service.account, Some(format!("{ACCOUNT}/{SERVICE}")));
    let key = [("auth_token", ""), ("api_key_sid", KEY_SID), ("api_key_secret", " hush ")];
    assert_eq!(Twilio.prepare(&answers(&key)).unwrap().answers.get("api_key_secret"), Some("hush"));
}

#[test]
fn a_wrong_answer_is_named_and_never_repeated() {
    for (name, value) in [
        ("phone", ""),
        ("phone", "2015550123"),
        ("phone", "whatsapp:2015550123"),
        ("phone", SERVICE),
        ("account_sid", ""),
        ("account_sid", "AC123"),
        ("account_sid", KEY_SID),
        ("auth_token", ""),
        ("auth_token", "one two"),
        ("auth_token", KEY_SID),
        ("messaging_service_sid", ACCOUNT),
        ("smart_encoded", "perhaps"),
        ("segments_per_second", "fast"),
    ] {
        let error = Twilio.prepare(&answers(&[(name, value)])).unwrap_err();
        assert!(error.starts_with(&format!("`{name}`")), "{name}={value}: {error}");
        assert!(!error.contains("one two") && !error.contains(KEY_SID), "{error}");
    }
    let error = Twilio.prepare(&answers(&[("api_key_sid", KEY_SID)])).unwrap_err();
    assert!(error.starts_with("`api_key_secret`"), "{error}");
    let error = Twilio.prepare(&answers(&[("api_key_secret", "hush")])).unwrap_err();
    assert!(error.starts_with("`api_key_sid`") && !error.contains("hush"), "{error}");
}
