//! Files of messages at Twilio, and what becomes of long texts.

use super::*;
use twinwire_core::media::File;

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
fn a_hook_names_its_files_and_the_list_says_only_how_many_there_are() {
    let body = "MessageSid=MM1&From=%2B12015550188&To=%2B12015550123&Body=&NumMedia=2\
                &MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fx%2FME1&MediaContentType0=image%2Fjpeg\
                &MediaUrl1=https%3A%2F%2Fapi.twilio.com%2Fx%2FME2&MediaContentType1=application%2Fsmil";
    let seen = VENDOR.came("inbound", "https://h.test/in", FORM, body).seen();
    let picture = File {
        url: Some("https://api.twilio.com/x/ME1".to_owned()),
        content_type: Some("image/jpeg".to_owned()),
        ..File::default()
    };
    assert_eq!((seen.files, seen.body.as_deref()), (vec![picture], Some("")));
    let listed = resource::message(&json!({"sid": "MM1", "num_media": "2", "body": ""})).unwrap();
    assert_eq!((listed.files, listed.body.as_deref()), (File::unnamed(2), Some("")));
}

#[test]
fn the_files_of_a_message_are_asked_for_by_its_id() {
    let request = built(&Call::Files(&incoming("MM1")), &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Get, format!("{}/MM1/Media.json", base())));
    for message in [order(THEIRS, "Hi"), incoming("../x"), incoming("a?b")] {
        let refusal = built(&Call::Files(&message), &settings()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Permanent, "{:?}", message.provider_message_id);
    }
    let uri = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1.json");
    let listed = replied(200, &json!({"media_list": [{"uri": uri}]}));
    let outcome = judged(&Call::Files(&incoming("MM1")), &listed);
    let Outcome::Done(Done::Files(files)) = outcome else { panic!("{outcome:?}") };
    let url = files[0].url.as_deref().unwrap();
    assert_eq!(url, format!("{}/MM1/Media/ME1", base()));
    assert_eq!(VENDOR.credentials_to(url, &settings()), Ok(true));
}

#[test]
fn credentials_follow_a_file_to_the_configured_api_alone() {
    let double = with(&[("api_url", "http://127.0.0.1:9/tw")]);
    let refused = Err(RefusalKind::Permanent);
    for (url, at_twilio, at_the_double) in [
        ("https://api.twilio.com/2010-04-01/Messages/a/Media/b", Ok(true), Ok(false)),
        ("https://api.twilio.com/2010-04-01/x", Ok(false), Ok(false)),
        ("http://127.0.0.1:9/tw/Messages/a/Media/b", refused, Ok(true)),
        ("http://127.0.0.1:9/Messages/a/Media/b", refused, Ok(false)),
        ("http://127.0.0.1:8/tw/x", refused, refused),
        ("https://mms.twiliocdn.com/x", Ok(false), Ok(false)),
        ("https://api.twilio.com:8443/x", Ok(false), Ok(false)),
        ("https://api.twilio.com@evil.test/x", refused, refused),
        ("http://api.twilio.com/x", refused, refused),
    ] {
        assert_eq!(VENDOR.credentials_to(url, &settings()), at_twilio, "{url}");
        assert_eq!(VENDOR.credentials_to(url, &double), at_the_double, "{url} from the double");
    }
}

#[test]
fn what_a_message_may_carry_depends_on_the_recipients_network() {
    let most = |recipient, kind| {
        let limits = Twilio.media(&order(recipient, "Hi")).unwrap();
        (limits.most, limits.of_type(kind))
    };
    let whatsapp = "whatsapp:+12015550188";
    assert_eq!(most(THEIRS, "image/png"), (10, Some(4_990_000)));
    assert_eq!(most(THEIRS, "application/pdf"), (10, Some(500_000)));
    assert_eq!(most(THEIRS, "application/msword"), (10, None));
    assert_eq!(most(whatsapp, "image/png"), (1, Some(5_000_000)));
    assert_eq!(most(whatsapp, "application/msword"), (1, Some(16_000_000)));
    assert_eq!(most(whatsapp, "image/tiff"), (1, None));
}

#[test]
fn smart_encoding_is_asked_of_twilio_and_leaves_our_text_as_it_is() {
    let message = order(THEIRS, "It\u{2019}s \u{2014} here\u{2026}");
    for (answer, asked) in [("yes", true), ("no", false)] {
        let fields = VENDOR.form(&message, &with(&[("smart_encoded", answer)]), &[]).unwrap();
        assert!(fields.contains(&("Body".to_owned(), message.body.clone())), "{fields:?}");
        assert_eq!(fields.contains(&("SmartEncoded".to_owned(), "true".to_owned())), asked);
    }
}

#[test]
fn a_text_is_split_at_what_one_message_takes_unless_it_is_to_be_refused() {
    let splits_at = |answer| {
        let prepared = Twilio.prepare(&with(&[("phone", OURS), ("long_texts", answer)]));
        prepared.map(|prepared| Twilio.splits_at(&prepared.answers))
    };
    assert_eq!(splits_at(""), Ok(Some(1600)));
    assert_eq!(splits_at("Split"), Ok(Some(1600)));
    assert_eq!(splits_at("refuse"), Ok(None));
    assert!(splits_at("cut").unwrap_err().starts_with("`long_texts`"));
}
