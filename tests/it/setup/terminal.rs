//! The set-up as people do it, in a terminal: `script`, which every Debian has, gives the program one.

use super::*;
use crate::PROGRAM;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use twinwire_tests::eventually;
use twinwire_tests::installation::Installation;

/// Enter.
const ENTER: &str = "\r";
/// Esc.
const ESC: &str = "\u{1b}";

/// A person at a terminal.
struct Terminal {
    keys: ChildStdin,
    seen: Arc<Mutex<String>>,
    child: Child,
}

impl Terminal {
    fn open(twinwire: &Installation, arguments: &str) -> Self {
        Self::open_after(twinwire, "true", arguments)
    }

    /// The program takes the place of a shell that does something first.
    fn open_after(twinwire: &Installation, first: &str, arguments: &str) -> Self {
        let line = format!("{first}; stty cols 80 rows 40; exec {PROGRAM} {arguments}");
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env_clear()
            .envs(twinwire.program.variables())
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .current_dir(twinwire.folder.path());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.unwrap();
        let (keys, mut out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let seen = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut buffer).await {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Self { keys, seen, child }
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until something is on the screen that was not there before, and gives what came up to it.
    async fn sees(&self, words: &str) -> String {
        let what = format!("{words:?} on the screen");
        let came = eventually(&what, || async {
            let mut seen = self.seen.lock().unwrap();
            let at = seen.find(words)? + words.len();
            Some(seen.drain(..at).collect::<String>())
        });
        came.await
    }

    async fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
        self.keys.flush().await.unwrap();
    }
}

#[tokio::test]
async fn at_a_terminal_a_channel_is_set_up_by_answering_and_secrets_are_not_shown() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    let mut terminal = Terminal::open(&twinwire, &format!("setup {PAIR}"));
    terminal.sees("Phone number at SignalWire").await;
    terminal.types("555").await;
    terminal.types(ENTER).await;
    terminal.sees("! ").await;
    terminal.sees("phone").await;
    // The field is empty again: what made no sense was not kept.
    terminal.types(&format!("{}{ENTER}", twinwire_tests::SUPPORT)).await;
    terminal.sees("Space:").await;
    // Back to the number, which stands there as it was answered.
    terminal.types(ESC).await;
    terminal.sees(twinwire_tests::SUPPORT).await;
    terminal.types(ENTER).await;
    let mut shown = String::new();
    for (name, prompt) in [("space", "Space:"), ("project", "Project ID"), ("token", "API token")] {
        shown.push_str(&terminal.sees(prompt).await);
        terminal.sees(&format!("{name} ")).await;
        terminal.types(&format!("{}{ENTER}", usual(name))).await;
    }
    shown.push_str(&terminal.sees("Signing key").await);
    terminal.sees("signing_key ").await;
    terminal.types(&format!("{}{ENTER}", usual("signing_key"))).await;
    shown.push_str(&terminal.sees("nobody is told of the number").await);
    terminal.sees("Set it from here").await;
    terminal.types(ENTER).await;
    shown.push_str(&terminal.sees("sk_").await);
    let channels = twinwire.program.run(&["channels", "--json"]).await.json();
    let id = channels.pointer("/channels/0/channel").or(channels.pointer("/0/channel")).unwrap();
    let key = twinwire.program.run(&["setup", "key", "show", id.as_str().unwrap(), "--json"]).await.json();
    shown.push_str(&terminal.sees("Waiting for Front").await);
    twinwire.front.connect(key["api_key"].as_str().unwrap()).await.unwrap();
    shown.push_str(&terminal.sees("has connected the channel").await);
    let status = terminal.child.wait().await.unwrap();
    assert!(status.success(), "{status}: {}", terminal.seen());
    for secret in ["token", "signing_key"] {
        assert!(!shown.contains(&usual(secret)), "{shown}");
    }
}

#[tokio::test]
async fn a_person_who_stops_is_told_how_to_go_on_and_does() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    let mut terminal =
        Terminal::open(&twinwire, &format!("setup {PAIR} --set phone={}", twinwire_tests::SUPPORT));
    terminal.sees("Space:").await;
    terminal.sees("space ").await;
    terminal.types("\u{3}").await;
    terminal.sees("--resume ").await;
    assert!(!terminal.child.wait().await.unwrap().success());
    let id = eventually("the id of the set-up", || async {
        let seen = terminal.seen();
        seen.contains('\n').then(|| seen.split_whitespace().next().unwrap_or_default().to_owned())
    })
    .await;
    let again = Terminal::open(&twinwire, &format!("setup --resume {id}"));
    let shown = again.sees("Space:").await;
    assert!(!shown.contains("Phone number"), "{shown}");
}

#[tokio::test]
async fn a_setup_whose_terminal_vanishes_ends_although_it_was_told_to_ignore_that() {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    // As `nohup` and some supervisors do.
    let mut terminal =
        Terminal::open_after(&twinwire, "trap '' HUP; echo \"it is $$ .\"", &format!("setup {PAIR}"));
    terminal.sees("it is ").await;
    let process = terminal.sees(" .").await;
    terminal.sees("Phone number at SignalWire").await;
    let alive = format!("/proc/{}/fd/0", process.trim_end_matches(" ."));
    assert!(std::fs::read_link(&alive).is_ok(), "{process}");
    terminal.child.kill().await.unwrap();
    eventually("the end of the program", || async { std::fs::read_link(&alive).is_err().then_some(()) })
        .await;
}
