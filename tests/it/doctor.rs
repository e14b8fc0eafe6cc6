//! Whether an installation is well, by the doctor: what is found on a real stack when one thing is broken.

use crate::PROGRAM;
use crate::operators::elsewhere;
use serde_json::Value;
use twinwire_core::doctor::{Check, Trouble};
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::process::{Program, Ran, lasting_address};
use twinwire_tests::{CUSTOMER, SUPPORT, eventually};

/// An installation whose public address leads to its server, as far as one on this machine can; a customer has written.
async fn running() -> Installation {
    let mut twinwire = Installation::new(PROGRAM).await;
    let address = lasting_address().to_string();
    twinwire.program = twinwire
        .program
        .with("TWINWIRE_LISTEN", &address)
        .with("TWINWIRE_PUBLIC_URL", format!("http://{address}"))
        .with("TWINWIRE_ADMIN_TOKEN", "admin");
    twinwire.start().await;
    twinwire.connect().await;
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello").await;
    eventually("Front knows the conversation", || async {
        let known = "select count(*) from conversations where helpdesk_thread_id is not null";
        (twinwire.count(known).await == 1).then_some(())
    })
    .await;
    twinwire.settle().await;
    heard(&twinwire).await;
    twinwire
}

/// Waits for the server's first sign of life as one that works.
async fn heard(twinwire: &Installation) {
    eventually("a process is known to work", || async {
        let alive = "select count(*) from apalis.workers where last_seen > now() - interval '15 seconds'";
        (twinwire.count(alive).await > 0).then_some(())
    })
    .await;
}

/// The findings, as JSON, with what the exit code has to be.
async fn findings(program: &Program, checks: &[&str]) -> Vec<Value> {
    let mut command = vec!["doctor", "--json"];
    for check in checks {
        command.extend(["--check", check]);
    }
    let ran = program.run(&command).await;
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let found = printed["findings"].as_array().unwrap().clone();
    let fails = found.iter().any(|one| one["level"] == "fail");
    assert_eq!((ran.code, &printed["well"]), (Some(i32::from(fails)), &Value::from(!fails)), "{ran:?}");
    found
}

/// What is wrong, in words.
fn troubles(found: &[Value]) -> Vec<&str> {
    found.iter().filter_map(|one| one["trouble"].as_str()).collect()
}

/// What is printed fits a terminal, and holds no secret and nobody's number.
fn assert_presentable(ran: &Ran, twinwire: &Installation) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let wide: Vec<_> = said.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let answers = twinwire_tests::answers(SUPPORT);
    let secrets = ["token", "signing_key"].map(|name| answers.get(name).unwrap());
    let key = twinwire.installed["api_key"].as_str().unwrap();
    for secret in secrets.into_iter().chain([key, twinwire_tests::SECRET, CUSTOMER]) {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

#[tokio::test]
async fn an_installation_that_is_well_is_told_so_here_and_elsewhere() {
    let twinwire = running().await;
    let there = elsewhere(&twinwire, "operate").await;
    for program in [&twinwire.program, &there] {
        let found = findings(program, &[]).await;
        // A test's address is one of this machine.
        assert_eq!(troubles(&found), ["public-url-private"], "{found:#?}");
        let checked: Vec<&str> = found.iter().map(|one| one["check"].as_str().unwrap()).collect();
        for check in Check::ALL {
            assert!(checked.contains(&check.word()), "{check:?}: {checked:?}");
        }
        let ran = program.run(&["doctor"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains("migrations    ok   All "), "{}", ran.stdout);
        assert!(ran.stdout.contains("Front takes the credentials."), "{}", ran.stdout);
        assert!(ran.stdout.contains("docs/OPERATIONS.md#public-url-private"), "{}", ran.stdout);
        assert!(ran.stdout.ends_with("It works, with 1 thing to look at.\n"), "{}", ran.stdout);
        assert_presentable(&ran, &twinwire);
    }
    // No trace of the question is left, and nothing was sent to anybody.
    assert_eq!(twinwire.count("select count(*) from installation where name like 'asked:%'").await, 0);
    assert!(twinwire.texts_to(CUSTOMER).is_empty());
    // Looking alone is not enough for calls at vendors.
    let reader = elsewhere(&twinwire, "read").await;
    let ran = reader.run(&["doctor"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("needs a token of scope operate"), "{ran:?}");
    let ran = twinwire.program.run(&["doctor", "--check", "nonsense"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("there are: database, migrations"), "{ran:?}");
}

#[tokio::test]
async fn credentials_that_a_vendor_refuses_are_told_by_account_and_nothing_rests_for_it() {
    let twinwire = running().await;
    twinwire.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::ListMessages).times(1));
    let found = findings(&twinwire.program, &["vendors"]).await;
    assert_eq!(troubles(&found), ["credentials-refused"], "{found:#?}");
    let refused = found.iter().find(|one| one["level"] == "fail").unwrap();
    assert!(refused["words"].as_str().unwrap().contains("SignalWire refuses"), "{refused}");
    let command = format!("twinwire setup --channel {} --set", twinwire.channel());
    assert!(refused["next"][0].as_str().unwrap().starts_with(&command), "{refused}");
    assert_eq!(twinwire.count("select count(*) from accounts where pauses > 0").await, 0);
    // With another secret Front takes nothing.
    let wrong = twinwire.program.clone().with("TWINWIRE_FRONT_APP_SECRET", "another secret, long enough");
    let found = findings(&wrong, &["vendors"]).await;
    let refused = found.iter().find(|one| one["level"] == "fail").unwrap();
    assert!(refused["words"].as_str().unwrap().contains("Front refuses the credentials"), "{refused}");
    assert!(!refused.to_string().contains("another secret"));
}

#[tokio::test]
async fn a_webhook_that_leads_elsewhere_or_nowhere_is_told() {
    let twinwire = running().await;
    let set = |to: &str| twinwire.signalwire.set_webhook(SUPPORT, to);
    set("https://user:hunter2@crm.example.com/sms?key=hunter2");
    let found = findings(&twinwire.program, &["webhooks"]).await;
    assert_eq!(troubles(&found), ["webhook-elsewhere"]);
    assert!(found[0]["words"].as_str().unwrap().contains("crm.example.com"), "{found:?}");
    assert!(!found[0].to_string().contains("hunter2"), "{found:?}");
    assert_eq!(found[0]["about"], twinwire.channel());
    set("");
    assert_eq!(troubles(&findings(&twinwire.program, &["webhooks"]).await), ["webhook-unset"]);
    set(twinwire.installed["webhook_urls"]["inbound"].as_str().unwrap());
    assert!(troubles(&findings(&twinwire.program, &["webhooks"]).await).is_empty());
}

#[tokio::test]
async fn a_public_address_is_believed_only_where_a_server_of_this_database_answers() {
    let mut twinwire = running().await;
    // Another installation, whose server is well, and whose key is even the same.
    let mut other = Installation::new(PROGRAM).await;
    other.start().await;
    let elsewhere = format!("http://{}", other.server.as_ref().unwrap().address);
    let wrong = twinwire.program.clone().with("TWINWIRE_PUBLIC_URL", elsewhere);
    let found = findings(&wrong, &["public_url"]).await;
    assert_eq!(troubles(&found), ["public-url-elsewhere", "public-url-private"], "{found:#?}");
    let nowhere = twinwire.program.clone().with("TWINWIRE_PUBLIC_URL", "https://twinwire.invalid");
    assert_eq!(troubles(&findings(&nowhere, &["public_url"]).await), ["public-url-unresolved"]);
    let shut = format!("http://{}", lasting_address());
    let shut = twinwire.program.clone().with("TWINWIRE_PUBLIC_URL", shut);
    let found = findings(&shut, &["public_url"]).await;
    assert_eq!(troubles(&found), ["public-url-unreachable", "public-url-private"]);
    assert!(found[0]["words"].as_str().unwrap().starts_with("A server runs"), "{found:?}");
    // Whoever guesses gets nothing, and a question of yesterday is none.
    let base = format!("http://{}/.well-known/twinwire", twinwire.server.as_ref().unwrap().address);
    for guess in ["", "x", &"A".repeat(65), "%00"] {
        assert_eq!(reqwest::get(format!("{base}/{guess}")).await.unwrap().status(), 404, "{guess}");
    }
    twinwire.stop().await;
    let found = findings(&twinwire.program, &["public_url"]).await;
    assert!(found[0]["words"].as_str().unwrap().contains("No server answers"), "{found:?}");
}

#[tokio::test]
async fn without_a_server_it_still_says_what_is_wrong() {
    let mut twinwire = running().await;
    twinwire.stop().await;
    // A message that has been due for an hour.
    sqlx::query("update messages set wake_at = now() - interval '1 hour'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    let found = findings(&twinwire.program, &[]).await;
    let wanted = ["no-worker", "public-url-unreachable", "public-url-private", "messages-stuck"];
    assert_eq!(troubles(&found), wanted, "{found:#?}");
    let ran = twinwire.program.run(&["doctor"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("No running server is known"), "{}", ran.stdout);
    assert!(ran.stdout.contains("No process works the channel"), "{}", ran.stdout);
    let list = format!("    twinwire messages list --pending --channel {}\n", twinwire.channel());
    assert!(ran.stdout.contains(&list), "{}", ran.stdout);
    assert_eq!(ran.stderr, "error: not well: 3 things wrong, and 1 more to look at\n");
    assert_presentable(&ran, &twinwire);
}

#[tokio::test]
async fn what_is_in_the_way_of_everything_is_a_finding_as_well() {
    let twinwire = Installation::new(PROGRAM).await;
    let away = format!("postgres://nobody:hunter2@{}/x", lasting_address());
    let program = twinwire.program.clone().with("DATABASE_URL", away);
    let found = findings(&program, &[]).await;
    assert_eq!(troubles(&found), ["database-away"]);
    assert!(!found[0].to_string().contains("hunter2"), "{found:?}");
    let nobody = format!("http://{}", lasting_address());
    let program = twinwire.program.clone().with("TWINWIRE_URL", nobody).with("TWINWIRE_TOKEN", "twt_x");
    assert_eq!(troubles(&findings(&program, &[]).await), ["server-away"]);
    // Nobody told it an address yet, and there is no channel.
    let found = findings(&twinwire.program, &[]).await;
    assert_eq!(troubles(&found), ["no-worker", "public-url-unset"], "{found:#?}");
}

#[tokio::test]
async fn accounts_jobs_parked_messages_and_endpoints_are_looked_at() {
    let twinwire = running().await;
    for sql in [
        "update accounts set paused_until = now() + interval '1 hour', pauses = 3,
            pause_reason = 'credentials refused', verification = 'log_only' where connector = 'signalwire'",
        "update messages set parked = 'uncertain', helpdesk_message_id = null",
        "insert into jobs (kind, state, requested_by, asked, created_at, finished_at, error)
            values ('retain', 'failed', 'schedule', '{}', now(), now(), 'no room')",
        "insert into jobs (kind, state, requested_by, asked, created_at, row_updated_at)
            values ('replay', 'running', 'api', '{}', now(), now() - interval '11 minutes')",
        "insert into endpoints (public_id, url, sealed_secret, event_types, with_body, state, state_reason)
            values ('ep_test', 'https://example.com/', '', '{}', false, 'disabled', 'gone')",
        "update channels set state = 'paused'",
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values (30000101000000, 'of the future', true, '', 1)",
    ] {
        sqlx::query(sql).execute(&twinwire.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let there = elsewhere_without_database(&twinwire);
    let found = findings(&there, &["migrations", "accounts", "messages", "jobs", "endpoints"]).await;
    let wanted = [
        "migrations-unknown",
        "account-refused",
        "log-only",
        "messages-parked",
        "job-stuck",
        "job-failed",
        "endpoint-off",
    ];
    assert_eq!(troubles(&found), wanted, "{found:#?}");
    let ran = twinwire.program.run(&["doctor"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("docs/OPERATIONS.md#migrations-unknown"), "{ran:?}");
}

/// Somebody elsewhere with the token of the settings.
fn elsewhere_without_database(twinwire: &Installation) -> Program {
    let address = twinwire.server.as_ref().unwrap().address;
    Program::new(PROGRAM, twinwire.folder.path())
        .with("TWINWIRE_URL", format!("http://{address}"))
        .with("TWINWIRE_TOKEN", "admin")
}

#[tokio::test]
async fn the_folder_and_the_key_of_an_own_postgres_are_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let twinwire = Installation::new(PROGRAM).await;
    let data = twinwire.folder.path().join("data");
    let program = twinwire
        .program
        .clone()
        .without("DATABASE_URL")
        .without("TWINWIRE_SECRET_KEY")
        .with("TWINWIRE_DATA_DIR", data.as_os_str());
    assert_eq!(program.run(&["migrate"]).await.code, Some(0));
    assert!(troubles(&findings(&program, &["installation", "database"]).await).is_empty());
    let key = data.join("secret.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = findings(&program, &["installation"]).await;
    assert_eq!(troubles(&found), ["key-readable"]);
    assert_eq!(found[0]["next"][0], format!("chmod 600 {}", key.display()));
}

#[test]
fn every_trouble_has_a_section_in_the_manual() {
    let page = include_str!("../../docs/OPERATIONS.md");
    for trouble in Trouble::ALL {
        let heading = format!("\n### {}\n", trouble.word());
        assert_eq!(page.matches(&heading).count(), 1, "docs/OPERATIONS.md#{}", trouble.word());
    }
}
