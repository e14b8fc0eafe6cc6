//! The login that can only read, as people and reporting tools use it.

use crate::PROGRAM;
use sqlx::{Connection, Executor, PgConnection};
use twinwire_tests::CUSTOMER;
use twinwire_tests::installation::Installation;
use twinwire_tests::process::Program;

/// The address that the program prints.
async fn address(program: &Program, arguments: &[&str]) -> String {
    let all: Vec<&str> = ["db", "url"].iter().chain(arguments).copied().collect();
    let ran = program.run(&all).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout.trim_end().to_owned()
}

async fn reader(program: &Program) -> PgConnection {
    PgConnection::connect(&address(program, &["--read-only"]).await).await.unwrap()
}

/// The code with which Postgres refuses.
async fn refused(conn: &mut PgConnection, sql: &str) -> String {
    let error = conn.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap_err();
    error.as_database_error().unwrap_or_else(|| panic!("{sql}: {error}")).code().unwrap().into_owned()
}

async fn run(url: &str, sql: &str) {
    let mut conn = PgConnection::connect(url).await.unwrap();
    conn.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))).await.unwrap();
}

fn at(url: &str, database: &str) -> String {
    format!("{}/{database}", url.rsplit_once('/').unwrap().0)
}

fn name(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

#[tokio::test]
async fn the_read_only_login_reads_messages_and_neither_writes_nor_sees_secrets() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Hello")).await;
    twinwire.settle().await;
    let mut conn = reader(&twinwire.program).await;
    let body: String = sqlx::query_scalar("select body from front_signalwire_message_channel_app_v1")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(body, "Hello");
    assert_eq!(refused(&mut conn, "delete from messages").await, "25006", "its transactions only read");
    conn.execute("set default_transaction_read_only = off").await.unwrap();
    for sql in [
        "delete from messages",
        "update messages set body = ''",
        "insert into conversations values (1, 'x', 'y')",
        "truncate messages",
        "select sealed_settings from accounts",
        "select api_key_hash from channels",
        "select sealed_api_key from channels",
        "select url from endpoints",
        "select sealed_secret from endpoints",
        "select * from installation",
        "select * from _sqlx_migrations",
        "select * from webhook_log_default",
        "select rolpassword from pg_authid",
        "create role another login",
    ] {
        assert_eq!(refused(&mut conn, sql).await, "42501", "{sql}");
    }
    assert_eq!(twinwire.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn the_read_only_login_has_a_time_limit_and_ten_connections() {
    let twinwire = Installation::new(PROGRAM).await;
    let url = address(&twinwire.program, &["--read-only"]).await;
    let mut conn = PgConnection::connect(&url).await.unwrap();
    let limit: String = sqlx::query_scalar("show statement_timeout").fetch_one(&mut conn).await.unwrap();
    assert_eq!(limit, "1min");
    let mut others = Vec::new();
    for _ in 0..9 {
        others.push(PgConnection::connect(&url).await.unwrap());
    }
    let error = PgConnection::connect(&url).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "53300", "{error}");
    drop(others);
    // The same limit, only shorter, so that nobody waits for a minute.
    let role = format!("{}_reader", name(&twinwire.database.url));
    run(&twinwire.database.url, &format!("alter role {role} set statement_timeout = '200ms'")).await;
    conn.close().await.unwrap();
    let mut conn = twinwire_tests::eventually("a connection is free", || async {
        PgConnection::connect(&url).await.ok()
    })
    .await;
    assert_eq!(refused(&mut conn, "select pg_sleep(60)").await, "57014");
}

#[tokio::test]
async fn its_password_is_changed_on_request_and_the_owners_address_comes_with_a_warning() {
    let twinwire = Installation::new(PROGRAM).await;
    let old = address(&twinwire.program, &["--read-only"]).await;
    assert_eq!(address(&twinwire.program, &["--read-only"]).await, old);
    let new = address(&twinwire.program, &["--read-only", "--rotate"]).await;
    PgConnection::connect(&new).await.unwrap();
    let error = PgConnection::connect(&old).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "28P01", "{error}");
    // `twinwire sql` goes on with the new one.
    assert_eq!(twinwire.program.run(&["sql", "select 1"]).await.code, Some(0));
    let owner = twinwire.program.run(&["db", "url"]).await;
    assert_eq!(owner.stdout.trim_end(), twinwire.database.url);
    assert!(owner.stderr.contains("--read-only"), "{owner:?}");
    assert_eq!(twinwire.program.run(&["db", "url", "--rotate"]).await.code, Some(2));
}

#[tokio::test]
async fn installations_on_one_server_have_logins_of_their_own() {
    let (one, two) = tokio::join!(Installation::new(PROGRAM), Installation::new(PROGRAM));
    let url = address(&one.program, &["--read-only"]).await;
    address(&two.program, &["--read-only"]).await;
    // A stranger's login gets in, as everybody does on that server, and finds nothing.
    let mut stranger = PgConnection::connect(&at(&url, name(&two.database.url))).await.unwrap();
    assert_eq!(refused(&mut stranger, "select * from messages").await, "42501");
    stranger.close().await.unwrap();
    // A database that is given the name of another one does not take over the other one's login.
    let (old, kept) = (name(&one.database.url).to_owned(), format!("{}_old", name(&one.database.url)));
    one.pool.close().await;
    let admin = &two.database.url;
    run(admin, &format!("alter database {old} rename to {kept}")).await;
    run(admin, &format!("create database {old} template template_twinwire")).await;
    let new = address(
        &one.program.clone().with("TWINWIRE_SECRET_KEY", twinwire_tests::installation::key(9)),
        &["--read-only"],
    )
    .await;
    assert!(!new.contains(&format!("{old}_reader")), "{new}");
    let mut conn = PgConnection::connect(&new).await.unwrap();
    conn.execute("select * from messages").await.unwrap();
    conn.close().await.unwrap();
    PgConnection::connect(&at(&url, &kept)).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn where_the_database_user_may_not_make_roles_it_is_said_what_to_run_and_that_works() {
    let twinwire = Installation::new(PROGRAM).await;
    let admin = &twinwire.database.url;
    let poor = format!("poor_{}", name(admin));
    run(admin, &format!("create role {poor} login password 'secret'")).await;
    run(admin, &format!("create database {poor} owner {poor}")).await;
    let (_, place) = admin.split_once('@').unwrap();
    let url = at(&format!("postgres://{poor}:secret@{place}"), &poor);
    let program = twinwire.program.clone().with("DATABASE_URL", &url);
    let ran = program.run(&["migrate"]).await;
    assert_eq!(ran.code, Some(0), "the schema is there all the same: {ran:?}");
    assert!(ran.stderr.contains(&format!("alter role {poor} createrole")), "{ran:?}");
    let ran_sql = program.run(&["sql", "select 1"]).await;
    assert!(ran_sql.stderr.contains("createrole"), "{ran_sql:?}");
    let (_, by_hand) = ran.stderr.split_once("by hand in this database:\n").unwrap();
    run(&at(admin, &poor), &by_hand.replace("<a password>", "chosen")).await;
    let login = at(&format!("postgres://{poor}_reader:chosen@{place}"), &poor);
    let mut conn = PgConnection::connect(&login).await.unwrap();
    conn.execute("select body from messages").await.unwrap();
    assert_eq!(refused(&mut conn, "select sealed_settings from accounts").await, "42501");
}

/// What the reader may not make, whatever it is that Postgres 14 lets everybody do.
async fn makes_nothing(reader: &mut PgConnection) {
    reader.execute("set default_transaction_read_only = off").await.unwrap();
    for sql in [
        "create function public.format(text, text, text, text) returns text language sql as 'select ''select 1''::text'",
        "create table public.mine (id int)",
        "create view public.mine as select 1",
        "create operator public.|| (leftarg = name, rightarg = text, function = texteq)",
    ] {
        assert_eq!(refused(reader, sql).await, "42501", "{sql}");
    }
}

#[tokio::test]
async fn the_read_only_login_makes_no_function_that_the_owner_would_run() {
    let twinwire = Installation::new(PROGRAM).await;
    // As in every database of Postgres 14.
    run(&twinwire.database.url, "grant create on schema public to public").await;
    makes_nothing(&mut reader(&twinwire.program).await).await;
    assert_eq!(twinwire.program.run(&["migrate"]).await.code, Some(0), "the owner makes tables still");
}

#[tokio::test]
async fn where_everybody_may_make_objects_and_the_owner_cannot_end_that_it_is_said_what_to_run() {
    let twinwire = Installation::new(PROGRAM).await;
    let admin = &twinwire.database.url;
    let poor = format!("tenant_{}", name(admin));
    run(admin, &format!("create role {poor} login createrole password 'secret'")).await;
    run(admin, &format!("create database {poor} owner {poor}")).await;
    let (_, place) = admin.split_once('@').unwrap();
    let url = at(&format!("postgres://{poor}:secret@{place}"), &poor);
    // As in Postgres 14: the schema belongs to the superuser.
    let schema = "alter schema public owner to current_user; grant all on schema public to public";
    run(&at(admin, &poor), schema).await;
    let program = twinwire.program.clone().with("DATABASE_URL", &url);
    let statements =
        format!("grant create on schema public to {poor}; revoke create on schema public from public");
    let ran = program.run(&["migrate"]).await;
    assert!(ran.code == Some(0) && ran.stderr.replace('\n', " ").contains(&statements), "{ran:?}");
    let ran = program.run(&["db", "url", "--read-only"]).await;
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.replace('\n', " ").contains(&statements), "{ran:?}");
    run(&at(admin, &poor), &statements).await;
    makes_nothing(&mut reader(&program).await).await;
    assert_eq!(program.run(&["migrate"]).await.code, Some(0));
}
