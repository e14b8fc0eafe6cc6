//! Every command of the real program, as scripts and people use it: what it prints, what it says, how it exits.

mod settings;
mod setup;
mod sql;

use crate::PROGRAM;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::{Installation, key};
use twinwire_tests::process::{Program, Ran};
use twinwire_tests::{CUSTOMER, SECRET, SUPPORT, answers, eventually};

/// It exits with `code` and says every one of `words`.
fn assert_fails(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    // The log may have had to say something before.
    assert!(ran.stderr.lines().any(|line| line.starts_with("error: ")), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in {ran:?}");
    }
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn channels_lists_them_for_people_in_80_columns_and_for_scripts_as_json() {
    let mut twinwire = Installation::new(PROGRAM).await;
    let none = twinwire.program.run(&["channels"]).await;
    assert!(none.stdout.contains("twinwire setup"), "{none:?}");
    twinwire.start().await;
    twinwire.connect().await;
    let shown = twinwire.program.run(&["channels"]).await;
    assert_eq!(shown.code, Some(0));
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{}", shown.stdout);
    // An id in one piece, to be copied.
    assert!(
        lines.iter().any(|line| line.starts_with(twinwire.channel()) && line.contains(SUPPORT)),
        "{lines:?}"
    );
    let listed = twinwire.program.run(&["channels", "--json"]).await.json();
    assert_eq!(listed[0]["channel"], twinwire.channel());
    assert_eq!(listed[0]["pair"], "front_signalwire");
    assert_eq!(listed[0]["address"], SUPPORT);
    assert_eq!(listed[0]["state"], "active");
    assert_eq!((&listed[0]["pending"], &listed[0]["parked"]), (&json!(0), &json!(0)));
    let key = twinwire.installed["api_key"].as_str().unwrap();
    assert!(!shown.stdout.contains(key) && !listed.to_string().contains(key));
}

const COUNTS: [&str; 6] = ["failed", "inserted", "seen", "sent", "synced", "updated"];

#[tokio::test]
async fn a_backfill_brings_in_what_was_lost_and_the_second_changes_nothing_with_or_without_a_server() {
    for running in [true, false] {
        let mut twinwire = Installation::connected(PROGRAM).await;
        twinwire.signalwire.script(
            "+12025550100",
            Fate::RefuseSync { status: 400, code: 21_211, message: "Invalid 'To' Phone Number".to_owned() },
        );
        if !running {
            twinwire.stop().await;
        }
        twinwire.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook).times(2));
        for text in ["One", "Two"] {
            twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
        }
        let arguments = ["backfill", twinwire.channel(), "--wait", "--json"];
        let first = twinwire.program.run(&arguments).await.json();
        assert_eq!(keys(&first), COUNTS);
        assert_eq!(
            first,
            json!({ "seen": 2, "inserted": 2, "updated": 0, "sent": 0, "synced": 2, "failed": 0 })
        );
        assert_eq!(twinwire.texts_from(CUSTOMER), ["One", "Two"]);
        let second = twinwire.program.run(&arguments).await.json();
        assert_eq!(
            second,
            json!({ "seen": 2, "inserted": 0, "updated": 0, "sent": 0, "synced": 0, "failed": 0 })
        );
        let full = twinwire.program.run(&["backfill", twinwire.channel(), "--full", "--wait"]).await;
        for words in [
            "Read 2 messages at the provider: 0 were new here, 0 had changed.",
            "Since it began: 0 sent to customers, 0 put into the helpdesk, 0 failed. It took ",
        ] {
            assert!(full.stdout.contains(words), "{full:?}");
        }
        assert_eq!(twinwire.texts_from(CUSTOMER), ["One", "Two"]);
    }
}

#[tokio::test]
async fn a_backfill_sends_what_no_server_is_there_to_send() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    // Nobody may work the channel while the server is up.
    sqlx::query("insert into channel_leases select id, 'the test', 1, now() + interval '1 hour' from channels on conflict (channel_id) do update set owner = 'the test', fence = 1000, until = now() + interval '1 hour'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    twinwire.signalwire.script(
        "+12025550100",
        Fate::RefuseSync { status: 400, code: 21_211, message: "Invalid 'To' Phone Number".to_owned() },
    );
    twinwire.insist(&twinwire.order(&[CUSTOMER, "+12025550100"], "Hello")).await;
    twinwire.stop().await;
    sqlx::query("update channel_leases set until = '-infinity'").execute(&twinwire.pool).await.unwrap();
    let counts = twinwire.program.run(&["backfill", twinwire.channel(), "--wait", "--json"]).await.json();
    assert_eq!((&counts["sent"], &counts["failed"], &counts["inserted"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(twinwire.texts_to(CUSTOMER), ["Hello"]);
}

#[tokio::test]
async fn a_backfill_that_cannot_be_done_says_why() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    assert_fails(&twinwire.program.run(&["backfill", "chn_nobody", "--wait"]).await, 1, &["chn_nobody"]);
    assert_fails(&twinwire.program.run(&["backfill"]).await, 2, &["CHANNEL"]);
    twinwire.stop().await;
    twinwire.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::ListMessages));
    let ran = twinwire.program.run(&["backfill", twinwire.channel(), "--wait", "--json"]).await;
    assert_fails(&ran, 1, &["the provider refused"]);
    let asked = twinwire.program.run(&["backfill", twinwire.channel(), "--json"]).await.json();
    assert_eq!(keys(&asked), ["backfill", "kind"]);
}

#[tokio::test]
async fn migrate_makes_the_schema_once_also_when_many_ask_at_once() {
    let twinwire = Installation::new(PROGRAM).await;
    let url = format!("{}_empty", twinwire.database.url);
    let mut conn = PgConnection::connect(&twinwire.database.url).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    conn.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    let program = twinwire.program.clone().with("DATABASE_URL", &url);
    let (one, two, three) = tokio::join!(
        program.run(&["migrate", "--json"]),
        program.run(&["migrate", "--json"]),
        program.run(&["migrate", "--json"]),
    );
    for ran in [one, two, three] {
        assert_eq!(keys(&ran.json()), ["applied"]);
    }
    let asked = program.run(&["sql", "select count(*) from messages", "--json"]).await;
    assert_eq!(asked.json(), json!([{ "count": 0 }]));
    assert_eq!(program.run(&["migrate", "--json"]).await.json(), json!({ "applied": 0 }));
    let told = program.run(&["migrate"]).await;
    assert_eq!((told.code, told.stdout.contains("up to date")), (Some(0), true), "{told:?}");
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_help_fits_80_columns() {
    let program = Program::new(PROGRAM, std::env::temp_dir());
    for wrong in [&["fly"][..], &[], &["serve", "--fast"], &["sql"], &["sql", "select 1", "--format", "xml"]]
    {
        let ran = program.run(wrong).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{wrong:?}: {ran:?}");
    }
    for command in [
        "",
        "serve",
        "demo",
        "setup",
        "channels",
        "channels delete",
        "messages",
        "messages list",
        "accounts",
        "tokens",
        "tokens create",
        "backfill",
        "why",
        "retry",
        "sql",
        "migrate",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = program.run(&arguments).await;
        assert_eq!(help.code, Some(0), "{help:?}");
        let wide: Vec<&str> = help.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{command}: {wide:#?}");
    }
    assert!(program.run(&["--version"]).await.stdout.starts_with("twinwire "));
}

#[tokio::test]
async fn serve_says_where_it_listens_and_a_taken_port_is_told() {
    let twinwire = Installation::new(PROGRAM).await;
    let server = twinwire.program.clone().with("TWINWIRE_LISTEN", "127.0.0.1:0").serve().await;
    assert_eq!(server.running.stdout(), format!("twinwire listening on http://{}\n", server.address));
    let health = reqwest::get(format!("http://{}/healthz", server.address)).await.unwrap();
    assert_eq!(health.status(), 200);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [taken.local_addr().unwrap().to_string(), server.address.to_string()] {
        let ran = twinwire.program.clone().with("TWINWIRE_LISTEN", &address).run(&["serve"]).await;
        assert_fails(&ran, 1, &[&address, "TWINWIRE_LISTEN"]);
    }
    let ran = twinwire.program.clone().with("TWINWIRE_LISTEN", "nonsense").run(&["serve"]).await;
    assert_fails(&ran, 1, &["nonsense", "TWINWIRE_LISTEN"]);
    assert_eq!(server.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_server_told_to_stop_finishes_what_is_in_flight_and_exits_with_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut twinwire = Installation::connected(PROGRAM).await;
        // Accepted, and a second later the connection breaks: an outcome to be written down before the end.
        let slow = Rule::new(Fault::TimeoutAfter(Duration::from_secs(1)));
        twinwire.signalwire.faults().add(slow.on(Operation::SendMessage));
        twinwire.insist(&twinwire.order(&[CUSTOMER], "Hello")).await;
        let flying = "select count(*) from messages where in_flight is not null";
        eventually("the call is in flight", || async { (twinwire.count(flying).await == 1).then_some(()) })
            .await;
        // Somebody holds a connection open without asking anything.
        let server = twinwire.take_server();
        let _idle = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let began = Instant::now();
        server.running.signal(signal);
        let ran = server.running.ended().await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        println!("ended after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(5), "{:?} {ran:?}", began.elapsed());
        assert_eq!(twinwire.count(flying).await, 0);
        let held = "select count(*) from channel_leases where until > now()";
        assert_eq!(twinwire.count(held).await, 0);
        twinwire.start().await;
        twinwire.settle().await;
        assert_eq!(twinwire.texts_to(CUSTOMER), ["Hello"]);
    }
}

#[tokio::test]
async fn a_command_told_to_stop_ends_at_once() {
    let twinwire = Installation::new(PROGRAM).await;
    let query = twinwire.program.start(&["sql", "select pg_sleep(60)"]);
    eventually("the query runs", || async {
        let sql = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' \
                   and application_name = 'twinwire sql' and datname = current_database()";
        (twinwire.count(sql).await > 0).then_some(())
    })
    .await;
    let began = Instant::now();
    query.signal(Signal::SIGINT);
    let ran = query.ended().await;
    assert_fails(&ran, 1, &["stopped"]);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_servers_log_holds_no_secret_no_number_and_no_text() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    let quiet = twinwire.program.clone();
    let mut said = String::new();
    for level in ["", "debug,sqlx=debug,hyper=debug", "trace"] {
        said.push_str(&twinwire.take_server().stop().await.stderr);
        twinwire.program = quiet.clone().with("TWINWIRE_LOG", level);
        twinwire.start().await;
        twinwire.insist(&twinwire.order(&[CUSTOMER], "A private matter")).await;
        twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Very private").await;
        twinwire.settle().await;
        if level.is_empty() {
            said.push_str(&twinwire.server.as_ref().unwrap().running.stderr());
            for text in [CUSTOMER, CUSTOMER.trim_start_matches('+'), "private"] {
                assert!(!said.contains(text), "{text} is in the log: {said}");
            }
        }
    }
    said.push_str(&twinwire.take_server().stop().await.stderr);
    let usual = answers(SUPPORT);
    let mut secrets =
        vec![SECRET.to_owned(), key(7), twinwire.installed["api_key"].as_str().unwrap().to_owned()];
    secrets.extend(["token", "signing_key"].iter().filter_map(|name| Some(usual.get(name)?.to_owned())));
    secrets.push(twinwire.database.url.split([':', '@']).nth(2).unwrap().to_owned());
    for secret in secrets {
        let at = said.lines().find(|line| line.contains(&secret));
        assert!(at.is_none(), "{secret} is in the log: {at:?}");
    }
}
