//! One worker: the real program as a process of its own.

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;
use twinwire_engine::Safeguard;
use twinwire_engine::crash::LAST_WORDS;

/// How long a start may take. Generous: machines are shared.
const PATIENCE: Duration = Duration::from_secs(60);

/// How workers are started.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    /// Where they run and leave their logs.
    pub(super) folder: PathBuf,
    pub(super) env: BTreeMap<String, OsString>,
    pub(super) without: Option<Safeguard>,
}

/// A worker that listens.
pub(super) struct Worker {
    child: Child,
    pid: Pid,
    /// It ends when this is closed: with the run, however that ends.
    _leash: Option<ChildStdin>,
    pub(super) address: SocketAddr,
    /// Its log, and where in it its own begins.
    log: (PathBuf, u64),
}

impl Recipe {
    /// Starts one and waits until it listens. `traps` are variables for it alone.
    pub(super) async fn start(&self, place: usize, traps: &[(&str, String)]) -> anyhow::Result<Worker> {
        let path = self.folder.join(format!("worker-{place}.log"));
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        let begins = log.metadata()?.len();
        let mut command = Command::new(&self.program);
        command.arg("chaos-worker");
        if let Some(safeguard) = self.without {
            command.args(["--without", safeguard.name()]);
        }
        command.env_clear().envs(&self.env).current_dir(&self.folder).kill_on_drop(true);
        command.envs(traps.iter().map(|(name, value)| (*name, value)));
        // A group of its own: Ctrl-C is for the run, which ends its workers itself.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().context("a worker cannot be started")?;
        let pid = Pid::from_raw(child.id().context("a worker ended at once")?.cast_signed());
        // Waiting for the child would close it.
        let leash = child.stdin.take();
        let address = timeout(PATIENCE, listening(&mut child)).await.context("a worker did not start")??;
        Ok(Worker { child, pid, _leash: leash, address, log: (path, begins) })
    }
}

/// Where it listens, once it says so.
async fn listening(child: &mut Child) -> anyhow::Result<SocketAddr> {
    let stdout = child.stdout.take().context("a worker has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix("twinwire listening on http://") {
            return Ok(address.parse()?);
        }
    }
    bail!("a worker ended before it listened")
}

impl Worker {
    /// Its process number.
    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Waits for its end; gives the signal that ended it.
    pub(super) async fn ended(&mut self) -> Option<i32> {
        self.child.wait().await.ok().and_then(|status| status.signal())
    }

    /// `kill -9`, also of one that is stopped.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.ok();
    }

    /// The point at which it died, by its last words. Whatever else ended it, did not say them.
    pub(super) fn died_at(&self) -> Option<String> {
        let (path, begins) = &self.log;
        let log = std::fs::read(path).ok()?;
        let own = String::from_utf8_lossy(log.get(usize::try_from(*begins).ok()?..)?).into_owned();
        own.lines().rev().find_map(|line| line.strip_prefix(LAST_WORDS)).map(str::to_owned)
    }

    pub(super) fn stop(&self) {
        kill(self.pid, Signal::SIGSTOP).ok();
    }

    pub(super) fn go_on(&self) {
        kill(self.pid, Signal::SIGCONT).ok();
    }

    /// Whether it is stopped.
    pub(super) fn is_stopped(&self) -> bool {
        let pid = self.pid.as_raw();
        let state = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            // The name before it stands in brackets, and may hold anything.
            Ok(stat) => stat.rsplit_once(')').map(|(_, rest)| rest.trim().to_owned()),
            Err(_) => std::process::Command::new("ps")
                .args(["-o", "state=", "-p", &pid.to_string()])
                .output()
                .ok()
                .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        };
        state.is_some_and(|state| state.starts_with(['T', 't']))
    }
}
