//! The schema belongs to the server: what is older, newer or not there at all, and who may change it.

use crate::PROGRAM;
use crate::why::assert_fails;
use twinwire_tests::installation::Installation;

const MIGRATIONS: &str = "select count(*) from _sqlx_migrations";

async fn execute(twinwire: &Installation, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&twinwire.pool).await.unwrap();
}

#[tokio::test]
async fn the_version_before_goes_on_to_work_on_the_schema_of_a_newer_one() {
    let mut twinwire = Installation::new(PROGRAM).await;
    execute(
        &twinwire,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (29991231235959, 'of a later version', true, '\\x00', 0);
        alter table channels add column of_a_later_version text",
    )
    .await;
    twinwire.start().await;
    twinwire.connect().await;
    let channels = twinwire.program.run(&["channels", "--json"]).await.json();
    assert_eq!(channels[0]["state"], "active");
    assert_eq!(twinwire.program.run(&["migrate", "--json"]).await.json()["applied"], 0);
    assert_eq!(
        twinwire.count("select count(*) from _sqlx_migrations where version = 29991231235959").await,
        1
    );
}

#[tokio::test]
async fn a_command_leaves_an_older_schema_to_the_server_and_says_what_to_run() {
    let twinwire = Installation::new(PROGRAM).await;
    execute(
        &twinwire,
        "drop index conversations_thread; delete from _sqlx_migrations where version = 20261122200200",
    )
    .await;
    let before = twinwire.count(MIGRATIONS).await;
    for command in [&["channels"][..], &["sql", "select 1"], &["setup", "front_signalwire", "--json"]] {
        let ran = twinwire.program.run(command).await;
        assert_fails(&ran, 1, &["older than this program", "twinwire migrate"]);
    }
    assert_eq!(twinwire.count(MIGRATIONS).await, before);
    assert_eq!(twinwire.program.run(&["migrate", "--json"]).await.json()["applied"], 1);
    assert_eq!(twinwire.program.run(&["channels"]).await.code, Some(0));
    assert_eq!(twinwire.count(MIGRATIONS).await, before + 1);
}

#[tokio::test]
async fn in_an_empty_database_only_what_people_begin_with_makes_tables() {
    let twinwire = Installation::new(PROGRAM).await;
    execute(&twinwire, "create database of_somebody_else").await;
    let url = twinwire.database.url.rsplit_once('/').unwrap().0.to_owned() + "/of_somebody_else";
    let program = twinwire.program.clone().with("DATABASE_URL", &url);
    let pool = twinwire_store::pool::connect(&url, 1).await.unwrap();
    let tables = "select count(*) from information_schema.tables where table_schema = 'public'";
    let tables = async || sqlx::query_scalar::<_, i64>(tables).fetch_one(&pool).await.unwrap();
    assert_fails(&program.run(&["channels"]).await, 1, &["no tables of Twinwire's", "twinwire migrate"]);
    assert_eq!(tables().await, 0);
    // It is asked for more than it is told here; the tables are there all the same.
    assert_fails(&program.run(&["setup", "front_signalwire", "--json"]).await, 2, &["--set"]);
    assert!(tables().await > 10);
    assert_eq!(program.run(&["channels"]).await.code, Some(0));
    pool.close().await;
    execute(&twinwire, "drop database of_somebody_else with (force)").await;
}
