//! Every command of the real program, as scripts and people use it: what it prints, what it says, how it exits.

use crate::PROGRAM;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::{Installation, key, setup_arguments};
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
        assert!(
            full.stdout.starts_with("2 seen, 0 inserted, 0 updated, 0 sent, 0 synced, 0 failed"),
            "{full:?}"
        );
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
    assert_fails(&twinwire.program.run(&["backfill", "chn_nobody", "--wait"]).await, 2, &["chn_nobody"]);
    assert_fails(&twinwire.program.run(&["backfill"]).await, 2, &["CHANNEL"]);
    twinwire.stop().await;
    twinwire.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::ListMessages));
    let ran = twinwire.program.run(&["backfill", twinwire.channel(), "--wait", "--json"]).await;
    assert_fails(&ran, 1, &["the provider refused"]);
    let asked = twinwire.program.run(&["backfill", twinwire.channel(), "--json"]).await.json();
    assert_eq!(keys(&asked), ["backfill", "kind"]);
}

async fn sql(twinwire: &Installation, query: &str) -> Ran {
    twinwire.program.run(&["sql", query]).await
}

#[tokio::test]
async fn sql_prints_a_table_json_or_csv() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Hello, \"you\"")).await;
    twinwire.settle().await;
    let query = "select recipient, body, null as nothing, 9007199254740993 as large, '[1]'::jsonb as list \
                 from front_signalwire_message_channel_app_v1; ";
    let expected = json!([{
        "recipient": CUSTOMER, "body": "Hello, \"you\"", "nothing": null, "large": 9_007_199_254_740_993_i64, "list": [1]
    }]);
    assert_eq!(twinwire.program.run(&["sql", query, "--format", "json"]).await.json(), expected);
    assert_eq!(twinwire.program.run(&["sql", "--json", query]).await.json(), expected);
    let csv = twinwire.program.run(&["sql", query, "--format", "csv"]).await;
    assert_eq!(
        csv.stdout,
        format!(
            "recipient,body,nothing,large,list\n{CUSTOMER},\"Hello, \"\"you\"\"\",,9007199254740993,[1]\n"
        )
    );
    let table = sql(&twinwire, query).await;
    assert!(table.stdout.contains(CUSTOMER) && table.stdout.contains("recipient"), "{table:?}");
    assert_eq!(table.stderr, "1 row\n");
    let none = "select * from signalwire_message_v1 where false";
    assert_eq!(twinwire.program.run(&["sql", none, "--json"]).await.json(), json!([]));
    let columns = "signalwire_id,date_created,date_sent,date_updated,direction,from,status,to,data\n";
    assert_eq!(twinwire.program.run(&["sql", none, "--format", "csv"]).await.stdout, columns);
    let columns = "external_id,signalwire_sid,front_message_id,external_conversation_id,row_updated_at,direction,body,\
                   sender,recipient,data\n";
    let all = "select * from front_signalwire_message_channel_app_v1 where false";
    assert_eq!(twinwire.program.run(&["sql", all, "--format", "csv"]).await.stdout, columns);
    for fine in [
        "select 1 -- a remark",
        "values (1), (2)",
        "table messages",
        "with x as (select 1 as a) select a, a from x order by 1",
        "explain select * from messages",
        "explain (format json) select 1",
        "show server_version",
        "select public_id, connector, paused_until from accounts",
        "select public_id, address, state from channels",
        "select * from webhook_log, attempts, backfills, conversations where false",
    ] {
        let ran = sql(&twinwire, fine).await;
        assert_eq!(ran.code, Some(0), "{fine}: {ran:?}");
    }
}

#[tokio::test]
async fn sql_can_only_read_and_only_what_is_no_secret() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Hello")).await;
    twinwire.settle().await;
    let count = "select (select count(*) from messages) * 1000 + (select count(*) from accounts)";
    let before = twinwire.count(count).await;
    for refused in [
        "insert into conversations select channel_id, 'x', 'y' from conversations",
        "update messages set body = 'x'",
        "delete from messages",
        "truncate messages",
        "drop table messages",
        "create table mine (id int)",
        "create temp table mine (id int)",
        "create role mine superuser",
        "alter role current_user superuser",
        "grant all on messages to public",
        "with gone as (delete from messages returning 1) select * from gone",
        "explain analyze delete from messages",
        "lock table messages in access exclusive mode",
        "select * from messages for update",
        "select sealed_settings from accounts",
        "select * from accounts",
        "select sealed_api_key, api_key_hash from channels",
        "select a from accounts a",
        "select * from installation",
        "select * from _sqlx_migrations",
        "select * from apalis.jobs",
        "select rolpassword from pg_authid",
        "select pg_read_file('/etc/passwd')",
        "select * from pg_ls_dir('/')",
        "select lo_import('/etc/passwd')",
        "copy messages to '/tmp/messages'",
        "copy (select 1) to program 'id'",
        "select drop_webhook_log_before('2100-01-01')",
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'twinwire'",
        "select set_config('role', 'twinwire', false)",
        "set role twinwire",
        "do $$ begin delete from messages; end $$",
        "select 1; select 2",
        "select 1; delete from messages",
        "commit; delete from messages",
        "select 1) select 1 from (select 2",
        "select 1) select * from q; delete from messages; --",
        "select 1 as c0) , d as (delete from messages returning 1",
        "select nonsense from nowhere",
    ] {
        let ran = sql(&twinwire, refused).await;
        assert_eq!(ran.code, Some(1), "{refused}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stdout.is_empty(), "{refused}: {ran:?}");
        assert!(ran.stderr.lines().count() == 1, "{refused}: {ran:?}");
    }
    assert_eq!(twinwire.count(count).await, before);
    assert_fails(&sql(&twinwire, " ").await, 2, &["empty"]);
    for nothing in ["/* nothing */", "set statement_timeout = 0"] {
        let ran = sql(&twinwire, nothing).await;
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), "", "no result\n"),
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn sql_ends_at_its_time_limit() {
    let twinwire = Installation::new(PROGRAM).await;
    let began = Instant::now();
    let ran = twinwire.program.run(&["sql", "select pg_sleep(60)", "--timeout", "1s"]).await;
    assert_fails(&ran, 1, &["--timeout"]);
    assert!(began.elapsed() < Duration::from_secs(20));
    for none in ["0s", "soon", "-1s"] {
        let ran = twinwire.program.run(&["sql", "select 1", &format!("--timeout={none}")]).await;
        assert_fails(&ran, 2, &["--timeout"]);
    }
    let loose = "select set_config('statement_timeout', '0', false) from pg_sleep(60)";
    assert_fails(&twinwire.program.run(&["sql", loose, "--timeout", "1s"]).await, 1, &["--timeout"]);
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
        program.run(&["sql", "select count(*) from messages", "--json"]),
        program.run(&["migrate", "--json"]),
    );
    assert_eq!(two.json(), json!([{ "count": 0 }]));
    assert_eq!((keys(&one.json()), keys(&three.json())), (vec!["applied"], vec!["applied"]));
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
