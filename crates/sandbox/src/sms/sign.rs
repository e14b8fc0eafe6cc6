//! The signature of form webhooks: base64 of HMAC-SHA1 over the URL and the fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Signs a form post. Fields are sorted by name; a name that comes twice keeps its order and its repeats, as
/// in `SignalWire`'s own validators (compatibility SDKs, read 2026-11).
pub(crate) fn in_order(key: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    signed(key, url, sorted)
}

/// The same where a name that comes twice is signed with each of its different values, as in Twilio's own validators (its
/// SDKs, read 2026-11).
pub(crate) fn different(key: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort();
    sorted.dedup();
    signed(key, url, sorted)
}

fn signed(key: &str, url: &str, fields: Vec<&(String, String)>) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(signed_part(url).as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The URL as configured, without its fragment, which is never sent.
pub(crate) fn signed_part(url: &str) -> &str {
    url.split_once('#').map_or(url, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{different, in_order};

    #[test]
    fn signatures_are_those_of_the_known_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../fixtures/signatures.json")).unwrap();
        for vector in vectors.as_array().unwrap() {
            let text = |name: &str| vector[name].as_str().unwrap_or_default();
            let fields: Vec<(String, String)> =
                form_urlencoded::parse(text("raw_body").as_bytes()).into_owned().collect();
            let sign = if text("provider") == "twilio" { different } else { in_order };
            let ours = sign(text("key"), text("url"), &fields);
            assert_eq!(ours == text("signature"), vector["valid"] == true, "{}", text("note"));
        }
    }

    #[test]
    fn a_fragment_is_not_signed() {
        for sign in [different, in_order] {
            assert_eq!(sign("key", "http://a.test/x?y=1#rt=5", &[]), sign("key", "http://a.test/x?y=1", &[]));
        }
    }
}
