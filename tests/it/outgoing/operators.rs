//! Endpoints as operators make, change, try and forget them.

use super::{all_told, subscribe};
use crate::PROGRAM;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use std::time::{Duration, Instant};
use twinwire_engine::outgoing::endpoints::{self, Asked};
use twinwire_store::deliveries;
use twinwire_tests::installation::Installation;
use twinwire_tests::receiver::Receiver;
use twinwire_tests::{Setting, Stack, TestDatabase, eventually};

#[tokio::test]
async fn a_secret_is_changed_without_a_gap_and_stands_nowhere_in_plain() {
    let stack = Stack::start().await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    let id = made.endpoint.endpoint.as_str();
    let new = endpoints::rotate(stack.engine(), id).await.unwrap();
    endpoints::trial(stack.engine(), id).await.unwrap();
    all_told(&stack).await;
    let event = receiver.events().pop().unwrap();
    assert!(event.is_signed_by(made.shown_secret()) && event.is_signed_by(new.shown_secret()));
    sqlx::query("update endpoints set old_secret_until = now()").execute(&stack.pool).await.unwrap();
    endpoints::trial(stack.engine(), id).await.unwrap();
    all_told(&stack).await;
    let event = receiver.events().pop().unwrap();
    assert!(!event.is_signed_by(made.shown_secret()) && event.is_signed_by(new.shown_secret()));
    let rows: Vec<Value> = sqlx::query_scalar(
        "select to_jsonb(e) || jsonb_build_object('raw', encode(e.sealed_secret || e.sealed_old_secret, 'escape'))
        from endpoints e",
    )
    .fetch_all(&stack.pool)
    .await
    .unwrap();
    let plain = json!(rows).to_string();
    for secret in [made.shown_secret(), new.shown_secret()] {
        assert!(!plain.contains(secret.trim_start_matches("whsec_")), "a secret stands in the table");
    }
    assert!(!format!("{made:?}").contains(made.shown_secret()));
}

#[tokio::test]
async fn what_an_endpoint_may_not_be_is_refused_with_the_reason() {
    let stack = Stack::start().await;
    for (url, events, channel, words) in [
        ("nowhere", &[][..], None, "https://example.com/events"),
        ("ftp://example.com/", &[], None, "https://example.com/events"),
        ("https://me:secret@example.com/", &[], None, "credentials"),
        ("https://example.com/", &["message.read"], None, "message.delivered"),
        ("https://example.com/", &[], Some("chn_unknown"), "chn_unknown"),
    ] {
        let asked = Asked {
            url: url.to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            channel: channel.map(ToOwned::to_owned),
            with_body: false,
        };
        let refused = endpoints::add(stack.engine(), &asked).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{url}: {refused}");
    }
    assert_eq!(stack.count("select count(*) from endpoints").await, 0);
}

#[tokio::test]
async fn an_operator_makes_tries_stops_and_forgets_an_endpoint_by_commands() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.program = twinwire.program.with("TWINWIRE_PRIVATE_HOSTS", "yes");
    twinwire.start().await;
    let receiver = Receiver::start().await;
    let run = async |arguments: &[&str]| twinwire.program.run(arguments).await;
    let made = run(&["endpoints", "add", &receiver.url, "--event", "message.sent", "--json"]).await.json();
    let (id, secret) = (made["endpoint"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_") && made["events"] == json!(["message.sent"]), "{made}");
    let event = run(&["endpoints", "test", id, "--json"]).await.json();
    let told = eventually("the trial is told", || async { receiver.events().pop() }).await;
    assert_eq!(event["event"], told.id);
    assert!(told.is_signed_by(secret));
    let listed = eventually("it is written down", || async {
        let listed = run(&["deliveries", "--endpoint", id, "--json"]).await.json()["deliveries"].clone();
        (listed[0]["state"] == "delivered").then_some(listed)
    })
    .await;
    assert_eq!((&listed[0]["type"], &listed[0]["last_status"]), (&json!("endpoint.test"), &json!(200)));
    assert_eq!(run(&["endpoints", "pause", id, "--json"]).await.json()["state"], "paused");
    let refused = run(&["endpoints", "test", id]).await;
    assert!(refused.code != Some(0) && refused.stderr.contains("endpoints resume"), "{refused:?}");
    assert_eq!(run(&["endpoints", "resume", id, "--json"]).await.json()["state"], "active");
    let other = run(&["endpoints", "rotate", id, "--json"]).await.json();
    assert!(other["secret"].is_string() && other["secret"] != secret);
    // Shown are neither secrets nor the end of the address, which may be one.
    for shown in [run(&["endpoints", "--json"]).await, run(&["endpoints", "show", id]).await] {
        assert_eq!(shown.code, Some(0), "{shown:?}");
        assert!(shown.stdout.contains(id), "{shown:?}");
        assert!(!shown.stdout.contains("whsec_") && !shown.stdout.contains("/events"), "{shown:?}");
        assert!(!shown.stdout.lines().any(|line| line.len() > 80 && !line.starts_with('[')), "{shown:?}");
    }
    let again = run(&["deliveries", "retry", id, "--event", &told.id, "--json"]).await.json();
    assert_eq!(again, json!({ "queued": 1 }));
    eventually("it is told again", || async { (receiver.events().len() == 2).then_some(()) }).await;
    assert_eq!(receiver.events()[1].id, told.id);
    let asked = run(&["endpoints", "delete", id]).await;
    assert!(
        asked.code == Some(2) && asked.stderr.contains("--yes") && asked.stderr.contains(id),
        "{asked:?}"
    );
    assert_eq!(run(&["endpoints", "show", id]).await.code, Some(0));
    assert_eq!(run(&["endpoints", "delete", id, "--yes"]).await.code, Some(0));
    assert_eq!(run(&["endpoints", "--json"]).await.json(), json!([]));
    for (wrong, words) in [
        (&["endpoints", "show", id][..], "endpoints list"),
        (&["endpoints", "add", "https://example.com/", "--event", "message.read"], "message.delivered"),
        (&["endpoints", "add", "ftp://example.com/"], "https://example.com/events"),
        (&["deliveries", "--endpoint", "ep_unknown"], "endpoints list"),
    ] {
        let ran = run(wrong).await;
        assert!(ran.code != Some(0) && ran.stderr.contains(words), "{wrong:?}: {ran:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_written_down_at_once_whatever_was_being_sent_to_it() {
    let database = TestDatabase::new().await;
    // Transactions that wait for each other would be noticed late enough to be seen here.
    let name = database.url.rsplit_once('/').unwrap().1;
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    let slow = format!("alter database {name} set deadlock_timeout = '30s'");
    conn.execute(sqlx::AssertSqlSafe(slow)).await.unwrap();
    let stack = Stack::on(database, Setting::default()).await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    let id = made.endpoint.endpoint.as_str();
    endpoints::pause(stack.engine(), id).await.unwrap();
    receiver.answer(410);
    receiver.take_time(Duration::from_secs(2));
    for _ in 0..8 {
        deliveries::add_trial(&mut conn, id, endpoints::TRIAL).await.unwrap();
    }
    endpoints::resume(stack.engine(), id).await.unwrap();
    eventually("all are being sent", || async { (receiver.most_at_once() == 8).then_some(()) }).await;
    // Somebody has the endpoint in hand until all have answered: each then holds what it may while it waits for it.
    conn.execute("begin; select id from endpoints for no key update").await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    conn.execute("commit").await.unwrap();
    let began = Instant::now();
    eventually("the endpoint is disabled", || async {
        (endpoints::one(stack.engine(), id).await.unwrap().state == "disabled").then_some(())
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(15), "they waited for each other");
    all_told(&stack).await;
}
