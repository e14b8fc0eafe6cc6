//! Which hooks are believed.

use super::*;

#[test]
fn only_the_primary_auth_token_is_believed_whatever_makes_the_calls() {
    let url = "https://h.test/in";
    let unsigned = || VENDOR.came("inbound", url, FORM, format!("AccountSid={ACCOUNT}"));
    let good = || unsigned().signed(&format!("{url}AccountSid{ACCOUNT}"));
    let key = [("api_key_sid", KEY_SID), ("api_key_secret", "hush")];
    assert_eq!(good().verify(&with(&key)), Ok(()));
    assert_eq!(good().verify(&with(&[key[0], key[1], ("auth_token", "")])), Err(Unverified::NoKey));
    assert_eq!(good().verify(&with(&[("auth_token", "another")])), Err(Unverified::Invalid));
    assert_eq!(unsigned().verify(&settings()), Err(Unverified::Missing));
    assert_eq!(good().verify(&with(&[("account_sid", "another")])), Err(Unverified::OtherAccount));
    let both = VENDOR.came("inbound", url, FORM, format!("AccountSid={ACCOUNT}&AccountSid=x"));
    let both = both.signed(&format!("{url}AccountSid{ACCOUNT}AccountSidx"));
    assert_eq!(both.verify(&settings()), Err(Unverified::OtherAccount));
    // Known of one that is not signed as well, whatever the signature is worth.
    let names_other = |came: &Came, settings: &Settings| Twilio.is_of_other_account(&came.hook(), settings);
    assert!(!names_other(&unsigned(), &settings()) && names_other(&both, &settings()));
    assert!(names_other(&unsigned(), &with(&[("account_sid", "another"), ("auth_token", "")])));
}

#[test]
fn a_webhook_may_be_set_to_get_and_is_then_signed_by_its_url_alone() {
    let query =
        format!("AccountSid={ACCOUNT}&MessageSid=SM1&From=%2B12015550188&To=%2B12015550123&Body=a%26b");
    let url = format!("https://h.test/in?{query}");
    let get = |url: &str, signed: &str| VENDOR.came("inbound", url, FORM, "").by("GET").signed(signed);
    let came = get(&url, &url);
    assert_eq!(came.verify(&settings()), Ok(()));
    assert_eq!(came.verify(&with(&[("account_sid", "another")])), Err(Unverified::OtherAccount));
    let seen = came.seen();
    assert_eq!((seen.from.as_str(), seen.to.as_str(), seen.body.as_deref()), (THEIRS, OURS, Some("a&b")));
    assert_eq!(get(&url.replace("a%26b", "b"), &url).verify(&settings()), Err(Unverified::Invalid));
    assert_eq!(get(&format!("{url}#rc=5"), &url).verify(&settings()), Ok(()));
    // A form is covered with its fields: by the URL alone another body could be put under a genuine signature.
    let posted = VENDOR.came("inbound", &url, FORM, "Body=other").signed(&url);
    assert_eq!(posted.verify(&settings()), Err(Unverified::Invalid));
}
