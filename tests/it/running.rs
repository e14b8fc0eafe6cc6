//! Running the program: its settings, its logs, what it is told by signals, and what it says of itself.

use crate::PROGRAM;
use nix::sys::signal::{SigSet, Signal};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use twinwire_tests::eventually;
use twinwire_tests::installation::{Installation, folder, key};
use twinwire_tests::process::{Program, Serving};

fn document(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

#[tokio::test]
async fn the_configuration_reference_is_what_the_program_prints() {
    let folder = folder();
    let program = Program::new(PROGRAM, folder.path());
    // A broken file is no reason not to say what may stand in it.
    std::fs::write(folder.path().join("twinwire.toml"), "nonsense").unwrap();
    let ran = program.run(&["settings", "--markdown"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let help = "cargo run -- settings --markdown > docs/CONFIGURATION.md";
    assert_eq!(ran.stdout, document("docs/CONFIGURATION.md"), "renew it: {help}");
    let listed = program.run(&["settings"]).await.stdout;
    for text in ["TWINWIRE_PUBLIC_URL", "TWINWIRE_FRONT_APP_SECRET", "default: 127.0.0.1:8080"] {
        assert!(listed.contains(text), "{text} is not in {listed}");
    }
    assert!(listed.lines().all(|line| line.chars().count() <= 80), "{listed}");
    let json = program.run(&["settings", "--json"]).await.json();
    let secret = json.as_array().unwrap().iter().find(|one| one["name"] == "secret_key").unwrap();
    assert_eq!((secret["secret"].as_bool(), secret["reloads"].as_bool()), (Some(true), Some(false)));
}

#[tokio::test]
async fn secrets_are_read_from_files() {
    let installation = Installation::new(PROGRAM).await;
    let file = |name: &str, text: &str| {
        let path = installation.folder.path().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let program = installation
        .program
        .clone()
        .without("DATABASE_URL")
        .without("TWINWIRE_SECRET_KEY")
        .without("TWINWIRE_FRONT_APP_SECRET")
        .with("DATABASE_URL_FILE", file("database_url", &installation.database.url))
        .with("TWINWIRE_SECRET_KEY_FILE", file("secret_key", &key(7)))
        .with("TWINWIRE_FRONT_APP_SECRET_FILE", file("front", twinwire_tests::SECRET))
        .with("TWINWIRE_ADMIN_TOKEN_FILE", file("admin", "from a file"));
    let server = program.serve().await;
    assert_eq!(metrics(&server, "from a file").await, 200);
    let ran = server.stop().await;
    assert_eq!(ran.code, Some(0));
    assert!(
        !ran.stderr.contains("not a setting") && !ran.stderr.contains("not set: Front"),
        "{}",
        ran.stderr
    );
    let ran = program.clone().with("TWINWIRE_SECRET_KEY", key(7)).run(&["channels"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("TWINWIRE_SECRET_KEY and TWINWIRE_SECRET_KEY_FILE"), "{}", ran.stderr);
    let ran = program.clone().with("TWINWIRE_SECRET_KEY_FILE", "/nowhere").run(&["channels"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("TWINWIRE_SECRET_KEY_FILE") && ran.stderr.contains("/nowhere"),
        "{}",
        ran.stderr
    );
}

async fn metrics(server: &Serving, token: &str) -> u16 {
    let request = reqwest::Client::new().get(format!("http://{}/metrics", server.address)).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_server_takes_changed_settings_while_it_runs_and_says_what_needs_a_restart() {
    let mut installation = Installation::new(PROGRAM).await;
    let file = installation.folder.path().join("twinwire.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write("admin_token = 'first-token'\npoll_interval = '1h'\nlog = 'info'\n");
    installation.program = installation.program.clone().without("TWINWIRE_POLL_INTERVAL");
    installation.start().await;
    installation.connect().await;
    let server = installation.server.as_ref().unwrap();
    assert_eq!((metrics(server, "first-token").await, metrics(server, "renewed-token").await), (200, 401));

    write(
        "admin_token = 'renewed-token'\npoll_interval = '1s'\nlog = 'info,twinwire_api=debug'\nmedia = 'elsewhere'\n",
    );
    server.running.signal(Signal::SIGHUP);
    eventually("the new token is taken", || async {
        (metrics(server, "renewed-token").await == 200).then_some(())
    })
    .await;
    assert_eq!(metrics(server, "first-token").await, 401, "the old one is worth nothing");
    eventually("the account is read every second", || async {
        (installation.count("select count(*) from backfills where kind = 'poll'").await >= 3).then_some(())
    })
    .await;
    eventually("requests are logged", || async {
        server.running.stderr().contains("answered").then_some(())
    })
    .await;
    let said = server.running.stderr();
    let line = |setting: &str| said.lines().find(|line| line.contains(setting)).unwrap_or_default();
    assert!(line("TWINWIRE_MEDIA").contains("needs a restart"), "{said}");
    for setting in ["TWINWIRE_ADMIN_TOKEN", "TWINWIRE_POLL_INTERVAL", "TWINWIRE_LOG"] {
        assert!(line(setting).contains("is taken"), "{setting}: {said}");
    }
    assert!(!said.contains("renewed-token"), "a secret is in the log: {said}");

    write("admin_token = 'third'\npoll_interval = 'never'\n");
    server.running.signal(Signal::SIGHUP);
    eventually("the broken file is told of", || async {
        let said = server.running.stderr();
        (said.contains("everything stays as it was") && said.contains("poll_interval")).then_some(())
    })
    .await;
    assert_eq!((metrics(server, "renewed-token").await, metrics(server, "third").await), (200, 401));
    installation.stop().await;
}

#[tokio::test]
async fn log_lines_are_json_with_the_requests_name_or_text_as_asked() {
    let installation = Installation::new(PROGRAM).await;
    let program = installation.program.clone().with("TWINWIRE_LOG", "info,twinwire_api=debug");
    let server = program.clone().with("TWINWIRE_LOG_FORMAT", "json").serve().await;
    let url = format!("http://{}/v1/hooks/signalwire/nobody/inbound", server.address);
    let request = reqwest::Client::new().post(url).header("x-request-id", "+12025550147");
    let answer = request.send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 16, "a name that a stranger gives is not taken over: {id}");
    let ran = server.stop().await;
    let lines: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        for part in ["timestamp", "level", "target", "message"] {
            assert!(line[part].is_string(), "{part} is not in {line}");
        }
    }
    let of_request = lines.iter().find(|line| line["span"]["request"] == id.as_str()).unwrap();
    assert_eq!(of_request["status"], 404);
    assert_eq!(of_request["route"], "/v1/hooks/{connector}/{channel}/{hook}");
    assert!(!ran.stderr.contains("nobody") && !ran.stderr.contains("5550147"), "{}", ran.stderr);

    let ran = program.clone().with("TWINWIRE_LOG_FORMAT", "text").serve().await.stop().await;
    assert!(ran.stderr.contains(" INFO "), "{}", ran.stderr);
    assert!(serde_json::from_str::<Value>(ran.stderr.lines().next().unwrap()).is_err());
    let ran = program.with("TWINWIRE_LOG_FORMAT", "xml").run(&["channels"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("`log_format` must be text or json"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_server_that_is_not_told_its_address_leaves_the_one_that_others_were_told() {
    let installation = Installation::new(PROGRAM).await;
    let told = installation.program.clone().with("TWINWIRE_PUBLIC_URL", "https://twinwire.example.com");
    assert_eq!(told.serve().await.stop().await.code, Some(0));
    let ran = installation.program.serve().await.stop().await;
    assert!(ran.stderr.contains("the address of an earlier start is taken"), "{}", ran.stderr);
    let installed = installation.setup().await.json();
    let inbound = installed["webhook_urls"]["inbound"].as_str().unwrap();
    assert!(inbound.starts_with("https://twinwire.example.com/"), "{inbound}");
}

#[tokio::test]
async fn a_server_says_what_channels_lack() {
    let installation = Installation::new(PROGRAM).await;
    let bare = installation.program.clone().without("TWINWIRE_FRONT_APP_SECRET");
    let ran = bare.serve().await.stop().await;
    let warned = |ran: &str, setting: &str| {
        ran.lines().any(|line| line.contains("not set: Front channels") && line.contains(setting))
    };
    assert!(warned(&ran.stderr, "TWINWIRE_FRONT_APP_SECRET"), "{}", ran.stderr);
    assert!(!warned(&ran.stderr, "TWINWIRE_FRONT_APP_ID"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_health_check_needs_no_shell_and_no_database() {
    let installation = Installation::new(PROGRAM).await;
    let away = installation.program.clone().with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let ran = away.run(&["healthcheck"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("TWINWIRE_LISTEN"), "{}", ran.stderr);
    let server = installation.program.serve().await;
    assert_eq!(away.run(&["healthcheck"]).await.code, Some(0));
    let everywhere = format!("0.0.0.0:{}", server.address.port());
    assert_eq!(away.with("TWINWIRE_LISTEN", everywhere).run(&["healthcheck"]).await.code, Some(0));
    assert_eq!(server.stop().await.code, Some(0));
}

#[tokio::test]
async fn shells_complete_commands_and_manuals_tell_them_all() {
    let folder = folder();
    let program = Program::new(PROGRAM, folder.path());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = program.run(&["completions", shell]).await;
        assert_eq!(ran.code, Some(0), "{shell}");
        for word in ["twinwire", "backfill", "healthcheck"] {
            assert!(ran.stdout.contains(word), "{shell} does not know {word}");
        }
        assert!(!ran.stdout.contains("chaos-worker"), "{shell} offers what is hidden");
    }
    assert_eq!(program.run(&["completions", "cmd"]).await.code, Some(2));
    let page = program.run(&["man"]).await;
    assert!(page.stdout.contains(".TH twinwire 1") && page.stdout.contains("serve"), "{page:?}");
    let ran = program.run(&["man", "--out", "pages"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let page = std::fs::read_to_string(folder.path().join("pages/twinwire-serve.1")).unwrap();
    assert!(page.contains("\\-\\-role"), "{page}");
    assert!(folder.path().join("pages/twinwire.1").exists());
    let hidden = folder.path().join("pages/twinwire-chaos-worker.1");
    assert!(!hidden.exists(), "what is hidden has no page");
}

/// Put before the program's own calls: whoever lets a signal be heard stands still for a second before the next step, as on
/// a machine that is too busy.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SLOW_TO_HEAR: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int sigaction(int number, const struct sigaction *new, struct sigaction *old) {
    int (*next)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    int done = next(number, new, old);
    if (number == SIGTERM && new != NULL) {
        close(open(getenv("MARK"), O_CREAT | O_WRONLY, 0600));
        struct timespec left = { 1, 0 };
        while (nanosleep(&left, &left) != 0) {}
    }
    return done;
}
"#;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn a_stop_is_heard_at_the_very_moment_at_which_the_server_begins_to_listen_for_it() {
    let installation = Installation::new(PROGRAM).await;
    let at = |name: &str| installation.folder.path().join(name);
    std::fs::write(at("slow.c"), SLOW_TO_HEAR).unwrap();
    let mut compile = std::process::Command::new("cc");
    compile.args(["-shared", "-fPIC", "-o"]).args([at("slow.so"), at("slow.c")]).arg("-ldl");
    assert!(compile.status().unwrap().success());
    let program = installation.program.clone().with("LD_PRELOAD", at("slow.so")).with("MARK", at("mark"));
    let server = program.start(&["serve"]);
    eventually("the server begins to listen", || async { at("mark").exists().then_some(()) }).await;
    server.signal(Signal::SIGTERM);
    // One that has not heard it goes on until the test gives up.
    let ran = server.ended().await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test]
async fn a_stop_is_heard_whatever_the_server_was_started_by() {
    let installation = Installation::new(PROGRAM).await;
    // As a program does that handles signals on a thread of its own: what it starts inherits that.
    let kept = SigSet::from_iter([Signal::SIGTERM]);
    kept.thread_block().unwrap();
    let server = installation.program.start(&["serve"]);
    kept.thread_unblock().unwrap();
    eventually("it listens", || async { server.stdout().contains("listening").then_some(()) }).await;
    server.signal(Signal::SIGTERM);
    let ran = server.ended().await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
