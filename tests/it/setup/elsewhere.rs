//! The set-up from another machine, with an address and a token: in a script, as a link, and on a terminal.

use super::*;
use crate::PROGRAM;
use crate::operators::elsewhere;
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use twinwire_tests::installation::{Installation, setup_arguments};
use twinwire_tests::{SUPPORT, eventually};

async fn running() -> Installation {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.start().await;
    twinwire
}

/// The usual arguments with more behind them.
fn arguments(more: &[&str]) -> Vec<String> {
    setup_arguments().into_iter().chain(more.iter().map(|one| (*one).to_owned())).collect()
}

#[tokio::test]
async fn a_script_elsewhere_makes_the_same_channel_as_one_on_the_server() {
    let twinwire = running().await;
    let there = elsewhere(&twinwire, "admin").await;
    let all = arguments(&["--set-webhook"]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let made = there.run(&all).await.json();
    assert_eq!(made["webhook"], json!({ "goes": "here" }));
    assert_eq!(twinwire.signalwire.webhook(SUPPORT).as_deref(), made["webhook_urls"]["inbound"].as_str());
    assert_eq!(twinwire.program.run(&all).await.json(), made, "it is the same here");
    let changed = ["setup", "--channel", made["channel"].as_str().unwrap(), "--set", "token=PTwrong"];
    for program in [&there, &twinwire.program] {
        let refused = program.run(&changed).await;
        assert!(refused.code == Some(1) && refused.stderr.contains("SignalWire refused"), "{refused:?}");
        let missing = program.run(&["setup", PAIR, "--set", "space=acme"]).await;
        assert!(missing.code == Some(2) && missing.stderr.contains("--set phone=…"), "{missing:?}");
    }
    let link = there.run(&["setup", PAIR, "--web"]).await;
    assert_eq!(link.code, Some(0), "{link:?}");
    assert_eq!(reqwest::get(link.stdout.trim()).await.unwrap().status(), 200);
    // Who may do less may not do this.
    let less = elsewhere(&twinwire, "operate").await.run(&all).await;
    assert!(less.code == Some(1) && less.stderr.contains("scope admin"), "{less:?}");
}

#[tokio::test]
async fn what_is_not_asked_for_is_answered_with_what_is() {
    let stack = Stack::start().await;
    let (client, shown) = Client::begin(&stack, json!({ "pair": PAIR })).await;
    assert_eq!(shown["step"], "ask");
    let (status, answer) = client.says(&json!({ "continue": true })).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().ends_with("this set-up asks for `phone`"), "{answer}");
    let (status, answer) = ask(&stack, "GET", "/v1/setup/stp_nobody", None, "admin").await;
    assert_eq!(status, 404);
    assert!(answer["error"].as_str().unwrap().contains("begin a new one"), "{answer}");
}

/// The program at a terminal.
struct Terminal {
    master: File,
    child: Child,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts it elsewhere, with a token.
    async fn start(twinwire: &Installation, arguments: &[String]) -> Self {
        let made = twinwire.program.run(&["tokens", "create", "person", "--scope", "admin"]).await;
        let pty = openpty(None, None).unwrap();
        let server = twinwire.server.as_ref().unwrap().address;
        let child = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(twinwire.folder.path())
            .env_clear()
            .env("HOME", twinwire.folder.path())
            .env("TERM", "xterm")
            .env("TWINWIRE_URL", format!("http://{server}"))
            .env("TWINWIRE_TOKEN", made.stdout.trim())
            .stdin(pty.slave.try_clone().unwrap())
            .stdout(pty.slave.try_clone().unwrap())
            .stderr(pty.slave)
            .spawn()
            .unwrap();
        let (master, shown) = (File::from(pty.master), Arc::new(Mutex::new(String::new())));
        let (mut from, into) = (master.try_clone().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { master, child, shown }
    }

    /// Waits until a text is shown.
    async fn shows(&self, text: &str) -> String {
        eventually(&format!("the terminal shows {text}"), || async {
            let shown = self.shown.lock().unwrap().clone();
            shown.contains(text).then_some(shown)
        })
        .await
    }

    fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether it echoes what is typed, line by line, as a shell expects.
    fn is_plain(&self) -> bool {
        let flags = tcgetattr(&self.master).unwrap().local_flags;
        flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// Waits for its end; gives the exit code.
    async fn ended(&mut self) -> Option<i32> {
        let status = eventually("the command ends", || {
            let ended = self.child.try_wait().unwrap();
            async move { ended }
        });
        status.await.code()
    }
}

#[tokio::test]
async fn a_person_elsewhere_is_asked_the_same_and_sees_the_channel_connected() {
    let twinwire = running().await;
    let arguments: Vec<String> = arguments(&[]).into_iter().filter(|one| one != "--json").collect();
    let mut terminal = Terminal::start(&twinwire, &arguments).await;
    terminal.shows("Set it from here").await;
    terminal.types("\r");
    let shown = terminal.shows("Waiting for Front to connect the channel").await;
    let key = shown.split_whitespace().find(|word| word.starts_with("sk_")).unwrap().to_owned();
    twinwire.front.connect(&key).await.unwrap();
    terminal.shows("Front has connected the channel chn_").await;
    assert_eq!(terminal.ended().await, Some(0));
    assert!(twinwire.signalwire.webhook(SUPPORT).unwrap().contains("/inbound"));
}

#[tokio::test]
async fn being_told_to_stop_at_a_prompt_leaves_the_terminal_as_it_was() {
    let twinwire = running().await;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        sqlx::query("delete from admin_tokens").execute(&twinwire.pool).await.unwrap();
        let mut terminal = Terminal::start(&twinwire, &["setup".to_owned(), PAIR.to_owned()]).await;
        terminal.shows("phone").await;
        eventually("the prompt reads keys", || async { (!terminal.is_plain()).then_some(()) }).await;
        kill(Pid::from_raw(terminal.child.id().cast_signed()), signal).unwrap();
        assert_eq!(terminal.ended().await, Some(1));
        assert!(terminal.is_plain(), "{signal}");
        terminal.shows("twinwire setup --resume stp_").await;
    }
    // What was begun is there, and its question as well.
    assert_eq!(twinwire.count("select count(*) from setups").await, 2);
}
