//! Secrets and signatures of outgoing webhooks, as Standard Webhooks 1.0 has them (spec read 2026-11).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// A new secret from 32 random bytes.
pub fn secret(random: [u8; 32]) -> SecretString {
    format!("{PREFIX}{}", STANDARD.encode(random)).into()
}

/// The value of `webhook-signature`: the event signed by each secret. None when a secret is not one of ours.
pub fn sign(secrets: &[SecretString], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let signed: Option<Vec<String>> = secrets.iter().map(|secret| one(secret, id, timestamp, body)).collect();
    signed.filter(|signed| !signed.is_empty()).map(|signed| signed.join(" "))
}

fn one(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.expose_secret().strip_prefix(PREFIX)?).ok()?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementations.
    #[test]
    fn signs_as_the_reference_does() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn two_secrets_give_two_signatures_and_a_strange_one_none() {
        let (old, new) = (secret([1; 32]), secret([2; 32]));
        let signed = sign(&[new, old], "evt_1", 1, b"{}").unwrap();
        assert_eq!(signed.split(' ').count(), 2);
        assert_eq!(sign(&[SecretString::from("hunter2")], "evt_1", 1, b"{}"), None);
        assert_eq!(sign(&[], "evt_1", 1, b"{}"), None);
    }
}
