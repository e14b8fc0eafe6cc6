//! What is asked of Front.

use super::*;

#[test]
fn a_customers_message_is_put_into_front() {
    let expected = json!({
        "sender": {"handle": "+12015550123"},
        "body": "Thank you!",
        "delivered_at": 1_699_999_990,
        "metadata": {"external_id": "SM0c5e", "external_conversation_id": "+12015550123"},
    });
    let url = "POST https://api2.frontapp.com/channels/cha_7k2p/inbound_messages";
    assert_eq!(sent(&Call::Deliver(&inbound())), (url.to_owned(), expected));
}

#[test]
fn a_message_sent_elsewhere_is_put_into_front() {
    let expected = json!({
        "to": [{"handle": "+12015550123"}],
        "body": "(no text)",
        "delivered_at": 1_699_999_990,
        "metadata": {"external_id": "SM0c5e", "external_conversation_id": "+12015550123"},
    });
    let url = "POST https://api2.frontapp.com/channels/cha_7k2p/outbound_messages";
    let message = Message { body: " ".to_owned(), ..outbound() };
    assert_eq!(sent(&Call::Deliver(&message)), (url.to_owned(), expected));
}

#[test]
fn a_failure_is_marked_on_the_message() {
    let url = "PUT https://api2.frontapp.com/channels/cha_7k2p/conversations/%2B12015550123/messages/\
               msg_1-%2B12015550123/status";
    let message = ordered();
    let call = Call::Report { message: &message, reason: "(30003) phone is off" };
    assert_eq!(sent(&call), (url.to_owned(), json!({"status": "failed", "reason": "(30003) phone is off"})));
    let odd = Message { external_id: "a/b?c#d%e f".to_owned(), ..message };
    assert!(
        sent(&Call::Report { message: &odd, reason: "" })
            .0
            .ends_with("/messages/a%2Fb%3Fc%23d%25e%20f/status")
    );
}

#[test]
fn a_note_is_a_message_in_the_customers_conversation() {
    let message = ordered();
    let call = Call::Note { message: &message, external_id: "note-1", text: "It did not arrive." };
    let expected = json!({
        "sender": {"handle": "+12015550123"},
        "body": "It did not arrive.",
        "delivered_at": 1_700_000_000,
        "metadata": {"external_id": "note-1", "external_conversation_id": "+12015550123"},
    });
    let url = "POST https://api2.frontapp.com/channels/cha_7k2p/inbound_messages";
    assert_eq!(sent(&call), (url.to_owned(), expected));
}

#[test]
fn a_look_up_reads_the_conversation() {
    let message = inbound();
    let first = sent(&Call::LookUp { message: &message, page: None });
    let url = "GET https://api2.frontapp.com/conversations/cnv_9d3f/messages?limit=100";
    assert_eq!(first, (url.to_owned(), Value::Null));
    for page in [
        "https://tern-supply.api.frontapp.com/conversations/cnv_9d3f/messages?page_token=a%2Fb",
        "https://api2.frontapp.com/conversations/cnv_9d3f/messages?limit=100",
    ] {
        assert_eq!(sent(&Call::LookUp { message: &message, page: Some(page) }).0, format!("GET {page}"));
    }
}

#[test]
fn a_token_never_goes_to_a_strangers_host() {
    let message = inbound();
    for page in [
        "http://tern-supply.api.frontapp.com/x",
        "https://api.frontapp.com.example.test/x",
        "https://evilapi.frontapp.com/x",
        "https://tern.api.frontapp.com:8443/x",
        "https://api2.frontapp.com@example.test/x",
        "https://user:pw@tern.api.frontapp.com/x",
        "https://example.test/.api.frontapp.com",
        "https://example.test#.api.frontapp.com",
        "http://api2.frontapp.com/x",
        "/conversations/cnv_1/messages",
        "",
    ] {
        let refusal = build(&Call::LookUp { message: &message, page: Some(page) }).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page}");
    }
}

#[test]
fn another_api_url_is_used_for_everything() {
    let (channel, mut settings) = (channel(), settings());
    settings.set("api_url", "http://127.0.0.1:3910/");
    let (context, message) = (context(&channel, &settings), inbound());
    let request = Front.build(&Call::Deliver(&message), &context).unwrap();
    assert_eq!(request.url, "http://127.0.0.1:3910/channels/cha_7k2p/inbound_messages");
    let page = |page| Front.build(&Call::LookUp { message: &message, page: Some(page) }, &context);
    assert!(page("http://127.0.0.1:3910/conversations/cnv_1/messages?page_token=2").is_ok());
    assert!(page("http://127.0.0.1:3911/conversations/cnv_1/messages?page_token=2").is_err());
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let (message, long) = (inbound(), "x".repeat(201));
    let long_id = Message { external_id: long.clone(), ..inbound() };
    let long_conversation = Message { conversation: long.clone(), ..inbound() };
    for call in [
        Call::Deliver(&long_id),
        Call::Deliver(&long_conversation),
        Call::Note { message: &message, external_id: &long, text: "x" },
        Call::Report { message: &long_id, reason: "x" },
        Call::List { since: None, page: None },
        Call::Fetch { id: "msg_1" },
    ] {
        assert_eq!(build(&call).unwrap_err().kind, RefusalKind::Permanent, "{call:?}");
    }
    let fits = Message { external_id: "\u{e9}".repeat(200), ..inbound() };
    assert!(build(&Call::Deliver(&fits)).is_ok());
}

#[test]
fn credentials_are_tried_by_reading_one_message_of_a_conversation() {
    let url = "GET https://api2.frontapp.com/conversations/cnv_9d3f/messages?limit=1";
    assert_eq!(sent(&Call::Check), (url.to_owned(), Value::Null));
    let (channel, settings) = (channel(), settings());
    let without = Context { thread: None, ..context(&channel, &settings) };
    assert_eq!(Front.build(&Call::Check, &without).unwrap_err().kind, RefusalKind::Permanent);
}

#[test]
fn what_is_not_there_yet_is_refused_for_now() {
    let (channel, settings, message) = (channel(), settings(), inbound());
    let whole = context(&channel, &settings);
    let unconnected = Channel { helpdesk_channel_id: None, ..channel.clone() };
    let kind = |call, context: Context<'_>| Front.build(&call, &context).unwrap_err().kind;
    let look_up = Call::LookUp { message: &message, page: None };
    assert_eq!(
        kind(Call::Deliver(&message), Context { channel: Some(&unconnected), ..whole }),
        RefusalKind::Later
    );
    assert_eq!(kind(Call::Deliver(&message), Context { channel: None, ..whole }), RefusalKind::Later);
    assert_eq!(kind(look_up, Context { thread: None, ..whole }), RefusalKind::Later);
    let none = Settings::default();
    assert_eq!(kind(look_up, Context { settings: &none, ..whole }), RefusalKind::Credentials);
}

fn claims(token: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(b"test_secret");
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[test]
fn the_token_is_the_known_one_but_for_the_order_of_its_header() {
    let known = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJhcHBfdWlkXzEiLCJqdGkiOiJhYmNkMTIzNCIsInN1YiI6ImNoYV8x\
                 IiwiZXhwIjoxNzAwMDAwMDMwfQ.DQd_zBISkYkCNVfx6eQruuub46ZewsgB-AWKxWh1fTw";
    let expected = json!({"iss": "app_uid_1", "jti": "abcd1234", "sub": "cha_1", "exp": 1_700_000_030});
    assert_eq!(claims(known), expected);

    let (channel, settings) =
        (Channel { helpdesk_channel_id: Some("cha_1".to_owned()), ..channel() }, settings());
    let request = Front.build(&Call::Deliver(&inbound()), &context(&channel, &settings)).unwrap();
    let token = request.headers[0].1.strip_prefix("Bearer ").unwrap();
    let mut ours = claims(token);
    assert_eq!(ours["jti"], "000000000000000000000000abcd1234");
    ours["jti"] = "abcd1234".into();
    assert_eq!(ours, expected);
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap(), json!({"alg": "HS256", "typ": "JWT"}));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"test_secret").unwrap();
    mac.update(signed.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[test]
fn a_request_shows_neither_token_nor_text_in_a_log() {
    let shown = format!("{:?}", build(&Call::Deliver(&inbound())).unwrap());
    assert!(!shown.contains("Bearer") && !shown.contains("Thank you"), "{shown}");
}

// ---- found by the fuzzer

#[test]
fn dots_alone_are_no_part_of_a_path() {
    let (settings, message) = (settings(), inbound());
    for dots in [".", ".."] {
        let odd = Channel { helpdesk_channel_id: Some(dots.to_owned()), ..channel() };
        assert!(Front.build(&Call::Deliver(&message), &context(&odd, &settings)).is_err(), "{dots}");
        let channel = channel();
        let look_up = Call::LookUp { message: &message, page: None };
        let context = Context { thread: Some(dots), ..context(&channel, &settings) };
        assert!(Front.build(&look_up, &context).is_err(), "{dots}");
        let failed = Message { conversation: dots.to_owned(), ..ordered() };
        assert!(build(&Call::Report { message: &failed, reason: "no" }).is_err(), "{dots}");
    }
}
