//! What SignalWire's answers mean, and ours to it.

use super::*;

#[test]
fn a_send_that_was_taken_brings_the_message() {
    let message = order(THEIRS, "Your parcel is ready.");
    let body = serde_json::from_str(include_str!("../fixtures/message.json")).unwrap();
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
    assert_eq!(seen.data, Some(body.into()));
    // An answer with next to nothing in it still says what we asked for.
    let Outcome::Done(Done::Delivered(seen)) =
        judged(&Call::Deliver(&message), &replied(200, &json!({"sid": "a1"})))
    else {
        panic!()
    };
    let seen = at_provider(&seen);
    assert_eq!((seen.id.as_str(), seen.from.as_str(), seen.to.as_str()), ("a1", OURS, THEIRS));
}

#[test]
fn one_bad_element_does_not_lose_the_page() {
    let body: Value = serde_json::from_str(include_str!("../fixtures/page.json")).unwrap();
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

#[test]
fn answers_are_judged_by_code_and_status() {
    let message = order(THEIRS, "Hi");
    let code = |code: u32| json!({"code": code, "message": "", "status": 400});
    for (status, body, send, list) in [
        (400, code(21211), "permanent", "permanent"),
        (422, json!({"code": "21717", "status": 400, "message": "No campaign"}), "permanent", "permanent"),
        (400, code(21610), "opted out", "opted out"),
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
        (403, code(21610), "opted out", "opted out"),
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
    assert_eq!(CODES.count(), 56);
    let rows: Value = serde_json::from_str(include_str!("../fixtures/errors.json")).unwrap();
    for row in rows.as_array().unwrap() {
        let code = row["code"].to_string();
        assert!(CODES.meaning(&code).is_some_and(|words| !words.is_empty()), "{code}");
        let undecided = matches!(row["class"].as_str(), Some("ambiguous" | "not_found"));
        assert_eq!(CODES.class(&code).unwrap().kind().is_none(), undecided, "{code}");
    }
    assert_eq!(CODES.meaning("1"), None);
}

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

// ---- found by the fuzzer

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
