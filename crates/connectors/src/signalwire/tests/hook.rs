//! What hooks say.

use super::*;

#[test]
fn a_message_from_a_customer_is_read() {
    let body = "MessageSid=a1&SmsSid=a1&From=%2B12015550188&To=%2B1+201+555+0123&Body=Gr%C3%BC%C3%9Fe+%F0%9F%91%8B\
                &NumMedia=1&MediaUrl0=https%3A%2F%2Fm.test%2F1&Tag=x&Tag=y%00";
    let seen = VENDOR
        .came("inbound", "https://h.test/in", "application/x-www-form-urlencoded; charset=utf-8", body)
        .seen();
    let expected = AtProvider {
        id: "a1".to_owned(),
        direction: Direction::Inbound,
        from: THEIRS.to_owned(),
        to: OURS.to_owned(),
        body: Some("Grüße 👋".to_owned()),
        files: vec![File { url: Some("https://m.test/1".to_owned()), ..File::default() }],
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
        }).into()),
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
        let came = VENDOR.came("status", url, content_type, body);
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
    let status = |body: &str| VENDOR.came("status", "https://h.test/status", FORM, body).seen();
    assert_eq!(status("SmsSid=a1&SmsStatus=SENT").status, Some(Status::Sent));
    assert_eq!(status("SmsSid=a1&MessageStatus=teleported").status, None);
    assert_eq!(status("MessageSid=&SmsSid=a1").id, "a1");
    assert_eq!(status("SmsSid=a1&ErrorCode=").error_code, None);
    assert_eq!(status("SmsSid=a1&ErrorCode=12&ErrorMessage=odd").error_message.as_deref(), Some("odd"));
    assert_eq!(status("SmsSid=a1&ErrorCode=12").error_message, None);
    assert_eq!(status("SmsSid=a1").reference, None);
    let inbound = |body: &str| VENDOR.came("inbound", "https://h.test/in", FORM, body).seen();
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
        assert!(VENDOR.came(name, "https://h.test/x", content_type, body).read().is_err(), "{name} {body}");
    }
}

#[test]
fn answers_never_hold_words_that_could_be_texted_to_the_customer() {
    let nothing = br#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;
    let answer = |name: &'static str| {
        let came = VENDOR.came(name, "https://h.test/x", FORM, "");
        SignalWire.answer(&came.hook(), &Reading::default(), &channel(), &[], PUBLIC)
    };
    let inbound = answer("inbound");
    assert_eq!((inbound.status, inbound.header("content-type")), (200, Some("text/xml")));
    assert_eq!(inbound.body, nothing);
    let status = answer("status");
    assert_eq!((status.status, status.body.len()), (204, 0));
    let came = VENDOR.came("inbound", "https://h.test/x", FORM, "");
    let error = SignalWire.error(&came.hook(), 503, "the database is down");
    assert_eq!((error.status, error.header("content-type")), (503, Some("text/xml")));
    assert_eq!(error.body, nothing);
    let came = VENDOR.came("status", "https://h.test/x", FORM, "");
    let error = SignalWire.error(&came.hook(), 403, "invalid signature");
    assert_eq!(
        (error.status, error.body.as_slice()),
        (403, br#"{"message":"invalid signature"}"#.as_slice())
    );
}

// ---- found by the fuzzer

#[test]
fn an_id_or_address_that_nothing_could_hold_is_none() {
    let long = "a".repeat(201);
    let came = |id: &str, from: &str| {
        let fields = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("MessageSid", id), ("From", from), ("To", OURS)])
            .finish();
        VENDOR.came("inbound", PUBLIC, FORM, fields)
    };
    let read = |came: &Came| SignalWire.read(&came.hook(), &channel(), &settings());
    assert_eq!(read(&came(&long, THEIRS)).unwrap_err().0, "there is no MessageSid");
    let reading = read(&came(&long[1..], &long)).unwrap();
    let seen = at_provider(&reading.observations[0]);
    assert_eq!((seen.id.len(), seen.from.as_str()), (200, ""));
}
