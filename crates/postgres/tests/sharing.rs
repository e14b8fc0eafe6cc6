//! Several users of one server, and the settings it runs with.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use support::{Holder, alive, count, execute, folder, hold, options, text};
use twinwire_postgres::start;

#[tokio::test]
async fn starts_answers_and_stops() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    assert!(!server.was_adopted());
    for (setting, value) in
        [("fsync", "on"), ("synchronous_commit", "on"), ("max_connections", "500"), ("data_checksums", "on")]
    {
        assert_eq!(text(server.url(), &format!("show {setting}")).await, value, "{setting}");
    }
    assert_eq!(text(server.url(), "show server_encoding").await, "UTF8");
    assert_eq!(text(server.url(), "show unix_socket_directories").await, "");
    execute(server.url(), "create extension pgcrypto; create extension hstore").await;
    let pid = server.pid();
    server.stop().await.unwrap();
    assert!(!alive(pid));
}

#[tokio::test]
async fn keeps_the_password_from_others() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    let dir = temp.path().join("data/postgres");
    let secret = fs::metadata(dir.join("connection.json")).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    assert_eq!(secret.uid(), fs::metadata(temp.path()).unwrap().uid());
    let password = server.url().split([':', '@']).nth(2).unwrap().to_owned();
    assert!(password.len() > 40);
    assert!(!dir.join("password.tmp").exists());
    assert!(!format!("{server:?}").contains(&password));
    assert!(!fs::read_to_string(dir.join("postgres.log")).unwrap().contains(&password));
    let arguments = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&arguments).contains(&password));
}

#[tokio::test]
async fn two_starts_at_once_share_a_server_that_stops_with_the_last() {
    let temp = folder();
    let (first, second) = tokio::join!(start(options(&temp)), start(options(&temp)));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.pid(), second.pid());
    assert_ne!(first.was_adopted(), second.was_adopted());
    execute(first.url(), "create table kept (id int)").await;
    let pid = first.pid();
    first.stop().await.unwrap();
    assert!(alive(pid));
    assert_eq!(count(second.url()).await, 0);
    second.stop().await.unwrap();
    assert!(!alive(pid));
}

#[tokio::test]
async fn another_process_keeps_the_server_up() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    let holder = Holder::spawn(hold(&temp.path().join("data")).arg("create table kept (id int)"));
    assert!(holder.adopted);
    assert_eq!(holder.pid, server.pid());
    server.stop().await.unwrap();
    assert_eq!(count(&holder.url).await, 0);
    let pid = holder.pid;
    holder.let_go();
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_dropped_server_stops_and_leaves_no_dead_process() {
    let temp = folder();
    let server = start(options(&temp)).await.unwrap();
    let pid = server.pid();
    drop(server);
    assert!(!alive(pid));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn a_start_given_up_leaves_no_server_behind() {
    let temp = folder();
    let given_up = tokio::time::timeout(Duration::from_millis(300), start(options(&temp))).await;
    // A machine that starts a server within that time has nothing to give up.
    drop(given_up);
    let server = start(options(&temp)).await.unwrap();
    let pid = server.pid();
    server.stop().await.unwrap();
    assert!(!alive(pid));
}
