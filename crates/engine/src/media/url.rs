//! Addresses of ours at which a provider fetches a file: signed, so that nobody can ask for another one, and for a while.

use chrono::{DateTime, TimeDelta, Utc};
use form_urlencoded::Serializer;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use twinwire_store::seal::SecretKey;

/// How long an address is good. Longer than a provider lets a message wait in its queue (Twilio ten hours, SignalWire four
/// by default; read 2026-11), since nobody says when it fetches.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
/// What the key of these signatures is for.
const PURPOSE: &str = "addresses of files";
const NAME_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A file that an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it is kept.
    pub key: String,
    /// Its media type.
    pub content_type: String,
    /// Until when the address is good, in seconds.
    pub expires: i64,
}

/// The address of a file for those who fetch it. `name` is for people, and no part of what is signed.
pub fn of(
    public_url: &str,
    secret: &SecretKey,
    key: &str,
    content_type: &str,
    name: &str,
    now: DateTime<Utc>,
) -> String {
    let named = Named {
        key: key.to_owned(),
        content_type: content_type.to_owned(),
        expires: (now + GOOD_FOR).timestamp(),
    };
    let signature = hex::encode(mac(secret, &named).finalize().into_bytes());
    let query = Serializer::new(String::new())
        .append_pair("type", content_type)
        .append_pair("expires", &named.expires.to_string())
        .append_pair("signature", &signature)
        .finish();
    format!("{public_url}/v1/media/{key}/{}?{query}", utf8_percent_encode(name, NAME_PART))
}

/// Whether an address was made by us and is still good.
pub fn is_good(secret: &SecretKey, named: &Named, signature: &str, now: DateTime<Utc>) -> bool {
    let Ok(signature) = hex::decode(signature) else { return false };
    mac(secret, named).verify_slice(&signature).is_ok() && now.timestamp() < named.expires
}

fn mac(secret: &SecretKey, named: &Named) -> Hmac<Sha256> {
    let mut mac = secret.derived(PURPOSE);
    for part in [named.key.as_str(), &named.content_type, &named.expires.to_string()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretKey {
        SecretKey::from_text(&text.to_owned().into()).unwrap()
    }

    const ONE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const OTHER: &str = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn parts(url: &str) -> (Named, String) {
        let url = url::Url::parse(url).unwrap();
        let path = url.path().strip_prefix("/base/v1/media/").unwrap();
        let key = path.rsplit_once('/').unwrap().0.to_owned();
        let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        (Named { key, content_type: get("type"), expires: get("expires").parse().unwrap() }, get("signature"))
    }

    #[test]
    fn an_address_is_good_for_its_file_and_a_day_and_nothing_else() {
        let url = of("https://x.example/base", &secret(ONE), "chn_1/ab/0", "image/jpeg", "a b/c.jpg", now());
        assert!(url.contains("/a%20b%2Fc.jpg?"), "{url}");
        let (named, signature) = parts(&url);
        assert!(is_good(&secret(ONE), &named, &signature, now()));
        assert!(!is_good(&secret(OTHER), &named, &signature, now()));
        assert!(!is_good(&secret(ONE), &named, &signature, now() + TimeDelta::hours(25)));
        for changed in [
            Named { key: "chn_1/ab/1".into(), ..named.clone() },
            Named { content_type: "text/html".into(), ..named.clone() },
            Named { expires: named.expires + 1, ..named.clone() },
            Named { key: "chn_1/ab/0i".into(), content_type: "mage/jpeg".into(), ..named.clone() },
        ] {
            assert!(!is_good(&secret(ONE), &changed, &signature, now()), "{changed:?}");
        }
        for wrong in ["", "zz", &signature[1..], &signature.replace(['0', '1'], "2")] {
            assert!(!is_good(&secret(ONE), &named, wrong, now()), "{wrong}");
        }
    }
}
