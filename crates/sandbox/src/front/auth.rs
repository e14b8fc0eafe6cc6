//! Front's two proofs: the signature on its own requests, and the channel token on ours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use sha2::Sha256;

/// Front accepts channel tokens that live at most this long (partner channel template and production
/// users of the Channel API, read 2026-11).
const LONGEST_LIFE_SECS: i64 = 30;

/// How far the two clocks may be apart before a fresh token looks too long-lived.
const SKEW_SECS: i64 = 3;

/// Signs a request as Front does: base64 of HMAC-SHA256 over `timestamp:body` (Front's channel
/// documentation, read 2026-11).
pub(crate) fn sign(secret: &str, timestamp: &str, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
}

/// The channel for which an `Authorization` header speaks, or why it speaks for none.
pub(crate) fn channel_of(
    header: Option<&str>,
    app_id: &str,
    secret: &str,
    now_secs: i64,
) -> Result<String, String> {
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or("No bearer token")?;
    let mut rules = Validation::new(Algorithm::HS256);
    // Expiry is judged below, by Front's own bounds.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.set_required_spec_claims(&["exp", "iss", "sub"]);
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(secret.as_bytes()), &rules)
        .map_err(|error| format!("Invalid token: {error}"))?
        .claims;
    if claims.iss != app_id {
        return Err("Invalid token: unknown issuer".into());
    }
    if claims.exp < now_secs {
        return Err("Invalid token: expired".into());
    }
    if claims.exp > now_secs + LONGEST_LIFE_SECS + SKEW_SECS {
        return Err("Invalid token: expires too far in the future".into());
    }
    Ok(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::{channel_of, sign};

    const BODIES: [(&str, &str); 4] = [
        (
            r#"{"type":"authorization","payload":{"channel_id":"cha_1"}}"#,
            "eJa3lC5gc1Uq91IOUv8vp3TSoaDYU0Vm3mwCOOUoJpQ=",
        ),
        (
            r#"{"type":"message","payload":{"id":"msg_1","text":"hé 😀"}}"#,
            "2eiBBZUGL242v0WN3YizT/LaWMyPn/yHwEaRxC5rr7c=",
        ),
        ("undefined", "LzWy/aY6I7JlVmudWJFOiufaqLOHs63AwZK+8yi7+70="),
        ("", "6p5dXeigPj7Y9WyhmKA3IM+i6s1C2ggxBTPOj5zICfU="),
    ];

    #[test]
    fn signatures_are_those_of_the_known_vectors() {
        for (body, signature) in BODIES {
            assert_eq!(sign("test_secret", "1700000000000", body), signature, "{body}");
        }
    }

    #[test]
    fn a_known_token_speaks_for_its_channel_until_it_expires() {
        let token = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
                     eyJpc3MiOiJhcHBfdWlkXzEiLCJqdGkiOiJhYmNkMTIzNCI\
                     sInN1YiI6ImNoYV8xIiwiZXhwIjoxNzAwMDAwMDMwfQ.DQd_zBISkYkCNVfx6eQruuub46ZewsgB-AWKxWh1fTw";
        let at = |now| channel_of(Some(token), "app_uid_1", "test_secret", now);
        assert_eq!(at(1_700_000_000).as_deref(), Ok("cha_1"));
        assert!(at(1_700_000_031).is_err());
        assert!(at(1_699_999_990).is_err());
        assert!(channel_of(Some(token), "app_uid_2", "test_secret", 1_700_000_000).is_err());
        assert!(channel_of(Some(token), "app_uid_1", "another", 1_700_000_000).is_err());
    }
}
