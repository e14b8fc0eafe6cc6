//! Twilio's Messages API, callbacks and inbound webhooks.

use serde_json::{Value, json};
use twinwire_sandbox::twilio::Fate;
use twinwire_sandbox::{Answer, Fault, Rule, Twilio, TwilioOptions};

use crate::support::*;

async fn twilio(manual: bool) -> Twilio {
    let api_key = Some(("SK1".to_owned(), "hush".to_owned()));
    let options = TwilioOptions { auth_token: KEY.into(), api_key, manual, ..TwilioOptions::default() };
    let double = Twilio::start(options).await.unwrap();
    double.add_number(OURS);
    double
}

fn account(double: &Twilio) -> String {
    basic_of(&double.options().account_sid, KEY)
}

fn url(double: &Twilio) -> String {
    format!("{}/2010-04-01/Accounts/{}/Messages.json", double.url(), double.options().account_sid)
}

async fn get(double: &Twilio, url: &str) -> Got {
    call("GET", url, &account(double), "text/plain", "").await.unwrap()
}

async fn send(double: &Twilio, fields: &[(&str, &str)]) -> Option<Got> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    call("POST", &url(double), &account(double), "application/x-www-form-urlencoded", &body).await
}

#[tokio::test]
async fn the_account_and_its_api_key_are_let_in_and_json_has_to_be_asked_for() {
    let double = twilio(true).await;
    let (good, url) = (account(&double), url(&double));
    let cases = [
        (url.clone(), good.as_str(), 200),
        (url.clone(), &basic_of("SK1", "hush"), 200),
        (url.clone(), &basic_of("SK1", "other"), 401),
        (url.replace("/2010-04-01", "/api/laml/2010-04-01"), good.as_str(), 404),
        (url.replace(&double.options().account_sid, "AC1"), good.as_str(), 404),
    ];
    for (url, auth, expected) in cases {
        let got = call("GET", &url, auth, "text/plain", "").await.unwrap();
        assert_eq!(got.status, expected, "{url} {}", got.text);
        let code = match expected {
            401 => json!(20003),
            404 => json!(20404),
            _ => Value::Null,
        };
        assert_eq!(got.json["code"], code);
    }
    let xml = get(&double, url.trim_end_matches(".json")).await;
    assert!(xml.status == 200 && xml.text.contains("<TwilioResponse"), "{}", xml.text);
}

#[tokio::test]
async fn an_accepted_message_is_shown_in_the_types_of_the_vendor() {
    let double = twilio(true).await;
    let got = send(&double, &[("To", ADA), ("From", OURS), ("Body", "Hello")]).await.unwrap();
    assert_eq!(got.status, 201, "{}", got.text);
    let sid = got.json["sid"].as_str().unwrap().to_owned();
    assert!(sid.len() == 34 && sid.starts_with("SM"), "{sid}");
    for (name, expected) in [
        ("num_segments", json!("1")),
        ("num_media", json!("0")),
        ("status", json!("queued")),
        ("from", json!(OURS)),
        ("date_sent", Value::Null),
        ("error_code", Value::Null),
        ("messaging_service_sid", Value::Null),
    ] {
        assert_eq!(got.json[name], expected, "{name}");
    }
    let date = got.json["date_created"].as_str().unwrap();
    assert!(date.ends_with("+0000") && chrono::DateTime::parse_from_rfc2822(date).is_ok());
    double.advance(&sid, "undelivered", Some((30003, "Unreachable"))).await;
    let got = get(&double, &format!("{}{}", double.url(), got.json["uri"].as_str().unwrap())).await;
    assert_eq!((&got.json["status"], &got.json["error_code"]), (&json!("undelivered"), &json!(30003)));
    let media = [("To", ADA), ("From", OURS), ("MediaUrl", "http://a.test/1")];
    let got = send(&double, &media).await.unwrap();
    assert!(got.json["sid"].as_str().unwrap().starts_with("MM") && got.json["num_media"] == "1");
}

/// The fixture holds names, types and words of the message in the vendor's `OpenAPI` description (read 2026-11).
#[tokio::test]
async fn every_property_of_a_message_is_one_of_the_vendors_description_and_of_its_type() {
    let known: Value = serde_json::from_str(include_str!("../../fixtures/twilio_message.json")).unwrap();
    let double = twilio(true).await;
    let service = double.add_service(&[OURS]);
    double.customer_texts(ADA, OURS, "Hi").await;
    send(&double, &[("To", ADA), ("MessagingServiceSid", &service), ("Body", "Hello")]).await.unwrap();
    let sent = send(&double, &[("To", ADA), ("From", OURS), ("MediaUrl", "http://a.test/1")]).await.unwrap();
    let sid = sent.json["sid"].as_str().unwrap();
    double.advance(sid, "undelivered", Some((30003, "Unreachable"))).await;
    let listed = get(&double, &url(&double)).await;
    let messages = listed.json["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    for message in messages {
        let message = message.as_object().unwrap();
        assert!(message.keys().eq(known.as_object().unwrap().keys()), "{message:?}");
        for (name, value) in message {
            let rule = &known[name];
            let fits = match (rule["type"].as_str().unwrap(), value) {
                (_, Value::Null) => rule["nullable"] == true,
                ("string", Value::String(text)) => {
                    let begins = rule["begins"].as_array();
                    let id = |kind: &Value| text.len() == 34 && text.starts_with(kind.as_str().unwrap());
                    begins.is_none_or(|kinds| kinds.iter().any(id))
                        && rule["enum"].as_array().is_none_or(|words| words.contains(value))
                }
                ("integer", value) => value.is_i64(),
                ("object", value) => value.is_object(),
                _ => false,
            };
            assert!(fits, "{name}: {value} is not {rule}");
        }
    }
}

#[tokio::test]
async fn a_service_picks_the_sender_later_and_says_so() {
    let server = Server::polite().await;
    let double = twilio(true).await;
    let service = double.add_service(&["+15550100007", OURS]);
    double.customer_texts(ADA, OURS, "Hi").await;
    let callback = format!("{}/status", server.url);
    let fields =
        [("To", ADA), ("MessagingServiceSid", &*service), ("Body", "Hello"), ("StatusCallback", &callback)];
    let got = send(&double, &fields).await.unwrap();
    assert_eq!((&got.json["status"], &got.json["from"]), (&json!("accepted"), &Value::Null), "{}", got.text);
    assert_eq!(
        (&got.json["num_segments"], &got.json["messaging_service_sid"]),
        (&json!("0"), &json!(service))
    );
    let sid = got.json["sid"].as_str().unwrap();
    let by_sender = get(&double, &format!("{}?To=%2B15550100002&From=%2B15550100001", url(&double))).await;
    assert_eq!(bodies(&by_sender.json), Vec::<String>::new(), "it has no sender yet");
    let to = get(&double, &format!("{}?To=%2B15550100002", url(&double))).await;
    assert_eq!(bodies(&to.json), ["Hello"]);
    for status in ["queued", "sent"] {
        double.advance(sid, status, None).await;
    }
    // The number of their conversation, not the first of the service.
    let from: Vec<_> = server.seen().iter().map(|seen| seen.field("From")).collect();
    assert_eq!(
        (server.statuses(), from),
        (vec!["queued".into(), "sent".into()], vec![String::new(), OURS.into()])
    );
    let got = get(&double, &url(&double).replace(".json", &format!("/{sid}.json"))).await;
    assert_eq!((&got.json["from"], &got.json["num_segments"]), (&json!(OURS), &json!("1")));
}

#[tokio::test]
async fn a_faulty_send_is_refused_with_the_code_of_the_table() {
    let double = twilio(true).await;
    double.add_number("whatsapp:+15550100001");
    let long = "x".repeat(1601);
    let (to, from, body) = (("To", ADA), ("From", OURS), ("Body", "Hello"));
    let whatsapp = ("To", "whatsapp:+15550100002");
    let cases: Vec<(Vec<(&str, &str)>, i64)> = vec![
        (vec![from, body], 21604),
        (vec![("To", "Ada"), from, body], 21211),
        (vec![("To", "signal:+15550100002"), from, body], 21211),
        (vec![to, body], 21603),
        (vec![to, ("MessagingServiceSid", "MG1"), body], 21705),
        (vec![to, ("From", "ours"), body], 21212),
        (vec![to, ("From", "+15550100003"), body], 21606),
        (vec![whatsapp, from, body], 63007),
        (vec![to, ("From", "whatsapp:+15550100001"), body], 63007),
        (vec![to, from], 21602),
        (vec![to, from, ("Body", &long)], 21617),
        (vec![to, from, body, ("StatusCallback", "/status")], 21609),
        (vec![to, from, body, ("ValidityPeriod", "36001")], 90007),
        (vec![to, from, ("MediaUrl", "cat.png")], 21620),
    ];
    for (fields, code) in cases {
        let got = send(&double, &fields).await.unwrap();
        assert_eq!((got.status, &got.json["code"]), (400, &json!(code)), "{fields:?} {}", got.text);
        assert_eq!(got.json["status"], json!(400));
    }
    assert!(double.messages().is_empty());
    let got = send(&double, &[whatsapp, ("From", "whatsapp:+15550100001"), body]).await.unwrap();
    assert_eq!((got.status, &got.json["to"]), (201, &json!("whatsapp:+15550100002")));
}

#[tokio::test]
async fn lists_go_by_the_time_of_sending_and_follow_in_pages() {
    let double = twilio(true).await;
    let ago = |seconds| chrono::Utc::now() - chrono::TimeDelta::seconds(seconds);
    for n in 0..4 {
        double.customer_texts_at(ADA, OURS, &n.to_string(), ago(60 - n)).await;
    }
    let unsent = send(&double, &[("To", ADA), ("From", OURS), ("Body", "unsent")]).await.unwrap();
    double.customer_texts_at(ADA, OURS, "4", ago(30)).await;
    let mut next = Some(format!("{}?PageSize=2", url(&double)));
    let (mut read, mut ends) = (Vec::new(), Vec::new());
    while let Some(url) = next {
        let got = get(&double, &url).await;
        read.extend(bodies(&got.json));
        ends.push((got.json["start"].as_u64().unwrap(), got.json["end"].as_u64().unwrap()));
        next = got.json["next_page_uri"].as_str().map(|next| format!("{}{next}", double.url()));
    }
    assert_eq!(read, ["unsent", "4", "3", "2", "1", "0"], "without a date at the head");
    assert_eq!(ends, [(0, 1), (2, 3), (4, 5)]);
    double.advance(unsent.json["sid"].as_str().unwrap(), "sent", None).await;
    let dated = get(&double, &format!("{}?DateSent%3E=2026-01-01&PageSize=1", url(&double))).await;
    assert_eq!(bodies(&dated.json), ["unsent"]);
    for (query, code) in [("PageSize=1001", 20007), ("Page=1", 20001), ("DateSent=yesterday", 20001)] {
        let got = get(&double, &format!("{}?{query}", url(&double))).await;
        assert_eq!((got.status, &got.json["code"]), (400, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn who_writes_stop_is_answered_by_twilio_and_gets_nothing_more_until_start() {
    let server = Server::polite().await;
    let double = twilio(true).await;
    double.set_webhook(OURS, &server.url);
    let hello = [("To", ADA), ("From", OURS), ("Body", "Hello")];
    for (text, status) in [("stop it", 201), (" Stop ", 400), ("help", 400), ("Start", 201)] {
        double.customer_texts(ADA, OURS, text).await;
        let got = send(&double, &hello).await.unwrap();
        assert_eq!(got.status, status, "{text}");
        assert!(status == 201 || got.json["code"] == 21610);
    }
    assert_eq!(double.own_answers().len(), 3);
    // The webhook comes all the same, and says what the text did only with a messaging service.
    let said = || server.seen().iter().map(|seen| seen.field("OptOutType")).collect::<Vec<_>>();
    assert_eq!(said(), ["", "", "", ""]);
    let service = double.add_service(&[OURS, "+15550100007"]);
    double.customer_texts(ADA, OURS, "QUIT").await;
    assert_eq!((said()[4].as_str(), server.seen()[4].field("MessagingServiceSid")), ("STOP", service));
    let other = send(&double, &[("To", ADA), ("From", "+15550100007"), ("Body", "Hello")]).await.unwrap();
    assert_eq!(other.json["code"], 21610, "out of one number is out of the whole service");
}

#[tokio::test]
async fn webhooks_are_signed_with_the_auth_token_over_everything_in_them() {
    let server = Server::polite().await;
    let double = twilio(false).await;
    double.set_webhook(OURS, &format!("{}/inbound#rc=2&rp=all", server.url));
    double.set_webhook("whatsapp:+15550100001", &format!("{}/inbound", server.url));
    double.customer_texts(ADA, OURS, "Ünïcödé 👩 + 50% & more").await;
    double.customer_texts("whatsapp:+15550100002", "whatsapp:+15550100001", "Hi").await;
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.is_signed_by_twilio(&format!("{}/inbound", server.url))));
    assert!(seen[0].body.contains("FromCity=&"), "{}", seen[0].body);
    assert_eq!(
        (seen[1].field("From"), seen[1].field("WaId")),
        ("whatsapp:+15550100002".into(), "15550100002".into())
    );
    assert_eq!(double.complaints(), Vec::<String>::new());

    let callback = format!("{}/status?ref=1%2B", server.url);
    let fields = [("To", ADA), ("From", OURS), ("Body", "Hello"), ("StatusCallback", &*callback)];
    send(&double, &fields).await.unwrap();
    until("two callbacks", || server.statuses().len() == 2).await;
    assert_eq!(server.statuses(), ["sent", "delivered"]);
    let told = server.seen().remove(2);
    assert!(told.is_signed_by_twilio(&callback) && told.field("Body").is_empty(), "{}", told.body);
    double.stop().await;
}

#[tokio::test]
async fn a_webhook_is_repeated_only_where_its_address_asks_for_it() {
    let server = Server::start(|_| (503, "text/xml", "<Response/>".into())).await;
    let double = twilio(true).await;
    for (fragment, tries) in [("", 1), ("#rc=2&rp=all", 3), ("#rp=5xx", 2), ("#rc=5", 1)] {
        let before = server.seen().len();
        double.set_webhook(OURS, &format!("{}/inbound{fragment}", server.url));
        double.customer_texts(ADA, OURS, "Hi").await;
        assert_eq!(server.seen().len() - before, tries, "{fragment}");
    }
    double.faults().add(Rule::new(Fault::Duplicate(1)));
    server.react(|_| (200, "text/xml", "<Response/>".into()));
    let sid = double.customer_texts(ADA, OURS, "Hi").await;
    assert!(double.taken_at(&sid).is_some());
}

#[tokio::test]
async fn it_goes_wrong_as_told_like_the_other_double() {
    let double = twilio(true).await;
    let hello = [("To", ADA), ("From", OURS), ("Body", "Hello")];
    double.faults().add(Rule::new(Fault::TooManyRequests { retry_after_secs: 3 }));
    let got = send(&double, &hello).await.unwrap();
    assert_eq!((got.status, &got.json["code"]), (429, &json!(20429)));
    double.faults().add(Rule::new(Fault::ResetAfter));
    assert!(send(&double, &hello).await.is_none());
    double.faults().add(Rule::new(Fault::ServerErrorAfter(500)));
    assert_eq!(send(&double, &hello).await.unwrap().status, 500);
    assert_eq!((double.duplicates().len(), double.outbound_to(ADA).len()), (1, 2));
    double
        .script(ADA, Fate::FailLater { code: 63016, message: "Window".into(), status: "undelivered".into() });
    let smart = [("To", ADA), ("From", OURS), ("Body", "It\u{2019}s"), ("SmartEncoded", "true")];
    let got = send(&double, &smart).await.unwrap();
    assert_eq!(got.json["body"], "It's");
    let answers: Vec<Answer> = double.advance(got.json["sid"].as_str().unwrap(), "sent", None).await;
    assert!(answers.is_empty(), "nobody asked for a callback");
    assert_eq!(double.snapshot()["double"], "twilio");
    double.shut(true);
    assert!(send(&double, &hello).await.is_none());
}
