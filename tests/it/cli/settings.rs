//! Settings that are missing, wrong or misspelt, from the environment and the file.

use super::assert_fails;
use crate::PROGRAM;
use serde_json::json;
use twinwire_tests::installation::{Installation, key, setup_arguments};
use twinwire_tests::process::Program;

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_with_what_to_do_and_without_its_password() {
    let folder = twinwire_tests::installation::folder();
    let program = Program::new(PROGRAM, folder.path()).with("TWINWIRE_SECRET_KEY", key(7));
    let twinwire = Installation::new(PROGRAM).await;
    let refused = twinwire.database.url.replace("twinwire:", "twinwire:hunter2");
    let ask = async |url: &str, words: &[&str]| {
        let ran = program.clone().with("DATABASE_URL", url).run(&["channels"]).await;
        assert_fails(&ran, 1, words);
        assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    };
    // A database that does not answer is given some seconds to come up: side by side.
    tokio::join!(
        ask("postgres://me:hunter2@127.0.0.1:1/db", &["127.0.0.1:1", "DATABASE_URL", "refused"]),
        ask(&refused, &["DATABASE_URL", "password authentication failed"]),
        ask("hunter2", &["DATABASE_URL"]),
        ask("mysql://me:hunter2@127.0.0.1:1/db", &["DATABASE_URL"]),
    );
}

#[tokio::test]
async fn a_wrong_or_missing_secret_key_is_told() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.setup().await.json();
    let other = twinwire.program.clone().with("TWINWIRE_SECRET_KEY", key(8));
    for command in [&["serve"][..], &["channels"]] {
        assert_fails(&other.run(command).await, 1, &["sealed with another key", "TWINWIRE_SECRET_KEY"]);
    }
    let bad = twinwire.program.clone().with("TWINWIRE_SECRET_KEY", "too short");
    let ran = bad.run(&["serve"]).await;
    assert_fails(&ran, 1, &["TWINWIRE_SECRET_KEY", "openssl rand -base64 32"]);
    assert!(!ran.stderr.contains("too short"));
    let none = twinwire.program.clone().without("TWINWIRE_SECRET_KEY");
    assert_fails(&none.run(&["serve"]).await, 1, &["TWINWIRE_SECRET_KEY", "openssl rand -base64 32"]);
    // Nothing was changed by the wrong key.
    twinwire.start().await;
    twinwire.stop().await;
}

#[tokio::test]
async fn settings_that_make_no_sense_are_named_and_exit_with_2() {
    let twinwire = Installation::new(PROGRAM).await;
    for (name, value) in [
        ("TWINWIRE_PUBLIC_URL", "twinwire.example.com"),
        ("TWINWIRE_PUBLIC_URL", "https://twinwire.example.com/?a=b"),
        ("TWINWIRE_POLL_INTERVAL", "often"),
        ("TWINWIRE_POLL_INTERVAL", "10ms"),
        ("TWINWIRE_LOG", "twinwire=loud=er"),
    ] {
        let ran = twinwire.program.clone().with(name, value).run(&["serve"]).await;
        assert_fails(&ran, 2, &[]);
        assert!(ran.stderr.to_uppercase().contains(name.trim_start_matches("TWINWIRE_")), "{ran:?}");
    }
    // A variable of another program that is no text is no trouble of ours; one of ours is.
    let strange: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff, 0xfe]);
    let ran = twinwire.program.clone().with("SOMETHING_ELSE", &strange).run(&["channels", "--json"]).await;
    assert_eq!(ran.json(), json!([]));
    let ran = twinwire.program.clone().with("TWINWIRE_LISTEN", &strange).run(&["channels"]).await;
    assert_fails(&ran, 2, &["TWINWIRE_LISTEN"]);
}

#[tokio::test]
async fn settings_are_read_from_a_file_and_a_misspelt_one_is_named() {
    let twinwire = Installation::new(PROGRAM).await;
    let folder = twinwire.folder.path();
    let write = |text: &str| std::fs::write(folder.join("twinwire.toml"), text).unwrap();
    let (url, secret) = (&twinwire.database.url, key(7));
    write(&format!(
        "database_url = '{url}'\nsecret_key = '{secret}'\nlisten = '127.0.0.1:0'\npoll_interval = '5m'\n\
         public_url = 'https://from.the.file'\nfront_app_id = 'a'\nfront_app_secret = 'b'\n\
         signalwire_api_url = '{}'\n",
        twinwire.signalwire.url()
    ));
    let bare = Program::new(PROGRAM, folder);
    let arguments = setup_arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let made = bare.run(&arguments).await.json();
    assert!(
        made["webhook_urls"]["inbound"].as_str().unwrap().starts_with("https://from.the.file/"),
        "{made}"
    );
    let over = bare.clone().with("TWINWIRE_PUBLIC_URL", "https://from.the.environment");
    let made = over.run(&arguments).await.json();
    assert!(made["webhook_urls"]["inbound"].as_str().unwrap().starts_with("https://from.the.env"), "{made}");
    let elsewhere = bare.clone().in_folder(&std::env::temp_dir());
    let file = folder.join("twinwire.toml");
    let named = elsewhere.run(&["--config", file.to_str().unwrap(), "channels", "--json"]).await.json();
    assert_eq!(named[0]["channel"], made["channel"]);
    let ran = elsewhere.run(&["channels", "--config", "/nowhere/twinwire.toml"]).await;
    assert_fails(&ran, 2, &["/nowhere/twinwire.toml"]);
    write("poll_intervall = '60s'\n");
    assert_fails(&bare.run(&["serve"]).await, 2, &["poll_intervall", "poll_interval,"]);
    write("front_app_secret = 'hunter2\nlisten = 'x'\n");
    let ran = bare.run(&["serve"]).await;
    assert_fails(&ran, 2, &["settings file", "line 1"]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    write("[front]\napp_secret = 'hunter2'\n");
    let ran = bare.run(&["serve"]).await;
    assert_fails(&ran, 2, &["front"]);
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
}
