//! What hooks say.

use super::*;

#[test]
fn connecting_tells_the_channels_id_whatever_the_hook_is_called() {
    for name in ["authorization", "message", "channel"] {
        let body = include_bytes!("../fixtures/authorization.json");
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
    let body = include_str!("../fixtures/message.json");
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
            data: data.clone().into(),
            occurred_at: DateTime::from_timestamp_millis(1_763_719_201_123),
        })
    };
    assert_eq!(reading.observations, [order("+12015550123"), order("+447911123456")]);
}

#[test]
fn an_autoreply_is_named_after_the_message_that_it_replies_to() {
    let body = serde_json::from_str(include_str!("../fixtures/message_autoreply.json")).unwrap();
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
    let first: Value = serde_json::from_str(include_str!("../fixtures/message_autoreply.json")).unwrap();
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
    let mut body: Value = serde_json::from_str(include_str!("../fixtures/message_autoreply.json")).unwrap();
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
    let reading = read(include_str!("../fixtures/message_imported.json"));
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
    for body in [include_str!("../fixtures/delete.json"), "", " \n", "{}", r#"{"type":"delete"}"#] {
        let hook = Hook { method: "DELETE", ..hook("message", body.as_bytes()) };
        let reading = Front.read(&hook, &channel(), &settings()).unwrap();
        assert_eq!(
            (reading.event.as_str(), reading.observations),
            ("delete", vec![Observation::Disconnected]),
            "{body}"
        );
    }
    assert_eq!(read(include_str!("../fixtures/delete.json")).observations, [Observation::Disconnected]);
}

#[test]
fn removing_an_older_connection_leaves_the_present_one() {
    assert_eq!(read(r#"{"type":"delete","payload":{"channel_id":"cha_older"}}"#).observations, []);
    let never = Channel { helpdesk_channel_id: None, ..channel() };
    let body = include_bytes!("../fixtures/delete.json");
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
        (
            json!({"text": "", "attachments": [inline], "signature": {"body": "<img src='cid:a'>"}}),
            "nothing to send",
        ),
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
        assert_eq!(crate::front::json::parse(body.as_bytes()).unwrap()["x"], expected, "{escaped}");
    }
    for broken in [r#"{"x": "\ud83d"#, r#"{"x": "\ud8"#, r#"{"x": "\"#, "\\"] {
        assert_eq!(crate::front::json::parse(broken.as_bytes()), None, "{broken}");
    }
}

// ---- found by the fuzzer

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
