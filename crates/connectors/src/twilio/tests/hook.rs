//! What hooks say.

use super::*;

#[test]
fn a_message_from_a_customer_is_read_and_all_of_it_is_kept() {
    let body = "ToCountry=US&SmsMessageSid=SM1&NumMedia=0&FromCity=&SmsSid=SM1&SmsStatus=received&Body=Stop&To=%2B12015550123\
                &OptOutType=STOP&MessagingServiceSid=MG1&NumSegments=1&MessageSid=SM1&From=%2B12015550188&ApiVersion=2010-04-01";
    let seen = VENDOR
        .came("inbound", "https://h.test/in", "application/x-www-form-urlencoded; charset=utf-8", body)
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
        said: Some(Word::Stop),
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
    let seen = VENDOR.came("inbound", "https://h.test/in", FORM, body).seen();
    assert_eq!((seen.customer(), seen.ours()), ("whatsapp:+12015550188", "whatsapp:+12015550123"));
}

#[test]
fn a_status_is_read_with_our_reference() {
    let url = "https://h.test/status?ref=msg_7-%2B12015550188";
    let form = "MessageSid=SM1&MessageStatus=undelivered&SmsStatus=sent&ErrorCode=30005&ErrorMessage=Unknown&To=%2B12015550188";
    let json = r#"{"MessageSid":"SM1","MessageStatus":"undelivered","ErrorCode":30005,"To":"+12015550188"}"#;
    for (content_type, body) in [(FORM, form), ("application/json", json)] {
        let seen = VENDOR.came("status", url, content_type, body).seen();
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
    let status = |body: &str| VENDOR.came("status", "https://h.test/status", FORM, body).seen();
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
        assert!(VENDOR.came(name, "https://h.test/x", content_type, body).read().is_err(), "{name} {body}");
    }
}

#[test]
fn answers_never_hold_words_that_could_be_texted_to_the_customer() {
    let nothing = br#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;
    let came = |name| VENDOR.came(name, "https://h.test/x", FORM, "");
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
