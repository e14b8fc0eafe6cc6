//! A server elsewhere: where the token goes, what it opens, and what is refused.

use super::{elsewhere, refused};
use crate::PROGRAM;
use crate::why::{assert_fails, once};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use twinwire_tests::CUSTOMER;
use twinwire_tests::installation::Installation;
use twinwire_tests::process::Program;

/// Somebody who answers every request with the same, and remembers what was asked.
async fn answering(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard: Arc<Mutex<String>> = Arc::default();
    let hears = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = socket.read(&mut request).await.unwrap_or_default();
            hears.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..read]));
            socket.write_all(answer.as_bytes()).await.ok();
        }
    });
    (format!("http://{address}"), heard)
}

fn program() -> Program {
    Program::new(PROGRAM, std::env::temp_dir()).with("TWINWIRE_TOKEN", "twt_secret")
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect() {
    let (there, heard_there) =
        answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {there}/v1/admin/channels\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (here, heard_here) = answering(redirect.leak()).await;
    let ran = program().run(&["channels", "--url", &here]).await;
    assert_fails(&ran, 1, &["redirect", &there, "--url"]);
    assert!(heard_here.lock().unwrap().contains("Bearer twt_secret"));
    assert_eq!(*heard_there.lock().unwrap(), "");
}

#[tokio::test]
async fn what_is_no_twinwire_is_said_to_be_none() {
    for answer in [
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>",
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>",
    ] {
        let (there, _) = answering(answer).await;
        let ran = program().run(&["channels", "--url", &there]).await;
        assert_fails(&ran, 1, &[]);
        assert!(
            ran.stderr.contains("is something else behind") || ran.stderr.contains("another version"),
            "{ran:?}"
        );
    }
    let ran = program().run(&["channels", "--url", "http://127.0.0.1:1"]).await;
    assert_fails(&ran, 1, &["http://127.0.0.1:1", "--url"]);
    assert!(!ran.stderr.contains("twt_secret"));
}

#[tokio::test]
async fn a_token_is_neither_missing_nor_sent_in_the_open_and_a_local_command_does_nothing_elsewhere() {
    let program = program();
    for (url, words) in [
        ("http://twinwire.example.com", "--plain-http"),
        ("twinwire.example.com", "https://"),
        ("https://me:pass@twinwire.example.com", "TWINWIRE_TOKEN"),
    ] {
        let ran = program.run(&["channels", "--url", url]).await;
        assert_fails(&ran, 2, &[words]);
        assert!(!ran.stderr.contains("pass@") && !ran.stderr.contains("twt_secret"), "{ran:?}");
    }
    let without = program.clone().without("TWINWIRE_TOKEN");
    let ran = without.run(&["channels", "--url", "https://twinwire.example.com"]).await;
    assert_fails(&ran, 2, &["TWINWIRE_TOKEN", "twinwire tokens create"]);
    // The machine's own token is of no server elsewhere.
    let (somebody, heard) =
        answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
    let ran = without.with("TWINWIRE_ADMIN_TOKEN", "s3cret").run(&["channels", "--url", &somebody]).await;
    assert_fails(&ran, 2, &["TWINWIRE_TOKEN", "TWINWIRE_ADMIN_TOKEN is this machine's own"]);
    assert_eq!(*heard.lock().unwrap(), "");
    let there = program.with("TWINWIRE_URL", "https://twinwire.example.com");
    for command in [&["sql", "select 1"][..], &["migrate"]] {
        assert_fails(&there.run(command).await, 2, &["this machine's own database", "TWINWIRE_URL"]);
    }
    let ran = there.without("TWINWIRE_URL").run(&["serve", "--url", "https://twinwire.example.com"]).await;
    assert_fails(&ran, 2, &["--url"]);
}

#[tokio::test]
async fn a_narrow_token_looks_and_does_not_touch() {
    let twinwire = Installation::connected(PROGRAM).await;
    let number = refused(&twinwire).await;
    let (reads, operates) = (elsewhere(&twinwire, "read").await, elsewhere(&twinwire, "operate").await);
    let channel = twinwire.channel();
    assert_eq!(reads.run(&["channels"]).await.code, Some(0));
    for command in [
        &["channels", "pause", channel][..],
        &["retry", &number],
        &["backfill", channel],
        &["settle", &number, "--not-arrived"],
    ] {
        let ran = reads.run(command).await;
        assert_fails(&ran, 1, &["needs a token of scope operate", "twinwire tokens create"]);
    }
    for command in [
        &["tokens"][..],
        &["tokens", "create", "mine", "--scope", "admin"],
        &["channels", "delete", channel, "--yes"],
    ] {
        assert_fails(&operates.run(command).await, 1, &["needs a token of scope admin"]);
    }
    once(&twinwire, "parked = 'refused'").await;
    assert_eq!(twinwire.count("select count(*) from channels where state = 'active'").await, 1);
    assert_eq!(twinwire.count("select count(*) from admin_tokens").await, 2);
    let ran = twinwire.program.run(&["tokens", "revoke", "read"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_fails(&reads.run(&["channels"]).await, 1, &["admin token is missing or wrong", "TWINWIRE_TOKEN"]);
    // The server's log says who did what, and has neither a token in it nor a number.
    let ours: String =
        sqlx::query_scalar("select external_id from messages").fetch_one(&twinwire.pool).await.unwrap();
    assert!(ours.ends_with(CUSTOMER), "{ours}");
    assert_eq!(operates.run(&["retry", &ours]).await.code, Some(0));
    let log = twinwire.server.as_ref().unwrap().running.stderr();
    assert!(log.contains("token operate") && log.contains("/v1/admin/messages/{message}/retry"), "{log}");
    assert!(!log.contains("twt_") && !log.contains(CUSTOMER.trim_start_matches('+')), "{log}");
}
