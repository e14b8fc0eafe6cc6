//! What is asked of SignalWire.

use super::*;

#[test]
fn a_message_is_sent_so_that_its_callback_names_it() {
    let message = order(THEIRS, "50% off & more – yes?");
    let request = built(&Call::Deliver(&message), &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Post, format!("{}.json", base())));
    assert_eq!(request.timeout, Duration::from_secs(30));
    let credentials = STANDARD.encode(format!("{PROJECT}:PT-not-a-real-token"));
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
         https%3A%2F%2Fhooks.example.test%2Fv1%2Fhooks%2Fsignalwire%2Fchn_1%2Fstatus%3Fref%3Dmsg_7-%252B12015550188"
    );
}

#[test]
fn a_callback_that_could_not_be_checked_is_not_asked_for() {
    let message = order(THEIRS, "Hi");
    let body = |settings: &Settings, channel: Option<&Channel>, public_url| {
        let context = Context { files: &[], public_url, ..context(settings, channel) };
        String::from_utf8(SignalWire.build(&Call::Deliver(&message), &context).unwrap().body).unwrap()
    };
    let plain = "From=%2B12015550123&To=%2B12015550188&Body=Hi";
    assert_eq!(body(&with("signing_key", ""), Some(&channel()), PUBLIC), plain);
    assert_eq!(body(&settings(), Some(&channel()), ""), plain);
    assert_eq!(body(&settings(), Some(&channel()), "https://"), plain);
    assert_eq!(body(&settings(), None, PUBLIC), plain);
    assert!(body(&settings(), Some(&channel()), PUBLIC).contains("StatusCallback"));
}

#[test]
fn the_callbacks_reference_comes_back_as_it_went_out() {
    for id in ["msg_7-+12015550188", "a b&c=d#e?f/ü%2B", "~-._"] {
        let message = Message { external_id: id.to_owned(), ..order(THEIRS, "Hi") };
        let request = built(&Call::Deliver(&message), &settings()).unwrap();
        let url = form_urlencoded::parse(&request.body)
            .find(|(name, _)| name == "StatusCallback")
            .unwrap()
            .1
            .into_owned();
        assert_eq!(VENDOR.came("status", &url, FORM, "MessageSid=a1").seen().reference.as_deref(), Some(id));
    }
}

#[test]
fn reading_calls_are_built() {
    let message = order(THEIRS, "Hi");
    let next = format!("/api/laml/2010-04-01/Accounts/{PROJECT}/Messages?Page=1&PageToken=PA1");
    for (call, url) in [
        (
            Call::LookUp { message: &message, page: None },
            format!("{}.json?To=%2B12015550188&From=%2B12015550123&PageSize=100", base()),
        ),
        (Call::List { since: Some(noon()), page: None }, format!("{}.json?PageSize=500", base())),
        (Call::Check, format!("{}.json?PageSize=1", base())),
        (Call::Fetch { id: "a1-B2" }, format!("{}/a1-B2.json", base())),
        (Call::List { since: None, page: Some(&next) }, format!("https://acme.signalwire.com{next}")),
        (Call::LookUp { message: &message, page: Some(&next) }, format!("https://acme.signalwire.com{next}")),
    ] {
        let request = built(&call, &settings()).unwrap();
        assert_eq!((request.method, &request.url), (Method::Get, &url));
        assert!(request.body.is_empty());
        assert!(request.headers.iter().any(|(name, _)| *name == "authorization"));
    }
}

#[test]
fn a_double_may_stand_anywhere() {
    let settings = with("api_url", "http://127.0.0.1:9/{space}/sw/");
    let request = built(&Call::Check, &settings).unwrap();
    assert!(
        request.url.starts_with("http://127.0.0.1:9/acme/sw/api/laml/2010-04-01/Accounts/"),
        "{}",
        request.url
    );
    for page in ["/api/laml/x?Page=1", "http://127.0.0.1:9/acme/sw/api/laml/x?Page=1"] {
        let request = built(&Call::List { since: None, page: Some(page) }, &settings).unwrap();
        assert_eq!(request.url, "http://127.0.0.1:9/acme/sw/api/laml/x?Page=1");
    }
}

#[test]
fn credentials_go_to_no_other_host() {
    for page in [
        "",
        "https://evil.test/api/laml/x",
        "//evil.test/api/laml/x",
        "https://acme.signalwire.com.evil.test/api/laml/x",
        "https://acme.signalwire.com@evil.test/api/laml/x",
        "http://acme.signalwire.com/api/laml/x",
        "@evil.test/api/laml/",
        ".evil.test/api/laml/",
        "/2010-04-01/Accounts",
        "/api/laml/../../other",
        "/api/laml\\..\\x",
        "/api/laml/x\r\nHost: evil.test",
        "/api/laml/x y",
    ] {
        let refusal = built(&Call::List { since: None, page: Some(page) }, &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page:?}");
    }
}

#[test]
fn what_would_be_refused_for_certain_is_not_sent() {
    let long = order(THEIRS, &"ü".repeat(1601));
    assert!(built(&Call::Deliver(&order(THEIRS, &"ü".repeat(1600))), &settings()).is_ok());
    assert!(built(&Call::Deliver(&order("22395", "Hi")), &settings()).is_ok());
    for (message, code) in [
        (long, "21617"),
        (order(THEIRS, ""), "21602"),
        (order(THEIRS, " \n"), "21602"),
        (order("ACME", "Hi"), "21211"),
        (order("2015550188", "Hi"), "21211"),
        (order("+12", "Hi"), "21211"),
        (order("", "Hi"), "21211"),
    ] {
        let refusal = built(&Call::Deliver(&message), &settings()).unwrap_err();
        assert_eq!((refusal.kind, refusal.code.as_deref()), (RefusalKind::Permanent, Some(code)));
    }
    let message = order(THEIRS, "Hi");
    for call in [
        Call::Report { message: &message, reason: "why" },
        Call::Note { message: &message, external_id: "n", text: "t" },
        Call::Fetch { id: "" },
        Call::Fetch { id: "../../Accounts" },
        Call::Fetch { id: "a?b" },
    ] {
        assert_eq!(built(&call, &settings()).unwrap_err().kind, RefusalKind::Permanent, "{call:?}");
    }
}

#[test]
fn an_account_that_is_not_set_up_rests_until_it_is() {
    for (name, value) in [
        ("space", ""),
        ("space", "acme.evil.test/"),
        ("project", ""),
        ("project", "a/b"),
        ("token", ""),
        ("api_url", "ftp://x"),
        ("api_url", "https://"),
    ] {
        let refusal = built(&Call::Check, &with(name, value)).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Credentials, "{name}={value}");
        assert!(refusal.message.contains(&format!("`{name}`")), "{}", refusal.message);
    }
}

// ---- found by the fuzzer

#[test]
fn an_encoded_dot_leads_out_of_the_api_no_more_than_a_plain_one() {
    for page in [
        "/api/laml/%2e%2e/x",
        "/api/laml/%2E%2e/%2e%2E/secret",
        "/api/laml/.%2e/x",
        "/api/laml/%2e/x",
        "https://acme.signalwire.com/api/laml/%2e%2e/%2e%2e/x",
    ] {
        let refusal = built(&Call::List { since: None, page: Some(page) }, &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page}");
    }
    let genuine = "/api/laml/2010-04-01/Accounts/x/Messages?PageToken=..%2e%2e/..";
    assert!(built(&Call::List { since: None, page: Some(genuine) }, &settings()).is_ok());
}
