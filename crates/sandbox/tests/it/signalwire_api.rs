//! `SignalWire`'s Messages API.

use serde_json::{Value, json};
use twinwire_sandbox::signalwire::{DayBounds, Fate};
use twinwire_sandbox::{Fault, Operation, Rule, SignalWire, SignalWireOptions};

use crate::support::*;

#[tokio::test]
async fn only_the_project_and_its_token_are_let_in_and_only_on_the_present_path() {
    let double = signalwire(true).await;
    let project = double.options().project.clone();
    let good = basic(&double);
    let path = |root: &str, project: &str| {
        format!("{}{root}/2010-04-01/Accounts/{project}/Messages?PageSize=1", double.url())
    };
    let cases = [
        (path("/api/laml", &project), good.as_str(), 200),
        (path("/api/laml", &project).replace("Messages", "Messages.json"), good.as_str(), 200),
        (path("/api/laml", &project), "Basic bm9ib2R5Om5vdGhpbmc=", 401),
        (path("/api/laml", &project), "", 401),
        (path("/api/laml", "another"), good.as_str(), 404),
        (path("", &project), good.as_str(), 404),
    ];
    for (url, auth, expected) in cases {
        let got = call("GET", &url, auth, "text/plain", "").await.unwrap();
        assert_eq!(got.status, expected, "{url} {}", got.text);
        assert_eq!(got.json["message"].is_string(), expected != 200);
    }
}

#[tokio::test]
async fn an_accepted_message_is_shown_in_the_types_of_the_vendor() {
    let double = signalwire(true).await;
    let got = send(&double, &[("To", ADA), ("From", OURS), ("Body", "Hello")]).await.unwrap();
    assert_eq!(got.status, 201, "{}", got.text);
    let sid = got.json["sid"].as_str().unwrap();
    assert_eq!((sid.len(), &sid[14..15]), (36, "4"));
    for (name, expected) in [
        ("num_segments", json!(1)),
        ("num_media", json!(0)),
        ("status", json!("queued")),
        ("direction", json!("outbound-api")),
        ("date_sent", Value::Null),
        ("error_code", Value::Null),
    ] {
        assert_eq!(got.json[name], expected, "{name}");
    }
    assert!(got.json["uri"].as_str().unwrap().starts_with("/api/laml/2010-04-01/Accounts/"));
    let date = got.json["date_created"].as_str().unwrap();
    assert!(date.ends_with("+0000") && chrono::DateTime::parse_from_rfc2822(date).is_ok());

    double.advance(sid, "undelivered", Some((30003, "Unreachable"))).await;
    for url in [format!("{}/{sid}", messages_url(&double)), format!("{}/{sid}.json", messages_url(&double))] {
        let got = call("GET", &url, &basic(&double), "text/plain", "").await.unwrap();
        assert_eq!((&got.json["status"], &got.json["error_code"]), (&json!("undelivered"), &json!("30003")));
        assert!(got.json["date_sent"].is_string());
    }
    let url = format!("{}/nobody", messages_url(&double));
    assert_eq!(call("GET", &url, &basic(&double), "text/plain", "").await.unwrap().status, 404);
}

#[tokio::test]
async fn a_faulty_send_is_refused_with_the_code_of_the_table() {
    let double = signalwire(true).await;
    double.script("+15550100009", Fate::RefuseSync { status: 400, code: 21610, message: "Blocked".into() });
    let long = "x".repeat(1601);
    let (to, from, body) = (("To", ADA), ("From", OURS), ("Body", "Hello"));
    let cases: Vec<(Vec<(&str, &str)>, Value)> = vec![
        (vec![from, body], json!("21604")),
        (vec![("To", "Ada"), from, body], json!("21211")),
        (vec![to, body], json!("21705")),
        (vec![to, ("From", "+15550100003"), body], json!("21210")),
        (vec![to, from], json!("21602")),
        (vec![to, from, ("Body", &long)], json!("21617")),
        (vec![to, from, body, ("StatusCallback", "/status")], json!("21456")),
        (vec![to, from, body, ("ValidityPeriod", "0")], json!("21624")),
        (vec![to, from, ("MediaUrl", "cat.png")], json!("21620")),
        (vec![("To", "+15550100009"), from, body], json!(21610)),
    ];
    for (fields, code) in cases {
        let got = send(&double, &fields).await.unwrap();
        assert_eq!(got.json["code"], code, "{fields:?} {}", got.text);
        assert_eq!(
            (got.status, &got.json["status"]),
            (if code.is_string() { 422 } else { 400 }, &json!(400))
        );
    }
    assert!(double.messages().is_empty());
    let full = "x".repeat(1600);
    let cats =
        [to, from, ("Body", full.as_str()), ("MediaUrl", "http://a.test/1"), ("MediaUrl", "http://a.test/2")];
    let got = send(&double, &cats).await.unwrap();
    assert_eq!((got.status, &got.json["num_media"], &got.json["num_segments"]), (201, &json!(2), &json!(11)));
}

#[tokio::test]
async fn lists_are_newest_first_and_pages_do_not_shift_under_inserts() {
    let double = signalwire(true).await;
    for n in 0..5 {
        double.customer_texts(ADA, OURS, &n.to_string()).await;
    }
    double.faults().add(Rule::new(Fault::InsertWhilePaging).on(Operation::ListMessages).times(9));
    let mut url = format!("{}?PageSize=2", messages_url(&double));
    let mut read = Vec::new();
    let mut last = Value::Null;
    while read.len() < 20 {
        let got = call("GET", &url, &basic(&double), "text/plain", "").await.unwrap();
        read.extend(bodies(&got.json));
        last = got.json.clone();
        match got.json["next_page_uri"].as_str() {
            Some(next) => url = format!("{}{next}", double.url()),
            None => break,
        }
    }
    assert_eq!(read, ["4", "3", "2", "1", "0"]);
    assert_eq!(double.messages().len(), 7);
    let previous = format!("{}{}", double.url(), last["previous_page_uri"].as_str().unwrap());
    let got = call("GET", &previous, &basic(&double), "text/plain", "").await.unwrap();
    assert_eq!(bodies(&got.json), ["2", "1"]);
    for (query, code) in [
        ("PageSize=1001", 54454),
        ("PageSize=x", 54454),
        ("Page=1", 54453),
        ("Page=1&PageToken=PAnobody", 21481),
        ("DateSent=yesterday", 90000),
    ] {
        let got = list(&double, query).await;
        assert_eq!((got.status, &got.json["code"]), (400, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn known_filters_apply_and_misspelt_ones_are_ignored() {
    let double = signalwire(true).await;
    let old = chrono::DateTime::parse_from_rfc3339("2026-03-04T23:59:00Z").unwrap().to_utc();
    double.customer_texts_at(ADA, OURS, "old", old).await;
    double.customer_texts(ADA, OURS, "new").await;
    double.foreign_send(OURS, ADA, "foreign");
    let unsent = send(&double, &[("To", ADA), ("From", OURS), ("Body", "unsent")]).await.unwrap();
    double.faults().add(Rule::new(Fault::NullDateSent).saying("undated"));
    let undated = send(&double, &[("To", ADA), ("From", OURS), ("Body", "undated")]).await.unwrap();
    double.advance(undated.json["sid"].as_str().unwrap(), "delivered", None).await;
    assert_eq!(unsent.json["date_sent"], Value::Null);
    let cases: [(&str, &[&str]); 9] = [
        ("To=%2B15550100002", &["undated", "unsent", "foreign"]),
        ("From=%2B15550100002", &["new", "old"]),
        ("Status=delivered", &["undated", "foreign"]),
        ("DateSent=2026-03-04", &["old"]),
        ("DateSent%3C=2026-03-04", &["old"]),
        ("DateSent>=2026-03-05", &["foreign", "new"]),
        ("DateSent%3E=2026-03-04", &["foreign", "new", "old"]),
        ("DateSend%3E=2099-01-01", &["undated", "unsent", "foreign", "new", "old"]),
        ("DateSent%3E=2099-01-01", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(bodies(&list(&double, query).await.json), expected, "{query}");
    }
    let strict = SignalWireOptions { day_bounds: DayBounds::Strict, ..SignalWireOptions::default() };
    let strict = SignalWire::start(strict).await.unwrap();
    strict.customer_texts_at(ADA, OURS, "old", old).await;
    assert_eq!(bodies(&list(&strict, "DateSent%3E=2026-03-04").await.json), Vec::<String>::new());
    assert_eq!(bodies(&list(&strict, "DateSent%3E=2026-03-03").await.json), ["old"]);
}
