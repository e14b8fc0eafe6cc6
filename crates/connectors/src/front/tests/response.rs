//! What Front's answers mean, and ours to it.

use super::*;

fn answered(name: &str, body: &str, rows: &[Message]) -> Value {
    let hook = hook(name, body.as_bytes());
    let reading = Front.read(&hook, &channel(), &settings()).unwrap();
    let answer = Front.answer(&hook, &reading, &channel(), rows, PUBLIC);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn connecting_is_answered_with_the_channels_own_url() {
    let body = include_str!("../fixtures/authorization.json");
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
    for body in [include_str!("../fixtures/message.json"), include_str!("../fixtures/message_autoreply.json")]
    {
        assert_eq!(answered("message", body, &[row.clone(), other.clone()]), expected);
    }
    let by_order = answered("message", include_str!("../fixtures/message.json"), &[]);
    assert_eq!(by_order["external_id"], "msg_1q5x-+12015550123");
}

#[test]
fn everything_else_is_just_a_success() {
    let unknown = r#"{"type":"conversation_merged"}"#;
    for body in
        [include_str!("../fixtures/message_imported.json"), include_str!("../fixtures/delete.json"), unknown]
    {
        assert_eq!(answered("message", body, &[ordered()]), json!({"type": "success"}));
    }
}

#[test]
fn an_error_has_words_for_the_agent() {
    let answer = Front.error(&hook("message", b""), 401, "invalid signature");
    assert_eq!(answer, Answer::json(401, &json!({"type": "bad_request", "message": "invalid signature"})));
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
    let Outcome::Done(Done::Page(page)) = judge(&call, &http(200, include_str!("../fixtures/look_up.json")))
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
