//! Without `DATABASE_URL` the program runs a Postgres of its own, for as many commands as there are at once, and takes
//! it down with the last of them.

use crate::PROGRAM;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use twinwire_sandbox::{Front, SignalWire};
use twinwire_tests::installation::{doubles, folder, key, postgres_pid, settings, setup_arguments};
use twinwire_tests::process::{Program, Ran};
use twinwire_tests::{CUSTOMER, eventually};

/// A data directory, and the program on it.
struct Own {
    program: Program,
    front: Front,
    _signalwire: SignalWire,
    data: PathBuf,
    _folder: TempDir,
}

impl Own {
    async fn new() -> Self {
        let (front, signalwire) = doubles().await;
        let folder = folder();
        let data = folder.path().join("data");
        let program = settings(Program::new(PROGRAM, folder.path()), &front, &signalwire)
            .with("TWINWIRE_LISTEN", "127.0.0.1:0")
            .with("TWINWIRE_DATA_DIR", &data);
        Self { program, front, _signalwire: signalwire, data, _folder: folder }
    }

    async fn setup(&self) -> Ran {
        let arguments = setup_arguments();
        self.program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// The server's process, if it runs.
    fn postgres(&self) -> Option<i32> {
        postgres_pid(&self.data).filter(|pid| alive(*pid))
    }
}

impl Drop for Own {
    /// A test that fails leaves no Postgres behind.
    fn drop(&mut self) {
        if let Some(pid) = self.postgres() {
            kill(Pid::from_raw(pid), Signal::SIGQUIT).ok();
        }
    }
}

/// Whether the process is there and not just waiting to be collected.
fn alive(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test]
async fn a_server_and_many_commands_share_it_and_it_stops_with_the_server() {
    let own = Own::new().await;
    let server = own.program.serve().await;
    let postgres = own.postgres().unwrap();
    let (made, listed, asked, migrated) = tokio::join!(
        own.setup(),
        own.program.run(&["channels", "--json"]),
        own.program.run(&["sql", "select 1 as one", "--json"]),
        own.program.run(&["migrate", "--json"]),
    );
    let made = made.json();
    assert!(
        made["webhook_urls"]["inbound"].as_str().unwrap().starts_with(&format!("http://{}/", server.address))
    );
    assert!(listed.json().is_array());
    assert_eq!((asked.json(), migrated.json()), (json!([{ "one": 1 }]), json!({ "applied": 0 })));
    assert_eq!(own.postgres(), Some(postgres));
    let ran = server.stop().await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!alive(postgres));
    let listed = own.program.run(&["channels", "--json"]).await.json();
    assert_eq!(listed[0]["channel"], made["channel"]);
    assert_eq!(own.postgres(), None);
}

#[tokio::test]
async fn a_command_adopts_it_after_a_kill_and_takes_it_down() {
    let own = Own::new().await;
    let server = own.program.serve().await;
    let made = own.setup().await.json();
    own.front.set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", server.address));
    let channel = own.front.connect(made["api_key"].as_str().unwrap()).await.unwrap().id;
    let sent = own.front.agent_writes(&channel, &[CUSTOMER], "Hello").await.unwrap();
    assert_eq!(sent.answer.status, Some(200));
    let postgres = own.postgres().unwrap();
    server.kill().await;
    assert!(alive(postgres));
    let rows = own.program.run(&["sql", "select body from messages", "--json"]).await.json();
    assert_eq!(rows, json!([{ "body": "Hello" }]));
    assert!(!alive(postgres));
    // And once more from the beginning.
    let server = own.program.serve().await;
    assert_ne!(own.postgres().unwrap(), postgres);
    assert_eq!(server.stop().await.code, Some(0));
    assert_eq!(own.postgres(), None);
}

#[tokio::test]
async fn the_key_is_kept_beside_it_for_its_owner_only() {
    let own = Own::new().await;
    own.setup().await.json();
    let file = own.data.join("secret.key");
    let (text, meta) = (fs::read_to_string(&file).unwrap(), fs::metadata(&file).unwrap());
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    own.setup().await.json();
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let strays = fs::read_dir(&own.data).unwrap().flatten().map(|entry| entry.file_name());
    let strays: Vec<_> = strays.filter(|name| name.to_string_lossy().starts_with(".secret")).collect();
    assert!(strays.is_empty(), "{strays:?}");
    fs::write(&file, key(9)).unwrap();
    let ran = own.program.run(&["channels"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("sealed with another key"), "{ran:?}");
    assert_eq!(own.postgres(), None);
    fs::write(&file, text).unwrap();
    assert_eq!(own.program.run(&["channels", "--json"]).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_commands_on_a_new_folder_make_one_database_and_one_key() {
    let own = Own::new().await;
    let (one, two) = tokio::join!(own.setup(), own.setup());
    let (one, two) = (one.json(), two.json());
    assert_eq!(one["channel"], two["channel"]);
    assert_eq!(own.postgres(), None);
}

#[tokio::test]
async fn a_stop_at_any_moment_of_the_start_leaves_no_postgres_behind() {
    let own = Own::new().await;
    // What a shell runs in the background is born deaf to SIGINT, until it listens for it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let deaf = ignored.is_some_and(|ignored| ignored & 1 << (Signal::SIGINT as i32 - 1) != 0);
    let interrupt = if deaf { Signal::SIGTERM } else { Signal::SIGINT };
    for (wait, signal) in
        [(50, interrupt), (400, Signal::SIGTERM), (900, interrupt), (1_500, Signal::SIGTERM)]
    {
        let server = own.program.start(&["serve"]);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        server.signal(signal);
        let ran = server.ended().await;
        // Before the program listens, a signal ends it as it ends any other.
        let at_once = ran.signal == Some(signal as i32) && ran.stderr.is_empty();
        assert!(ran.code == Some(0) || at_once, "{wait}: {ran:?}");
        // On a busy machine it takes a moment to go.
        eventually("no Postgres is left", || async { own.postgres().is_none().then_some(()) }).await;
    }
    let arguments = setup_arguments();
    let setup = own.program.start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    eventually("Postgres is started", || async { own.postgres() }).await;
    setup.signal(Signal::SIGTERM);
    let ran = setup.ended().await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    eventually("no Postgres is left", || async { own.postgres().is_none().then_some(()) }).await;
    assert_eq!(own.program.run(&["migrate"]).await.code, Some(0));
    let query = own.program.start(&["sql", "select pg_sleep(60)"]);
    eventually("Postgres runs", || async { own.postgres() }).await;
    let began = Instant::now();
    query.signal(Signal::SIGINT);
    let ran = query.ended().await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(own.postgres(), None);
}

#[tokio::test]
async fn an_ordinary_user_runs_it_too() {
    let mut own = Own::new().await;
    if geteuid().is_root() {
        let Some(user) = User::from_name("daemon").unwrap() else { return };
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        let home = own.data.parent().unwrap().join("home");
        fs::create_dir(&home).unwrap();
        // The folder of the build may be closed to that user.
        let program = home.join("twinwire");
        // By a process of its own: a program that this one has open for writing cannot be run, and whatever else is
        // started at that moment has it open as well.
        assert!(std::process::Command::new("cp").arg(PROGRAM).arg(&program).status().unwrap().success());
        chown(&home, Some(uid), Some(gid)).unwrap();
        own.data = home.join("data");
        own.program = own.program.clone().run_from(&program).in_folder(&home).as_user(uid, gid);
        own.program = own.program.clone().with("HOME", &home).with("TWINWIRE_DATA_DIR", &own.data);
    }
    let made = own.setup().await.json();
    let server = own.program.serve().await;
    assert_eq!(own.program.run(&["channels", "--json"]).await.json()[0]["channel"], made["channel"]);
    let user = fs::metadata(&own.data).unwrap().uid();
    let postgres = own.postgres().unwrap();
    assert_eq!(fs::metadata(format!("/proc/{postgres}")).unwrap().uid(), user);
    assert_eq!(server.stop().await.code, Some(0));
    assert!(!alive(postgres));
}

#[tokio::test]
async fn a_postgres_that_is_not_where_it_was_said_to_be_is_told() {
    let own = Own::new().await;
    let program = own.program.clone().with("TWINWIRE_POSTGRES_BIN", "/nowhere/bin");
    let ran = program.run(&["migrate"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/bin"), "{ran:?}");
}

#[tokio::test]
async fn a_command_that_only_looks_makes_no_database_and_says_where_it_looked() {
    let own = Own::new().await;
    for command in [
        &["channels"][..],
        &["doctor"],
        &["status"],
        &["messages", "list"],
        &["why", "msg_1"],
        &["sql", "select 1"],
        &["db", "url"],
        &["tokens", "create", "ci", "--scope", "read"],
        &["setup", "key", "show", "chn_1"],
    ] {
        let ran = own.program.run(command).await;
        assert_eq!(ran.code, Some(1), "{command:?}: {ran:?}");
        let said = [ran.stdout, ran.stderr].join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [own.data.to_str().unwrap(), "`twinwire serve`", "TWINWIRE_DATA_DIR", "DATABASE_URL"] {
            assert!(said.contains(part), "{command:?} does not name {part}: {said}");
        }
        assert!(!own.data.exists(), "{command:?}");
    }
    assert_eq!(own.program.run(&["migrate"]).await.code, Some(0));
    assert_eq!(own.program.run(&["channels", "--json"]).await.json(), json!([]));
    // What lies there and is no database is not passed over.
    fs::rename(own.data.join("postgres/data"), own.data.join("postgres/away")).unwrap();
    fs::create_dir(own.data.join("postgres/data")).unwrap();
    fs::write(own.data.join("postgres/data/stray"), "").unwrap();
    let ran = own.program.run(&["channels"]).await;
    assert!(ran.code == Some(1) && ran.stderr.contains("not a Postgres cluster"), "{ran:?}");
}
