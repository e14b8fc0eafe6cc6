//! The vectors on which the vendors' own libraries agree, for every connector that is signed in their way. The keys, people
//! and numbers are invented.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::Value;
use twinwire_connectors::ALL;
use twinwire_core::connector::Unverified;
use twinwire_core::http::Hook;
use twinwire_core::setting::Settings;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap()
}

/// What a vector says of its connector: that it is genuine, or why not.
fn verified(vector: &Value) -> Result<(), Unverified> {
    let text = |name: &str| vector[name].as_str().unwrap_or_default();
    let connector = ALL.iter().find(|connector| connector.name() == text("provider"));
    let Some((connector, key)) = connector.and_then(|one| Some((one, one.signed_with()?))) else {
        panic!("{} is not signed in this way", text("provider"))
    };
    // The setting that names the account at either vendor.
    let account = ["project", "account_sid"].map(|name| (name, text("account")));
    let mut settings = Settings::from_iter(account);
    settings.set(key, text("key").to_owned());
    let headers = [("content-type", text("content_type")), (text("header"), text("signature"))]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let hook = Hook {
        name: "inbound",
        method: text("method"),
        url: text("url"),
        headers: &headers,
        body: text("body").as_bytes(),
    };
    connector.verify(&hook, &settings, now())
}

#[test]
fn the_vendors_own_libraries_and_we_agree_on_every_vector() {
    let vectors: Value = serde_json::from_str(include_str!("fixtures/signatures.json")).unwrap();
    let vectors = vectors.as_array().unwrap();
    let of = |name: &str| vectors.iter().filter(|vector| vector["provider"] == name).count();
    assert_eq!((of("twilio"), of("signalwire"), vectors.len()), (20, 8, 28));
    for vector in vectors {
        let believed = verified(vector);
        let about = format!("{} {}: {believed:?}", vector["id"], vector["note"]);
        assert_eq!(believed.is_ok(), vector["valid"] == true, "{about}");
        assert_ne!(believed, Err(Unverified::OtherAccount), "{about}");
    }
}

/// One byte of what is signed is another, and nothing of it is believed any more.
#[test]
fn a_vector_with_one_byte_changed_is_not_believed() {
    let vectors: Value = serde_json::from_str(include_str!("fixtures/signatures.json")).unwrap();
    for vector in vectors.as_array().unwrap().iter().filter(|vector| vector["valid"] == true) {
        for (name, change) in [("key", "x"), ("body", "x"), ("signature", "A")] {
            let mut other = vector.clone();
            other[name] = format!("{}{change}", vector[name].as_str().unwrap()).into();
            assert!(verified(&other).is_err(), "{} with another {name}", vector["id"]);
        }
    }
}
