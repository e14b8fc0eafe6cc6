//! The set-up as a table: what was answered and what is so, and what comes next, by the real definitions.

use twinwire_connectors::ALL;
use twinwire_connectors::front::Front;
use twinwire_connectors::signalwire::SignalWire;
use twinwire_connectors::twilio::Twilio;
use twinwire_core::connector::Connector;
use twinwire_core::setting::Scope;
use twinwire_core::setup::{Choice, Facts, Goes, Made, Next, NumberHook, Paste, Progress, When, next};

const PHONE: (&str, &str) = ("phone", "+12015550123");
const SPACE: (&str, &str) = ("space", "acme");
const PROJECT: (&str, &str) = ("project", "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13");
const TOKEN: (&str, &str) = ("token", "PTtest");
const SIGNING: (&str, &str) = ("signing_key", "PSK_test");
const SID: (&str, &str) = ("account_sid", "AC0f1e2d3c4b5a69788796a5b4c3d2e1f0");

fn progress(answers: &[(&str, &str)]) -> Progress {
    let mut progress = Progress::default();
    for (name, answer) in answers {
        progress.answer(name, answer);
    }
    progress
}

/// What comes next, in a word: for a question its setting, with `!` where something was wrong.
fn after(provider: &dyn Connector, progress: &Progress, made: Option<Made>) -> String {
    let given = progress.answers.iter().filter(|(_, answer)| !answer.is_empty()).collect();
    let prepared = provider.prepare(&given).map(drop);
    let prepared = prepared.as_ref().err().map_or(Ok(()), |words| Err(words.as_str()));
    let facts = Facts { helpdesk: &Front, provider, lacks_installation: false, prepared, channel: made };
    match next(progress, &facts) {
        Next::Install => "install".to_owned(),
        Next::Ask { setting, wrong, .. } => format!("{}{}", setting.name, wrong.map_or("", |_| "!")),
        Next::Confirm(goes) => format!("confirm {goes:?}"),
        Next::Show => "show".to_owned(),
        Next::Wait => "wait".to_owned(),
        Next::Done => "done".to_owned(),
        Next::Check => "check".to_owned(),
        Next::Make => "make".to_owned(),
        Next::ReadHook => "read".to_owned(),
        Next::SetHook(hook) => format!("set {}", hook.id),
    }
}

#[test]
fn questions_come_in_order_and_credentials_are_tried_as_soon_as_they_are_there() {
    let skipped = ("signing_key", "");
    for (answers, expected) in [
        (&[][..], "phone"),
        (&[PHONE], "space"),
        (&[PHONE, SPACE], "project"),
        (&[PHONE, SPACE, PROJECT], "token"),
        // Answers may have come in any order, from a script.
        (&[TOKEN, PROJECT], "phone"),
        (&[PHONE, SPACE, PROJECT, TOKEN], "check"),
        (&[PHONE, SPACE, PROJECT, TOKEN, SIGNING], "check"),
        (&[PHONE, SPACE, PROJECT, TOKEN, skipped], "check"),
        (&[("phone", "nonsense"), SPACE, PROJECT, TOKEN, SIGNING], "phone!"),
    ] {
        assert_eq!(after(&SignalWire, &progress(answers), None), expected, "{answers:?}");
    }
    let mut tried = progress(&[PHONE, SPACE, PROJECT, TOKEN]);
    tried.notes.checked = true;
    assert_eq!(after(&SignalWire, &tried, None), "signing_key");
    tried.answer("signing_key", "");
    assert_eq!(after(&SignalWire, &tried, None), "check", "what was tried is not what is there now");
    tried.notes.checked = true;
    assert_eq!(after(&SignalWire, &tried, None), "make");
}

#[test]
fn twilios_api_key_is_asked_for_only_without_an_auth_token() {
    let (token, none) = (("auth_token", "hush"), ("auth_token", ""));
    let key = ("api_key_sid", "SK00112233445566778899aabbccddeeff");
    for (answers, expected) in [
        (&[PHONE, SID][..], "auth_token"),
        (&[PHONE, SID, token], "check"),
        (&[PHONE, SID, none], "api_key_sid"),
        (&[PHONE, SID, none, key], "api_key_secret"),
        (&[PHONE, SID, none, key, ("api_key_secret", "hush")], "check"),
        // Neither the one nor the other: the words name what is asked again.
        (&[PHONE, SID, none, ("api_key_sid", ""), ("messaging_service_sid", "")], "auth_token!"),
    ] {
        assert_eq!(after(&Twilio, &progress(answers), None), expected, "{answers:?}");
    }
    let mut tried = progress(&[PHONE, SID, token]);
    tried.notes.checked = true;
    assert_eq!(after(&Twilio, &tried, None), "messaging_service_sid");
}

#[test]
fn what_the_provider_refused_is_asked_again_with_its_words_until_all_of_it_was_given() {
    let mut refused = progress(&[PHONE, SPACE, PROJECT, TOKEN]);
    refused.ask_again(&["space", "project", "token"], "SignalWire refused: Unauthorized");
    for (name, answer) in [SPACE, PROJECT, TOKEN] {
        assert_eq!(after(&SignalWire, &refused, None), format!("{name}!"));
        refused.answer(name, answer);
    }
    assert_eq!(after(&SignalWire, &refused, None), "check");
    assert_eq!(refused.notes.wrongs, []);
    // One that makes no sense is asked at once, and keeps nobody from going on once it does.
    let mut wrong = progress(&[PHONE]);
    wrong.wrong("space", "`space` is not the name of a space");
    assert_eq!(after(&SignalWire, &wrong, None), "space!");
    wrong.answer(SPACE.0, SPACE.1);
    assert_eq!(after(&SignalWire, &wrong, None), "project");
    // Each of two that make no sense keeps its own words.
    wrong.wrong("space", "no space");
    wrong.wrong("phone", "no phone");
    for (setting, words, (name, answer)) in [("phone", "no phone", PHONE), ("space", "no space", SPACE)] {
        let said = wrong.notes.wrongs.iter().find(|one| one.setting.as_deref() == Some(setting));
        assert_eq!(said.map(|one| one.words.as_str()), Some(words));
        assert_eq!(after(&SignalWire, &wrong, None), format!("{setting}!"));
        wrong.answer(name, answer);
    }
    assert_eq!(after(&SignalWire, &wrong, None), "project");
}

#[test]
fn a_webhook_is_set_only_where_somebody_said_so_of_what_is_there() {
    let made = Made { connected: false, hears: true };
    let hook = |goes: &Goes| NumberHook { id: "PN1".to_owned(), goes: goes.clone() };
    let (free, other) = (Goes::Nowhere, Goes::Elsewhere("https://crm.test/sms".to_owned()));
    let by_hand = Goes::Unknown("it is a short code".to_owned());
    let cases: [(Option<&Goes>, Option<Choice>, String); 9] = [
        (None, None, "read".to_owned()),
        (None, Some(Choice::Set), "read".to_owned()),
        (Some(&free), None, format!("confirm {free:?}")),
        (Some(&other), None, format!("confirm {other:?}")),
        (Some(&free), Some(Choice::Set), "set PN1".to_owned()),
        (Some(&other), Some(Choice::Set), "set PN1".to_owned()),
        (Some(&other), Some(Choice::Leave), "show".to_owned()),
        (Some(&Goes::Here), None, "show".to_owned()),
        (Some(&by_hand), Some(Choice::Set), "show".to_owned()),
    ];
    for (goes, choice, expected) in cases {
        let mut progress = Progress::default();
        progress.notes.hook = goes.map(hook);
        progress.notes.choice = choice;
        assert_eq!(after(&SignalWire, &progress, Some(made)), expected, "{goes:?} {choice:?}");
    }
    // Webhooks that would be refused are not asked for.
    let deaf = Made { hears: false, ..made };
    assert_eq!(after(&SignalWire, &Progress::default(), Some(deaf)), "show");
}

#[test]
fn it_ends_by_waiting_for_the_helpdesk_unless_that_has_come_before() {
    let mut progress = Progress::default();
    progress.notes.hook = Some(NumberHook { id: String::new(), goes: Goes::Here });
    for (shown, connected, expected) in
        [(false, false, "show"), (true, false, "wait"), (false, true, "done"), (true, true, "done")]
    {
        progress.notes.shown = shown;
        assert_eq!(after(&SignalWire, &progress, Some(Made { connected, hears: true })), expected);
    }
}

#[test]
fn what_the_installation_lacks_comes_first() {
    let progress = progress(&[PHONE, SPACE, PROJECT, TOKEN, SIGNING]);
    for channel in [None, Some(Made { connected: true, hears: true })] {
        let facts = Facts {
            helpdesk: &Front,
            provider: &SignalWire,
            lacks_installation: true,
            prepared: Ok(()),
            channel,
        };
        assert!(matches!(next(&progress, &facts), Next::Install));
    }
}

#[test]
fn every_guide_asks_for_what_is_needed_once_and_says_where_it_is() {
    for connector in ALL {
        let (guide, settings) = (connector.guide(), connector.settings());
        let asked: Vec<&str> = guide.asks.iter().map(|ask| ask.setting).collect();
        for setting in settings.iter().filter(|one| one.scope != Scope::Installation && one.required) {
            let always = guide.asks.iter().any(|ask| ask.setting == setting.name && ask.when == When::Always);
            assert!(always || setting.default.is_some(), "{}: {}", connector.name(), setting.name);
        }
        for (nth, ask) in guide.asks.iter().enumerate() {
            let known = settings.iter().find(|one| one.name == ask.setting);
            assert!(known.is_some_and(|one| one.scope != Scope::Installation), "{}", ask.setting);
            assert!(
                !ask.help.is_empty() && !asked.get(..nth).unwrap().contains(&ask.setting),
                "{}",
                ask.setting
            );
            // What a condition looks at was asked before.
            if let When::With(other) | When::Without(other) = ask.when {
                assert!(asked.get(..nth).unwrap().contains(&other), "{} looks at {other}", ask.setting);
            }
        }
        assert!(guide.credentials.iter().all(|name| asked.contains(name)));
        let pastes = |paste| guide.connect.iter().any(|told| told.paste == Some(paste));
        assert!(!guide.reads_hook || pastes(Paste::Inbound), "{}: nobody is told the URL", connector.name());
        assert!(pastes(Paste::Inbound) != pastes(Paste::Key), "{}", connector.name());
    }
}
