//! `twinwire sql`: what it prints, and what it does not let anybody do.

use super::assert_fails;
use crate::PROGRAM;
use serde_json::json;
use std::time::{Duration, Instant};
use twinwire_tests::CUSTOMER;
use twinwire_tests::installation::Installation;
use twinwire_tests::process::Ran;

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
