//! Which hooks are believed.

use super::*;

#[test]
fn the_vendors_own_libraries_and_we_agree_on_every_vector() {
    let vectors: Value = serde_json::from_str(include_str!("../fixtures/signatures.json")).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let mut settings = with("signing_key", text("key"));
        settings.set("project", "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13");
        let came = VENDOR
            .came("inbound", text("url"), text("content_type"), text("body"))
            .header(text("header"), text("signature"));
        let valid = vector["valid"].as_bool().unwrap();
        assert_eq!(came.verify(&settings).is_ok(), valid, "{}", text("name"));
    }
}

#[test]
fn the_url_is_the_configured_one_byte_for_byte_but_for_what_never_goes_over_the_wire() {
    for (ours, theirs, believed) in [
        ("https://h.test/in?ref=a%2Bb+c", "https://h.test/in?ref=a%2Bb+c", true),
        ("https://h.test/in?ref=a%2Bb", "https://h.test/in?ref=a%2bb", false),
        ("https://h.test/in?b=1&a=2", "https://h.test/in?a=2&b=1", false),
        ("https://user:pass@h.test/in", "https://h.test/in", true),
        ("https://h.test/in#rc=5", "https://h.test/in", true),
        ("https://h.test/in?to=me@there", "https://h.test/in?to=me@there", true),
        ("https://H.Test/in", "https://H.Test/in", true),
        ("https://H.Test/in", "https://h.test/in", false),
        ("https://h.test:443/in", "https://h.test/in", true),
        ("https://h.test/in", "https://h.test:443/in", true),
        ("http://h.test/in", "http://h.test:80/in", true),
        ("http://h.test:8080/in", "http://h.test/in", true),
        ("http://h.test/in", "http://h.test:8080/in", false),
        ("https://[2001:db8::1]/in", "https://[2001:db8::1]/in", true),
        ("https://[2001:db8::1]:8443/in", "https://[2001:db8::1]/in", true),
        ("https://h.test", "https://h.test/", false),
        ("https://h.test/it's", "https://h.test/it's", true),
        ("https://h.test/it's", "https://h.test/it%27s", false),
    ] {
        let came = VENDOR
            .came("inbound", ours, FORM, "Body=Hi&MessageSid=a1")
            .signed(&format!("{theirs}BodyHiMessageSida1"));
        assert_eq!(came.verify(&settings()).is_ok(), believed, "{ours} signed as {theirs}");
    }
}

#[test]
fn a_signature_over_the_url_alone_is_no_signature_of_a_form() {
    let url = "https://h.test/in";
    let came = VENDOR.came("inbound", url, FORM, "Body=Hi&MessageSid=a1").signed(url);
    assert_eq!(came.verify(&settings()), Err(Unverified::Invalid));
    // Called something else it needs a hash, which only the signer can put into the URL.
    let came = VENDOR.came("inbound", url, "application/json", r#"{"MessageSid":"a1"}"#).signed(url);
    assert_eq!(came.verify(&settings()), Err(Unverified::Missing));
}

#[test]
fn a_body_that_is_no_form_must_have_the_hash_that_the_url_names() {
    let hash = "3ec6c06ac9cd7c5e2dda8c2b2f0a3ad4d4b6b6c5ea2fb04a4f15e7d95b4c9f20";
    let url = format!("https://h.test/in?bodySHA256={hash}");
    let came = VENDOR.came("inbound", &url, "application/json", r#"{"MessageSid":"a1"}"#).signed(&url);
    assert_eq!(came.verify(&settings()), Err(Unverified::Invalid));
}

#[test]
fn what_is_wrong_with_a_hook_is_said_in_order() {
    let url = "https://h.test/in";
    let unsigned = || VENDOR.came("inbound", url, FORM, format!("AccountSid={PROJECT}"));
    let good = || unsigned().signed(&format!("{url}AccountSid{PROJECT}"));
    assert_eq!(good().verify(&settings()), Ok(()));
    assert_eq!(good().verify(&with("signing_key", "")), Err(Unverified::NoKey));
    assert_eq!(unsigned().verify(&settings()), Err(Unverified::Missing));
    assert_eq!(unsigned().header("x-signalwire-signature", "").verify(&settings()), Err(Unverified::Missing));
    assert_eq!(
        unsigned().header("x-signalwire-signature", "AAAA").verify(&settings()),
        Err(Unverified::Invalid)
    );
    assert_eq!(good().verify(&with("project", "another")), Err(Unverified::OtherAccount));
    assert_eq!(good().verify(&with("project", &PROJECT.to_uppercase())), Ok(()));
    let both = VENDOR.came("inbound", url, FORM, format!("AccountSid={PROJECT}&AccountSid=x"));
    let both = both.signed(&format!("{url}AccountSid{PROJECT}AccountSidx"));
    assert_eq!(both.verify(&settings()), Err(Unverified::OtherAccount));
    // Known of one that is not signed as well, whatever the signature is worth.
    let names_other =
        |came: &Came, settings: &Settings| SignalWire.is_of_other_account(&came.hook(), settings);
    assert!(!names_other(&unsigned(), &settings()) && names_other(&both, &settings()));
    assert!(names_other(&unsigned(), &with("project", "another")));
}
