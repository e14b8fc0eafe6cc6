//! Files of messages at SignalWire, and what becomes of long texts.

use super::*;

#[test]
fn a_message_with_files_names_them_in_order_and_keeps_its_callback() {
    VENDOR.names_files_in_order();
}

#[test]
fn an_empty_body_is_left_out_beside_a_file_and_refused_without_one() {
    VENDOR.leaves_out_an_empty_body();
}

#[test]
fn a_list_of_files_that_cannot_be_read_is_asked_for_again() {
    VENDOR.reads_a_list_or_asks_again();
}

#[test]
fn a_file_that_is_not_there_may_come_within_two_minutes_and_never_after() {
    VENDOR.waits_two_minutes_for_a_file();
}

#[test]
fn a_text_may_be_missing_beside_files() {
    let body = "MessageSid=a1&From=%2B12015550188&To=%2B12015550123&NumMedia=1\
                &MediaUrl0=https%3A%2F%2Ffiles.signalwire.com%2Fx%2F1&MediaContentType0=text%2Fplain";
    let seen = VENDOR.came("inbound", "https://h.test/in", FORM, body).seen();
    let text = File {
        url: Some("https://files.signalwire.com/x/1".to_owned()),
        content_type: Some("text/plain".to_owned()),
        ..File::default()
    };
    assert_eq!((seen.files, seen.body), (vec![text], None));
    let listed = resource::message(&json!({"sid": "a1", "num_media": 2, "body": null})).unwrap();
    assert_eq!((listed.files, listed.body), (File::unnamed(2), None));
}

#[test]
fn the_files_of_a_message_are_asked_for_by_its_id() {
    let request = built(&Call::Files(&incoming("a1-B2")), &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Get, format!("{}/a1-B2/Media.json", base())));
    for message in [order(THEIRS, "Hi"), incoming("../x"), incoming("a?b")] {
        let refusal = built(&Call::Files(&message), &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{:?}", message.provider_message_id);
    }
    let uri = "/api/laml/2010-04-01/Accounts/p/Messages/a1/Media/m1.json";
    let listed = replied(200, &json!({"media_list": [{"uri": uri, "content_type": "image/gif"}]}));
    let outcome = judged(&Call::Files(&incoming("a1")), &listed);
    let Outcome::Done(Done::Files(files)) = outcome else { panic!("{outcome:?}") };
    let url = files[0].url.as_deref().unwrap();
    assert_eq!(url, "https://acme.signalwire.com/api/laml/2010-04-01/Accounts/p/Messages/a1/Media/m1");
    assert_eq!(VENDOR.credentials_to(url, &settings()), Ok(true));
}

#[test]
fn credentials_follow_a_file_to_the_configured_space_alone() {
    let double = with("api_url", "http://127.0.0.1:9/{space}/sw");
    let refused = Err(RefusalKind::Permanent);
    for (url, at_signalwire, at_the_double) in [
        ("https://acme.signalwire.com/api/laml/Messages/a/Media/b", Ok(true), Ok(false)),
        ("https://acme.signalwire.com/x", Ok(false), Ok(false)),
        ("https://other.signalwire.com/x", Ok(false), Ok(false)),
        ("https://files.signalwire.com/x", Ok(false), Ok(false)),
        ("http://127.0.0.1:9/acme/sw/Messages/a/Media/b", refused, Ok(true)),
        ("http://127.0.0.1:9/x", refused, Ok(false)),
        ("https://user@acme.signalwire.com/x", refused, refused),
        ("http://acme.signalwire.com/x", refused, refused),
    ] {
        assert_eq!(VENDOR.credentials_to(url, &settings()), at_signalwire, "{url}");
        assert_eq!(VENDOR.credentials_to(url, &double), at_the_double, "{url} from the double");
    }
}

#[test]
fn eight_files_of_little_more_than_a_megabyte_together_go_along() {
    let limits = SignalWire.media(&order(THEIRS, "Hi")).unwrap();
    assert_eq!((limits.most, limits.total), (8, 1_190_000));
    assert_eq!(limits.of_type("image/jpeg"), Some(500_000));
    assert_eq!(limits.of_type("application/pdf"), None);
}

fn smart_body(body: &str, answer: &str) -> String {
    let fields = VENDOR.form(&order(THEIRS, body), &with("smart_encoded", answer), &[]).unwrap();
    assert!(fields.iter().all(|(name, _)| name != "SmartEncoded"));
    fields.into_iter().find(|(name, _)| name == "Body").unwrap().1
}

#[test]
fn smart_encoding_is_ours_and_changes_the_text_that_goes_out() {
    let text = "It\u{2019}s \u{2014} here\u{2026}";
    assert_eq!(smart_body(text, "yes"), "It's - here...");
    assert_eq!(smart_body(text, "no"), text);
    // Nothing is gained where another character needs two bytes all the same.
    assert_eq!(smart_body("It\u{2019}s here \u{1f44b}", "yes"), "It\u{2019}s here \u{1f44b}");
}

/// Three dots in an ellipsis' place would make it too long, and it would be refused for good.
#[test]
fn a_text_that_smart_encoding_would_make_too_long_goes_out_as_it_was_written() {
    let text = |length: usize| format!("{}\u{2026}", "x".repeat(length - 1));
    assert_eq!(smart_body(&text(1600), "yes"), text(1600));
    assert_eq!(smart_body(&text(1599), "yes"), text(1599));
    assert_eq!(smart_body(&text(1598), "yes"), format!("{}...", "x".repeat(1597)));
}

#[test]
fn a_text_is_split_at_what_one_message_takes_unless_it_is_to_be_refused() {
    let splits_at = |answer| {
        let mut answers = with("long_texts", answer);
        answers.set("phone", OURS);
        SignalWire.prepare(&answers).map(|prepared| SignalWire.splits_at(&prepared.answers))
    };
    assert_eq!(splits_at(""), Ok(Some(1600)));
    assert_eq!(splits_at("Split"), Ok(Some(1600)));
    assert_eq!(splits_at("refuse"), Ok(None));
    assert!(splits_at("cut").unwrap_err().starts_with("`long_texts`"));
}
