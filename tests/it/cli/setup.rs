//! `twinwire setup` by a script: every answer in the arguments.

use super::{assert_fails, keys};
use crate::PROGRAM;
use serde_json::json;
use twinwire_tests::installation::{Installation, setup_arguments};
use twinwire_tests::process::Ran;
use twinwire_tests::{SUPPORT, answers};

/// `setup` with other answers than the usual ones; without an answer where it is empty.
async fn setup_with(twinwire: &Installation, changed: &[(&str, &str)]) -> Ran {
    let mut arguments = vec!["setup".to_owned(), "front_signalwire".to_owned(), "--json".to_owned()];
    let mut all = answers(SUPPORT);
    for (name, value) in changed {
        all.set(*name, *value);
    }
    for (name, value) in all.iter().filter(|(_, value)| !value.is_empty()) {
        arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    twinwire.program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn setup_prints_the_channel_its_key_and_the_addresses_and_the_same_again_when_repeated() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.program = twinwire.program.with("TWINWIRE_PUBLIC_URL", "https://twinwire.example.com/");
    let made = twinwire.setup().await.json();
    assert_eq!(keys(&made), ["api_key", "channel", "webhook_urls"]);
    assert_eq!(keys(&made["webhook_urls"]), ["inbound", "status"]);
    let channel = made["channel"].as_str().unwrap();
    assert!(channel.starts_with("chn_"), "{made}");
    for hook in ["inbound", "status"] {
        let url = format!("https://twinwire.example.com/v1/hooks/signalwire/{channel}/{hook}");
        assert_eq!(made["webhook_urls"][hook], url);
    }
    assert_eq!(setup_with(&twinwire, &[("phone", "+1 (201) 555-0123")]).await.json(), made);
    let told =
        twinwire.program.run(&setup_arguments().iter().map(String::as_str).collect::<Vec<_>>()[..12]).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    for part in
        [channel, made["api_key"].as_str().unwrap(), made["webhook_urls"]["inbound"].as_str().unwrap()]
    {
        assert!(told.stdout.contains(part), "{told:?}");
    }
}

#[tokio::test]
async fn setup_names_what_is_missing_or_unknown_and_exits_with_2() {
    let twinwire = Installation::new(PROGRAM).await;
    for name in ["phone", "space", "project", "token"] {
        assert_fails(&setup_with(&twinwire, &[(name, "")]).await, 2, &[name, "missing"]);
    }
    assert_fails(&setup_with(&twinwire, &[("colour", "red")]).await, 2, &["colour", "signing_key"]);
    assert_fails(&setup_with(&twinwire, &[("phone", "555-0123")]).await, 2, &["phone", "+1"]);
    assert_fails(
        &twinwire.program.run(&["setup", "front_pigeon"]).await,
        2,
        &["front_pigeon", "front_signalwire"],
    );
    assert_fails(
        &twinwire.program.run(&["setup", "front_signalwire", "--set", "phone"]).await,
        2,
        &["name=value"],
    );
    for (name, variable) in [("app_id", "TWINWIRE_FRONT_APP_ID"), ("app_secret", "TWINWIRE_FRONT_APP_SECRET")]
    {
        let arguments = setup_arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = twinwire.program.clone().without(variable).run(&arguments).await;
        assert_fails(&ran, 2, &[variable]);
        assert!(!name.is_empty());
    }
    assert_eq!(twinwire.program.run(&["channels", "--json"]).await.json(), json!([]));
}

#[tokio::test]
async fn setup_says_what_the_provider_said_of_refused_credentials_and_stores_nothing() {
    let twinwire = Installation::new(PROGRAM).await;
    let ran = setup_with(&twinwire, &[("token", "PTwrongwrongwrong")]).await;
    assert_fails(&ran, 1, &["SignalWire refused"]);
    let said = twinwire.signalwire.requests();
    assert!(said.iter().any(|request| format!("{request:?}").contains("401")), "{said:?}");
    assert!(!ran.stderr.contains("PTwrong"), "{ran:?}");
    twinwire.signalwire.stop().await;
    assert_fails(&twinwire.setup().await, 1, &["SignalWire could not be asked"]);
    assert_eq!(twinwire.count("select count(*) from accounts").await, 0);
}
