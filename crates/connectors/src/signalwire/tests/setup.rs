//! The answers of the set-up.

use super::*;

fn answers(changed: &[(&str, &str)]) -> Settings {
    let mut answers = settings();
    answers.set("phone", "+1 (201) 555-0123");
    for (name, value) in changed {
        answers.set(*name, *value);
    }
    answers
}

#[test]
fn answers_are_tidied() {
    for space in ["acme", " Acme ", "acme.signalwire.com", "https://ACME.signalwire.com/dashboard", "acme/x"]
    {
        let project = format!(" {PROJECT}\n");
        let prepared = answers(&[
            ("space", space),
            ("project", &project),
            ("token", " PTx "),
            ("signing_key", "PSK_y "),
        ]);
        let prepared = SignalWire.prepare(&prepared).unwrap();
        assert_eq!(prepared.account, Some(format!("acme/{PROJECT}")), "{space}");
        assert_eq!(prepared.address, Some((OURS.to_owned(), Some("US".to_owned()))));
        for (name, tidy) in [
            ("phone", OURS),
            ("space", "acme"),
            ("project", PROJECT),
            ("token", "PTx"),
            ("signing_key", "PSK_y"),
        ] {
            assert_eq!(prepared.answers.get(name), Some(tidy), "{space}");
        }
    }
    let french = SignalWire.prepare(&answers(&[("phone", "+33 6 12 34 56 78")])).unwrap();
    assert_eq!(french.address, Some(("+33612345678".to_owned(), Some("FR".to_owned()))));
    let unsigned = SignalWire.prepare(&answers(&[("signing_key", "")])).unwrap();
    assert_eq!(unsigned.answers.get("signing_key"), None);
}

#[test]
fn a_wrong_answer_is_named_and_never_repeated() {
    for (name, value) in [
        ("phone", ""),
        ("phone", "2015550123"),
        ("phone", "(201) 555-0123"),
        ("phone", "ACME"),
        ("space", ""),
        ("space", "https://"),
        ("space", "my space"),
        ("space", "-acme"),
        ("space", "ac_me"),
        ("project", ""),
        ("project", "../x"),
        ("project", "a:b"),
        ("token", ""),
        ("token", "PT one two"),
        ("token", "PSK_123456"),
        ("signing_key", "PT123456"),
        ("signing_key", "PSK_1 2"),
    ] {
        let error = SignalWire.prepare(&answers(&[(name, value)])).unwrap_err();
        assert!(error.starts_with(&format!("`{name}`")), "{name}={value}: {error}");
        assert!(!error.contains("123456") && !error.contains("one two"), "{error}");
    }
    let error = SignalWire.prepare(&answers(&[("phone", "2015550123")])).unwrap_err();
    assert!(error.contains("starting with +"), "{error}");
}
