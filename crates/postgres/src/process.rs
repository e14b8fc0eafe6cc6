//! The server's process: starting it, recognising it, stopping it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Error;
use crate::cluster::Cluster;
use crate::error::io;
use crate::server::Crash;
use crate::user;

/// Beyond this the log is set aside at the next start.
const LARGE_LOG: u64 = 16 << 20;

/// The process of the server that runs on this data, as far as the process table tells.
pub(crate) fn postmaster(cluster: &Cluster) -> Option<i32> {
    noted_pid(cluster).filter(|pid| is_postmaster(*pid, &cluster.data()))
}

/// What `postmaster.pid` says; it may be stale.
fn noted_pid(cluster: &Cluster) -> Option<i32> {
    let text = fs::read_to_string(cluster.data().join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)
}

/// Whether this process is a server on this data. The number alone says little: it may be used again by
/// another process, or belong to a dead one that its parent has not collected.
pub(crate) fn is_postmaster(pid: i32, data: &Path) -> bool {
    let data = data.to_string_lossy();
    if cfg!(target_os = "linux") {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return line.split(|byte| *byte == 0).any(|argument| argument == data.as_bytes());
    }
    let listed = user::command("/bin/ps", None).args(["-o", "command=", "-p", &pid.to_string()]).output();
    listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&*data))
}

/// A server that this process started.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pid: i32,
    /// The process table shows a new process without its arguments for a moment, so this tells its end.
    pub(crate) ended: Arc<AtomicBool>,
}

/// Starts the server, apart from our terminal.
pub(crate) fn spawn(cluster: &Cluster, bin: &Path, port: u16) -> Result<Spawned, Error> {
    let program = bin.join("postgres");
    let log = open_log(cluster)?;
    let errors = log.try_clone().map_err(io("open", &cluster.log()))?;
    let mut command = user::command(&program, cluster.account.as_ref());
    command.arg("-D").arg(cluster.data());
    let port = format!("port={port}");
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=500", &port] {
        command.args(["-c", setting]);
    }
    if let Some(stale) = noted_pid(cluster) {
        // Postgres takes any live process with the noted number for a server. This says that it is not one,
        // as pg_ctl says of its shell; Postgres still checks that no old backend uses the shared memory.
        command.env("PG_GRANDPARENT_PID", stale.to_string());
    }
    // Its own group, so that Ctrl-C in the terminal reaches Twinwire but not the server.
    let child = command.process_group(0).stdout(log).stderr(errors).spawn();
    let mut child = child.map_err(io("start", &program))?;
    let pid = child.id().cast_signed();
    tracing::debug!(pid, port, "started Postgres");
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    // Collects the process when it ends; it would stay in the process table otherwise.
    thread::spawn(move || {
        // Not inside the log line, which is skipped when nobody listens.
        let status = child.wait();
        tracing::debug!(pid, ?status, "Postgres ended");
        end.store(true, Ordering::Release);
    });
    Ok(Spawned { pid, ended })
}

fn open_log(cluster: &Cluster) -> Result<File, Error> {
    let path = cluster.log();
    if log_size(cluster) > LARGE_LOG {
        fs::rename(&path, path.with_extension("log.1")).map_err(io("set aside", &path))?;
    }
    let mut options = OpenOptions::new();
    let log = options.append(true).create(true).mode(0o600).open(&path).map_err(io("open", &path))?;
    cluster.hand_over(&path)?;
    Ok(log)
}

pub(crate) fn log_size(cluster: &Cluster) -> u64 {
    fs::metadata(cluster.log()).map_or(0, |meta| meta.len())
}

/// What the server wrote to its log since it had that size.
pub(crate) fn log_since(cluster: &Cluster, size: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(cluster.log()).and_then(|mut log| {
        // The log was set aside at this start if it is shorter now.
        let size = if log.metadata()?.len() < size { 0 } else { size };
        log.seek(SeekFrom::Start(size))?;
        log.read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        tracing::debug!(%error, "cannot read the log of Postgres");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Ends the server without a warning, and waits until its first process is gone.
pub(crate) fn crash(cluster: &Cluster, how: Crash) -> Result<(), Error> {
    let Some(pid) = postmaster(cluster) else { return Ok(()) };
    let first = if how == Crash::Kill { Signal::SIGKILL } else { Signal::SIGQUIT };
    for signal in [first, Signal::SIGKILL] {
        // It may end by itself in between.
        kill(Pid::from_raw(pid), signal).ok();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if !is_postmaster(pid, &cluster.data()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    Err(Error::NotStopped(pid))
}

/// Stops the server and waits for its end. `known` is its number in case the data folder is gone.
pub(crate) fn stop(cluster: &Cluster, known: Option<i32>) -> Result<(), Error> {
    let known = known.filter(|pid| is_postmaster(*pid, &cluster.data()));
    let Some(pid) = postmaster(cluster).or(known) else { return Ok(()) };
    // What `pg_ctl stop` sends: a fast shutdown, and an immediate one if that hangs.
    for (signal, seconds) in [(Signal::SIGINT, 30), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 5)] {
        match kill(Pid::from_raw(pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => {
                return Err(Error::Io { action: format!("stop Postgres ({pid})"), source: error.into() });
            }
        }
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < deadline {
            if !is_postmaster(pid, &cluster.data()) {
                tracing::debug!(pid, %signal, "stopped Postgres");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    Err(Error::NotStopped(pid))
}
