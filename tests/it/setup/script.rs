//! The set-up as scripts use it.

use super::*;
use crate::PROGRAM;
use std::time::Duration;
use twinwire_tests::installation::{Installation, setup_arguments};
use twinwire_tests::process::Ran;
use twinwire_tests::{SUPPORT, eventually};

async fn setup(twinwire: &Installation, more: &[&str]) -> Ran {
    let usual = setup_arguments();
    let arguments: Vec<&str> = usual.iter().map(String::as_str).chain(more.iter().copied()).collect();
    twinwire.program.run(&arguments).await
}

async fn run(twinwire: &Installation, arguments: &[&str]) -> Ran {
    twinwire.program.run(arguments).await
}

#[tokio::test]
async fn a_script_sets_the_webhook_and_takes_it_over_only_by_that_flag() {
    let twinwire = Installation::new(PROGRAM).await;
    twinwire.signalwire.set_webhook(SUPPORT, "https://crm.example.com/sms");
    let ran = setup(&twinwire, &["--set-webhook"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("crm.example.com") && ran.stderr.contains("--take-over-webhook"), "{ran:?}");
    assert_eq!(twinwire.signalwire.webhook(SUPPORT).as_deref(), Some("https://crm.example.com/sms"));
    let made = setup(&twinwire, &["--take-over-webhook"]).await.json();
    assert_eq!(made["webhook"], json!({ "goes": "here" }));
    assert_eq!(twinwire.signalwire.webhook(SUPPORT).as_deref(), made["webhook_urls"]["inbound"].as_str());
    assert_eq!(setup(&twinwire, &["--set-webhook"]).await.json()["webhook"]["goes"], "here");
}

#[tokio::test]
async fn a_script_waits_for_front_and_gives_secrets_by_file() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    let file = twinwire.folder.path().join("token");
    std::fs::write(&file, format!("{}\n", usual("token"))).unwrap();
    let token = format!("token=@{}", file.display());
    let arguments = setup_arguments();
    let arguments = arguments.iter().map(String::as_str);
    let arguments = arguments.map(|one| if one.starts_with("token=") { &token } else { one });
    let waiting = twinwire.program.start(&arguments.chain(["--wait"]).collect::<Vec<_>>());
    let key = eventually("the channel is made", || async {
        let made = twinwire.count("select count(*) from channels").await;
        if made == 0 {
            None
        } else {
            run(&twinwire, &["channels", "--json"]).await.json()[0]["channel"].as_str().map(str::to_owned)
        }
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(waiting.stdout(), "", "it waits");
    let key = run(&twinwire, &["setup", "key", "show", &key, "--json"]).await.json();
    twinwire.front.connect(key["api_key"].as_str().unwrap()).await.unwrap();
    let ran = waiting.ended().await;
    assert_eq!(ran.json()["connected"], true);
    let missing = run(&twinwire, &["setup", PAIR, "--set", "token=@/nowhere/token"]).await;
    assert!(missing.code == Some(2) && missing.stderr.contains("/nowhere/token"), "{missing:?}");
}

#[tokio::test]
async fn one_answer_is_changed_and_keys_are_shown_and_made_anew() {
    let twinwire = Installation::new(PROGRAM).await;
    let made = twinwire.setup().await.json();
    let channel = made["channel"].as_str().unwrap();
    let token = format!("token={}", usual("token"));
    let changed = run(&twinwire, &["setup", "--channel", channel, "--set", &token, "--json"]).await;
    assert_eq!(changed.json(), made);
    let refused = run(&twinwire, &["setup", "--channel", channel, "--set", "token=PTwrong"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("SignalWire refused"), "{refused:?}");
    assert_eq!(
        run(&twinwire, &["setup", "--channel", channel, "--json"]).await.json(),
        made,
        "the old one is there"
    );
    for (wrong, code, said) in [
        (&["setup", "--channel", "chn_nobody", "--set", "space=acme"][..], 1, "chn_nobody"),
        (&["setup", "front_twilio", "--channel", channel], 2, "front_signalwire"),
        (&["setup", "--channel", channel, "--set", "phone=+12015550199"], 2, "a channel of its own"),
        (&["setup"], 2, "front_signalwire"),
        (&["setup", "--resume", "stp_nobody", "--web"], 1, "stp_nobody"),
        (&["setup", "--resume", "stp_nobody"], 2, "on a terminal"),
        (&["setup", "--resume", "stp_nobody", "--wait"], 2, "cannot be used with"),
    ] {
        let ran = run(&twinwire, wrong).await;
        assert!(ran.code == Some(code) && ran.stderr.contains(said), "{wrong:?}: {ran:?}");
    }
    let shown = run(&twinwire, &["setup", "key", "show", channel]).await;
    assert_eq!(shown.stdout.trim(), made["api_key"].as_str().unwrap());
    let rotated = run(&twinwire, &["setup", "key", "rotate", channel]).await;
    assert!(rotated.code == Some(0) && rotated.stderr.contains("does not work any more"), "{rotated:?}");
    assert_eq!(run(&twinwire, &["setup", "key", "show", channel]).await.stdout, rotated.stdout);
    assert_ne!(rotated.stdout.trim(), made["api_key"].as_str().unwrap());
    let reset = run(&twinwire, &["setup", "reset", channel]).await;
    assert!(reset.code == Some(0) && reset.stdout.contains("twinwire setup --resume stp_"), "{reset:?}");
    let again = run(&twinwire, &["setup", "--channel", channel, "--json"]).await;
    assert!(again.code == Some(2) && again.stderr.contains("token"), "{again:?}");
    assert_eq!(setup(&twinwire, &[]).await.json()["channel"], made["channel"]);
}

#[tokio::test]
async fn a_link_to_the_page_is_printed_and_opens_it() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    let printed = run(&twinwire, &["setup", PAIR, "--set", "space=acme", "--web"]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let page = reqwest::get(printed.stdout.trim()).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Open the set-up"));
    twinwire.stop().await;
}
