//! What the tests share: folders, the helper process `examples/hold.rs`, and statements.

#![expect(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, reason = "a helper that fails should end its test")]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use twinwire_postgres::Options;

/// A folder that the Postgres user can pass through.
pub(crate) fn folder() -> TempDir {
    let temp = TempDir::with_prefix("twinwire-pg-").unwrap();
    fs::set_permissions(temp.path(), Permissions::from_mode(0o755)).unwrap();
    temp
}

pub(crate) fn options(temp: &TempDir) -> Options {
    Options::new(temp.path().join("data"))
}

pub(crate) async fn count(url: &str) -> i64 {
    let mut session = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("select count(*) from kept").fetch_one(&mut session).await.unwrap()
}

pub(crate) async fn execute(url: &str, sql: &str) {
    let mut session = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut session).await.unwrap();
}

pub(crate) async fn text(url: &str, sql: &str) -> String {
    let mut session = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut session).await.unwrap()
}

/// Whether the process is there and not just waiting to be collected.
pub(crate) fn alive(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

pub(crate) fn kill(pid: i32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(10);
    while alive(pid) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The built example; cargo puts it next to the tests' own folder.
pub(crate) fn hold_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().with_file_name("examples").join("hold");
    assert!(program.exists(), "first run `cargo build -p twinwire-postgres --examples`");
    program
}

pub(crate) fn hold(data: &Path) -> Command {
    let mut command = Command::new(hold_program());
    command.arg(data);
    command
}

/// A process that holds a server until it is killed or let go.
pub(crate) struct Holder {
    pub(crate) child: Child,
    pub(crate) adopted: bool,
    pub(crate) pid: i32,
    pub(crate) url: String,
}

impl Holder {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [adopted, pid, url] = words[..] else { panic!("the helper did not start: {line}") };
        let (adopted, pid, url) = (adopted == "true", pid.parse().unwrap(), url.to_owned());
        Self { child, adopted, pid, url }
    }

    /// As a crash: nothing of the process can run any more.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn let_go(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}
