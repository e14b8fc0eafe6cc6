//! The answers of the set-up.

use super::*;

fn answers(changed: &[(&str, &str)]) -> Settings {
    let mut answers = with(changed);
    if answers.get("phone").is_none() && !changed.iter().any(|(name, _)| *name == "phone") {
        answers.set("phone", "+1 (201) 555-0123");
    }
    answers
}

#[test]
fn answers_are_tidied() {
    let padded = format!(" {ACCOUNT}\n");
    let prepared = answers(&[
        ("account_sid", &padded),
        ("auth_token", " x "),
        ("smart_encoded", "True"),
        ("api_key_sid", ""),
    ]);
    let prepared = Twilio.prepare(&prepared).unwrap();
    assert_eq!(prepared.account.as_deref(), Some(ACCOUNT));
    assert_eq!(prepared.address, Some((OURS.to_owned(), Some("US".to_owned()))));
    let tidy = |name| prepared.answers.get(name);
    assert_eq!((tidy("account_sid"), tidy("phone")), (Some(ACCOUNT), Some(OURS)));
    assert_eq!((tidy("auth_token"), tidy("smart_encoded")), (Some("x"), Some("yes")));
    let whatsapp = Twilio.prepare(&answers(&[("phone", "WhatsApp:+1 201 555 0123")])).unwrap();
    assert_eq!(whatsapp.address, Some(("whatsapp:+12015550123".to_owned(), Some("US".to_owned()))));
    let service = Twilio.prepare(&answers(&[("messaging_service_sid", SERVICE)])).unwrap();
    assert_eq!(service.account, Some(format!("{ACCOUNT}/{SERVICE}")));
    let key = [("auth_token", ""), ("api_key_sid", KEY_SID), ("api_key_secret", " hush ")];
    assert_eq!(Twilio.prepare(&answers(&key)).unwrap().answers.get("api_key_secret"), Some("hush"));
}

#[test]
fn a_wrong_answer_is_named_and_never_repeated() {
    for (name, value) in [
        ("phone", ""),
        ("phone", "2015550123"),
        ("phone", "whatsapp:2015550123"),
        ("phone", SERVICE),
        ("account_sid", ""),
        ("account_sid", "AC123"),
        ("account_sid", KEY_SID),
        ("auth_token", ""),
        ("auth_token", "one two"),
        ("auth_token", KEY_SID),
        ("messaging_service_sid", ACCOUNT),
        ("smart_encoded", "perhaps"),
        ("segments_per_second", "fast"),
    ] {
        let error = Twilio.prepare(&answers(&[(name, value)])).unwrap_err();
        assert!(error.starts_with(&format!("`{name}`")), "{name}={value}: {error}");
        assert!(!error.contains("one two") && !error.contains(KEY_SID), "{error}");
    }
    let error = Twilio.prepare(&answers(&[("api_key_sid", KEY_SID)])).unwrap_err();
    assert!(error.starts_with("`api_key_secret`"), "{error}");
    let error = Twilio.prepare(&answers(&[("api_key_secret", "hush")])).unwrap_err();
    assert!(error.starts_with("`api_key_sid`") && !error.contains("hush"), "{error}");
}
