//! What Twilio's answers mean, and ours to it.

use super::*;

fn delivered(outcome: Outcome) -> AtProvider {
    match outcome {
        Outcome::Done(Done::Delivered(seen)) => at_provider(&seen).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_send_that_was_taken_brings_the_message() {
    let message = order(THEIRS, "Your parcel is ready.");
    let body = serde_json::from_str(include_str!("../fixtures/message.json")).unwrap();
    let seen = delivered(judged(&Call::Deliver(&message), &replied(201, &body)));
    assert_eq!(seen.id, "SM5a1f4e8d9c205f4e3d2c1b0a0b7d3c52");
    assert_eq!((seen.direction, seen.status), (Direction::Outbound, Some(Status::Queued)));
    assert_eq!((seen.from.as_str(), seen.to.as_str()), (OURS, THEIRS));
    assert_eq!(seen.created_at, Some(Utc.with_ymd_and_hms(2026, 11, 21, 10, 15, 30).unwrap()));
    assert_eq!((seen.sent_at, &seen.error_code, &seen.reference), (None, &None, &None));
    assert_eq!(seen.data, Some(body.into()));
    // A messaging service has not picked the sender yet; we named it.
    let accepted =
        json!({"sid": "SM1", "status": "accepted", "from": null, "to": THEIRS, "num_segments": "0"});
    let seen = delivered(judged(&Call::Deliver(&message), &replied(201, &accepted)));
    assert_eq!((seen.from.as_str(), seen.status), (OURS, Some(Status::Accepted)));
}

#[test]
fn one_bad_element_does_not_lose_the_page() {
    let body: Value = serde_json::from_str(include_str!("../fixtures/page.json")).unwrap();
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

#[test]
fn answers_are_judged_by_code_and_status() {
    let message = order(THEIRS, "Hi");
    let code = |code: u32| json!({"code": code, "message": "", "status": 400});
    for (status, body, send, list) in [
        (400, code(21211), "permanent", "permanent"),
        (400, json!({"code": "21610", "message": "Unsubscribed"}), "opted out", "opted out"),
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
    assert_eq!(CODES.count(), 107);
    let rows: Value = serde_json::from_str(include_str!("../fixtures/errors.json")).unwrap();
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
