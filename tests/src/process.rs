//! The real program as a process of its own: started, told to stop, killed, started again.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a command may take, or a server until it listens. Generous: machines are shared.
const PATIENCE: Duration = Duration::from_secs(240);

/// The program, with the environment and the folder that it runs in.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    env: BTreeMap<String, OsString>,
    user: Option<(u32, u32)>,
}

impl Program {
    /// With nothing in its environment but `PATH` and `HOME`, so that no setting of the machine gets into a test.
    pub fn new(path: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        let kept = ["PATH", "HOME"];
        let env =
            kept.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect();
        Self { path: path.into(), folder: folder.into(), env, user: None }
    }

    /// The same with a variable set.
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The same without a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// The same run in another folder.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// The same from another copy of the program.
    pub fn run_from(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The same run as another user.
    pub fn as_user(mut self, uid: u32, gid: u32) -> Self {
        self.user = Some((uid, gid));
        self
    }

    /// Its environment.
    pub fn variables(&self) -> &BTreeMap<String, OsString> {
        &self.env
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it cannot be started, or does not end.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        Running::start(self, arguments).ended().await
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self, arguments)
    }

    /// Starts `serve` and waits until it accepts requests.
    ///
    /// # Panics
    /// When it ends before, with what it said.
    pub async fn serve(&self) -> Serving {
        self.serve_by(&["serve"]).await
    }

    /// Starts a command that serves, and waits until it accepts requests.
    ///
    /// # Panics
    /// When it ends before, with what it said.
    pub async fn serve_by(&self, arguments: &[&str]) -> Serving {
        let running = Running::start_on(self, arguments, Stdio::piped());
        let listening = async {
            loop {
                let said = running.stdout();
                if let Some((_, rest)) = said.split_once("twinwire listening on http://")
                    && let Some((address, _)) = rest.split_once('\n')
                {
                    return address.parse().unwrap();
                }
                assert!(!running.has_ended(), "serve ended: {}", running.stderr());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let address = timeout(PATIENCE, listening).await.unwrap();
        Serving { address, running }
    }
}

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
}

impl Ran {
    /// The one value that it printed.
    ///
    /// # Panics
    /// When it failed, or printed anything else.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A running command.
pub struct Running {
    child: Child,
    /// A worker of a chaos run ends when this is closed; waiting for the child would do that.
    _stdin: Option<ChildStdin>,
    pid: i32,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        Self::start_on(program, arguments, Stdio::null())
    }

    fn start_on(program: &Program, arguments: &[&str], stdin: Stdio) -> Self {
        let mut command = Command::new(&program.path);
        command.args(arguments).env_clear().envs(&program.env).current_dir(&program.folder);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some((uid, gid)) = program.user {
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            read(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            read(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        let pid = child.id().unwrap().cast_signed();
        let stdin = child.stdin.take();
        Self { child, _stdin: stdin, pid, stdout, stderr, readers }
    }

    /// What it printed so far.
    ///
    /// # Panics
    /// Never, but for a panic elsewhere.
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// What it said so far.
    ///
    /// # Panics
    /// Never, but for a panic elsewhere.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(mut self) -> Ran {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status: ExitStatus =
            status.unwrap_or_else(|_| panic!("it does not end: {}", self.stderr())).unwrap();
        for reader in self.readers.drain(..) {
            // A process that it left behind may hold the pipe.
            timeout(Duration::from_secs(2), reader).await.ok();
        }
        Ran { code: status.code(), signal: status.signal(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it is gone already.
    pub async fn kill(self) -> Ran {
        self.signal(Signal::SIGKILL);
        self.ended().await
    }

    fn has_ended(&self) -> bool {
        self.readers.iter().all(JoinHandle::is_finished)
    }
}

fn read(from: impl AsyncRead + Unpin + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut text = into.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    })
}

/// A running server.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub running: Running,
}

impl Serving {
    /// `kill -9`.
    pub async fn kill(self) -> Ran {
        self.running.kill().await
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(self) -> Ran {
        self.running.signal(Signal::SIGTERM);
        self.running.ended().await
    }

    /// Waits until it dies by itself, at its crash point.
    ///
    /// # Panics
    /// When it ends otherwise.
    pub async fn dies(self) -> Ran {
        let ran = self.running.ended().await;
        assert_eq!(ran.signal, Some(Signal::SIGABRT as i32), "{ran:?}");
        ran
    }
}

/// A free address of this machine, with a port that no outgoing connection is given: a killed server must get it again.
///
/// # Panics
/// When there is none.
pub fn lasting_address() -> SocketAddr {
    // Given once in this process: a test whose server is down for a moment must find its port again.
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    // Not even for a moment is one tried that a test has.
    let free =
        |port: &u16| GIVEN.lock().unwrap().insert(*port) && TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = std::iter::repeat_with(|| rand::random_range(20_000..32_000)).take(1_000).find(free).unwrap();
    ([127, 0, 0, 1], port).into()
}
