//! Which hooks are believed.

use super::*;

fn verified(
    method: &str,
    body: &[u8],
    headers: &[(&str, &str)],
    at: DateTime<Utc>,
) -> Result<(), Unverified> {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let hook = Hook { name: "message", method, url: PUBLIC, headers: &headers, body };
    Front.verify(&hook, &settings(), at)
}

fn signed(method: &str, body: &[u8], signature: &str) -> Result<(), Unverified> {
    let headers = [("x-front-signature", signature), ("x-front-request-timestamp", "1700000000000")];
    verified(method, body, &headers, now())
}

fn sign(timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"test_secret").unwrap();
    mac.update(&[timestamp.as_bytes(), b":", body].concat());
    STANDARD.encode(mac.finalize().into_bytes())
}

const AUTHORIZATION: &[u8] = br#"{"type":"authorization","payload":{"channel_id":"cha_1"}}"#;
const AUTHORIZATION_SIGNED: &str = "eJa3lC5gc1Uq91IOUv8vp3TSoaDYU0Vm3mwCOOUoJpQ=";
const UNDEFINED_SIGNED: &str = "LzWy/aY6I7JlVmudWJFOiufaqLOHs63AwZK+8yi7+70=";
const EMPTY_SIGNED: &str = "6p5dXeigPj7Y9WyhmKA3IM+i6s1C2ggxBTPOj5zICfU=";

#[test]
fn known_signatures_are_accepted() {
    let emoji =
        "{\"type\":\"message\",\"payload\":{\"id\":\"msg_1\",\"text\":\"h\u{e9} \u{1f600}\"}}".as_bytes();
    assert_eq!(emoji.len(), 61);
    for (method, body, signature) in [
        ("POST", AUTHORIZATION, AUTHORIZATION_SIGNED),
        ("POST", emoji, "2eiBBZUGL242v0WN3YizT/LaWMyPn/yHwEaRxC5rr7c="),
        ("DELETE", b"", UNDEFINED_SIGNED),
        ("DELETE", b"", EMPTY_SIGNED),
        ("GET", b"", UNDEFINED_SIGNED),
        ("DELETE", AUTHORIZATION, AUTHORIZATION_SIGNED),
    ] {
        assert_eq!(signed(method, body, signature), Ok(()), "{method} {signature}");
    }
}

#[test]
fn a_signature_of_anything_else_is_invalid() {
    for (method, body, signature) in [
        ("POST", AUTHORIZATION, EMPTY_SIGNED),
        ("POST", b"{}".as_slice(), AUTHORIZATION_SIGNED),
        ("POST", b"", UNDEFINED_SIGNED),
        ("DELETE", AUTHORIZATION, UNDEFINED_SIGNED),
        ("DELETE", b"", AUTHORIZATION_SIGNED),
        ("POST", AUTHORIZATION, "not base64!"),
        ("POST", AUTHORIZATION, "eJa3lC5gc1Uq91IOUv8v"),
        ("POST", AUTHORIZATION, &AUTHORIZATION_SIGNED.to_lowercase()),
    ] {
        assert_eq!(signed(method, body, signature), Err(Unverified::Invalid), "{method} {signature}");
    }
}

#[test]
fn the_timestamp_is_signed_as_it_is_written() {
    let headers =
        [("x-front-signature", AUTHORIZATION_SIGNED), ("x-front-request-timestamp", "1700000000001")];
    assert_eq!(verified("POST", AUTHORIZATION, &headers, now()), Err(Unverified::Invalid));
}

#[test]
fn a_missing_part_is_missing() {
    for headers in [
        vec![],
        vec![("x-front-signature", AUTHORIZATION_SIGNED)],
        vec![("x-front-request-timestamp", "1700000000000")],
        vec![("x-front-signature", ""), ("x-front-request-timestamp", "1700000000000")],
        vec![("x-front-signature", AUTHORIZATION_SIGNED), ("x-front-request-timestamp", " ")],
    ] {
        assert_eq!(verified("POST", AUTHORIZATION, &headers, now()), Err(Unverified::Missing), "{headers:?}");
    }
}

#[test]
fn a_request_is_good_for_five_minutes_either_way_in_either_unit() {
    for (timestamp, seconds, expected) in [
        ("1700000000000", 0, Ok(())),
        ("1700000000000", 300, Ok(())),
        ("1700000000000", -300, Ok(())),
        ("1700000000000", 301, Err(Unverified::Stale)),
        ("1700000000000", -301, Err(Unverified::Stale)),
        ("1700000000", 299, Ok(())),
        ("1700000000.5", 299, Ok(())),
        ("1700000000", 301, Err(Unverified::Stale)),
        ("yesterday", 0, Err(Unverified::Stale)),
        ("-1", 0, Err(Unverified::Stale)),
        ("NaN", 0, Err(Unverified::Stale)),
        ("1e300", 0, Err(Unverified::Stale)),
    ] {
        let signature = sign(timestamp, b"{}");
        let headers = [("x-front-signature", &*signature), ("x-front-request-timestamp", timestamp)];
        let at = now() + TimeDelta::seconds(seconds);
        assert_eq!(verified("POST", b"{}", &headers, at), expected, "{timestamp} {seconds}");
    }
}

#[test]
fn without_a_secret_nothing_is_believed() {
    let headers =
        [("x-front-signature", AUTHORIZATION_SIGNED), ("x-front-request-timestamp", "1700000000000")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let hook = Hook { headers: &headers, ..hook("authorization", AUTHORIZATION) };
    for settings in [Settings::default(), [("app_secret", "")].into_iter().collect()] {
        assert_eq!(Front.verify(&hook, &settings, now()), Err(Unverified::NoKey));
    }
}
