//! Where the number's messages go, and having them come here.

use super::*;
use twinwire_core::setup::{Goes, NumberHook};

const ID: &str = "1a2b3c4d-0000-4000-8000-000000000001";
const URL: &str = "https://hooks.example.test/v1/hooks/signalwire/chn_1/inbound";

#[test]
fn our_number_is_asked_for_and_set_in_place_of_an_application() {
    let numbers =
        format!("https://acme.signalwire.com/api/laml/2010-04-01/Accounts/{PROJECT}/IncomingPhoneNumbers");
    let request = built(&Call::ReadHook, &settings()).unwrap();
    assert_eq!(
        (request.method, request.url),
        (Method::Get, format!("{numbers}.json?PhoneNumber=%2B12015550123"))
    );
    let request = built(&Call::SetHook { id: ID }, &settings()).unwrap();
    assert_eq!((request.method, request.url), (Method::Post, format!("{numbers}/{ID}.json")));
    assert!(request.headers.contains(&("content-type", FORM.to_owned())));
    let fields: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let expected =
        [("SmsUrl", URL.to_owned()), ("SmsMethod", "POST".to_owned()), ("SmsApplicationSid", String::new())];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value)));
    for id in ["", "../x", "a/b", "a?b"] {
        assert!(built(&Call::SetHook { id }, &settings()).is_err(), "{id:?}");
    }
}

#[test]
fn what_is_found_is_told_and_what_cannot_be_read_is_no_success() {
    let number = |url: &str| json!({"sid": ID, "phone_number": OURS, "sms_url": url, "sms_method": "POST"});
    let hook = |goes| Outcome::Done(Done::Hook(NumberHook { id: ID.to_owned(), goes }));
    let listed = |url: &str| replied(200, &json!({"incoming_phone_numbers": [number(url)]}));
    assert_eq!(judged(&Call::ReadHook, &listed("")), hook(Goes::Nowhere));
    assert_eq!(judged(&Call::ReadHook, &listed(URL)), hook(Goes::Here));
    let other = "https://crm.test/sms";
    assert_eq!(judged(&Call::ReadHook, &listed(other)), hook(Goes::Elsewhere(other.to_owned())));
    let set = Call::SetHook { id: ID };
    assert_eq!(judged(&set, &replied(200, &number(URL))), hook(Goes::Here));
    // Accepted, and yet it is not what was asked for.
    assert_eq!(judged(&set, &replied(200, &number(other))), hook(Goes::Elsewhere(other.to_owned())));
    assert!(matches!(judged(&set, &replied(200, &json!({}))), Outcome::Unknown(_)));
    assert!(matches!(judged(&set, &Reply::NoAnswer("reset".to_owned())), Outcome::Unknown(_)));
    assert!(matches!(judged(&Call::ReadHook, &replied(403, &json!({}))), Outcome::Refused(_)));
}
