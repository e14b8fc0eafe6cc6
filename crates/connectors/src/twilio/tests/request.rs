//! What is asked of Twilio.

use super::*;

#[test]
fn a_message_is_sent_so_that_its_callback_names_it() {
    let message = order(THEIRS, "50% off & more – yes?");
    let request = built(&Call::Deliver(&message), &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Post, format!("{}.json", base())));
    assert_eq!(request.timeout, Duration::from_secs(30));
    let credentials = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
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
         https%3A%2F%2Fhooks.example.test%2Fv1%2Fhooks%2Ftwilio%2Fchn_1%2Fstatus%3Fref%3Dmsg_7-%252B12015550188"
    );
}

#[test]
fn an_api_key_makes_the_calls_where_there_is_one() {
    let key = [("api_key_sid", KEY_SID), ("api_key_secret", "hush")];
    let request = built(&Call::Check, &with(&key)).unwrap();
    let credentials = STANDARD.encode(format!("{KEY_SID}:hush"));
    assert_eq!(request.headers[0].1, format!("Basic {credentials}"));
    assert!(request.url.contains(ACCOUNT), "{}", request.url);
    // A callback that could not be checked is not asked for.
    let message = order(THEIRS, "Hi");
    let names = |settings: &Settings| -> Vec<String> {
        sent(&message, settings, OURS).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&with(&key)), ["From", "To", "Body", "StatusCallback"]);
    assert_eq!(names(&with(&[key[0], key[1], ("auth_token", "")])), ["From", "To", "Body"]);
}

#[test]
fn a_messaging_service_and_smart_encoding_are_asked_for_where_they_are_set() {
    let message = order(THEIRS, "Hi");
    let fields = sent(&message, &with(&[("messaging_service_sid", SERVICE), ("smart_encoded", "yes")]), OURS);
    let fields: Vec<_> = fields.unwrap().into_iter().filter(|(name, _)| name != "StatusCallback").collect();
    let expected = [
        ("From", OURS),
        ("To", THEIRS),
        ("Body", "Hi"),
        ("MessagingServiceSid", SERVICE),
        ("SmartEncoded", "true"),
    ];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let fields = sent(&message, &with(&[("smart_encoded", "no")]), OURS).unwrap();
    assert!(fields.iter().all(|(name, _)| name != "SmartEncoded"));
}

#[test]
fn both_ends_of_a_message_are_in_the_same_network() {
    for (recipient, ours, refused) in [
        (THEIRS, OURS, None),
        ("whatsapp:+12015550188", "whatsapp:+12015550123", None),
        ("22395", OURS, None),
        ("whatsapp:+12015550188", OURS, Some("63007")),
        (THEIRS, "whatsapp:+12015550123", Some("63007")),
        ("whatsapp:22395", "whatsapp:+12015550123", Some("21211")),
        ("whatsapp:ACME", "whatsapp:+12015550123", Some("21211")),
        ("ACME", OURS, Some("21211")),
        ("", OURS, Some("21211")),
    ] {
        let came = sent(&order(recipient, "Hi"), &settings(), ours);
        let code = came.as_ref().err().and_then(|refusal| refusal.code.as_deref());
        assert_eq!(code, refused, "{recipient} from {ours}");
        if let Ok(fields) = came {
            assert_eq!((fields[0].1.as_str(), fields[1].1.as_str()), (ours, recipient));
        }
    }
}

#[test]
fn what_would_be_refused_for_certain_is_not_sent() {
    assert!(built(&Call::Deliver(&order(THEIRS, &"ü".repeat(1600))), &settings()).is_ok());
    for (body, code) in [("ü".repeat(1601), "21617"), (String::new(), "21602"), (" \n".to_owned(), "21602")]
    {
        let refusal = built(&Call::Deliver(&order(THEIRS, &body)), &settings()).unwrap_err();
        assert_eq!((refusal.kind, refusal.code.as_deref()), (RefusalKind::Permanent, Some(code)));
    }
    let message = order(THEIRS, "Hi");
    for call in [
        Call::Report { message: &message, reason: "why" },
        Call::Note { message: &message, external_id: "n", text: "t" },
        Call::Fetch { id: "" },
        Call::Fetch { id: "../../Accounts" },
    ] {
        assert_eq!(built(&call, &settings()).unwrap_err().kind, RefusalKind::Permanent, "{call:?}");
    }
}

#[test]
fn reading_calls_are_built() {
    let message = order(THEIRS, "Hi");
    let next = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1&PageToken=PASM1");
    for (call, url) in [
        (
            Call::LookUp { message: &message, page: None },
            format!("{}.json?To=%2B12015550188&From=%2B12015550123&PageSize=100", base()),
        ),
        (Call::List { since: Some(noon()), page: None }, format!("{}.json?PageSize=500", base())),
        (Call::Check, format!("{}.json?PageSize=1", base())),
        (Call::Fetch { id: "SM1" }, format!("{}/SM1.json", base())),
        (Call::List { since: None, page: Some(&next) }, format!("https://api.twilio.com{next}")),
    ] {
        let request = built(&call, &settings()).unwrap();
        assert_eq!((request.method, &request.url), (Method::Get, &url));
        assert!(request.body.is_empty());
    }
    let by_service = with(&[("messaging_service_sid", SERVICE)]);
    let request = built(&Call::LookUp { message: &message, page: None }, &by_service).unwrap();
    assert_eq!(request.url, format!("{}.json?To=%2B12015550188&PageSize=100", base()));
}

#[test]
fn credentials_go_to_no_other_host() {
    let double = with(&[("api_url", "http://127.0.0.1:9/tw/")]);
    for page in ["/2010-04-01/x?Page=1", "http://127.0.0.1:9/tw/2010-04-01/x?Page=1"] {
        let request = built(&Call::List { since: None, page: Some(page) }, &double).unwrap();
        assert_eq!(request.url, "http://127.0.0.1:9/tw/2010-04-01/x?Page=1");
    }
    for page in [
        "",
        "https://evil.test/2010-04-01/x",
        "//evil.test/2010-04-01/x",
        "https://api.twilio.com.evil.test/2010-04-01/x",
        "https://api.twilio.com@evil.test/2010-04-01/x",
        "http://api.twilio.com/2010-04-01/x",
        "@evil.test/2010-04-01/",
        ".evil.test/2010-04-01/",
        "/api/laml/2010-04-01/x",
        "/2010-04-01/../../other",
        "/2010-04-01/%2e%2E/other",
        "/2010-04-01\\..\\x",
        "/2010-04-01/x\r\nHost: evil.test",
    ] {
        let refusal = built(&Call::List { since: None, page: Some(page) }, &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{page:?}");
    }
}

#[test]
fn an_account_that_is_not_set_up_rests_until_it_is() {
    for (changed, named) in [
        ([("account_sid", ""), ("x", "")], "account_sid"),
        ([("account_sid", "a/b"), ("x", "")], "account_sid"),
        ([("auth_token", ""), ("x", "")], "auth_token"),
        ([("auth_token", ""), ("api_key_sid", KEY_SID)], "api_key_secret"),
        ([("auth_token", ""), ("api_key_secret", "hush")], "api_key_sid"),
        ([("api_url", "ftp://x"), ("x", "")], "api_url"),
    ] {
        let refusal = built(&Call::Check, &with(&changed)).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Credentials, "{changed:?}");
        assert!(refusal.message.contains(&format!("`{named}`")), "{}", refusal.message);
    }
}
