//! Starting, adopting and stopping the server, together with the other processes that use it.

use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::connection::Connection;
use crate::context::Context;
use crate::hold::Hold;
use crate::probe::{self, Wait};
use crate::process::Spawned;
use crate::{Error, Options, find, initdb, process, run};

/// How long a server may take until it answers.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// A running private Postgres. It stops when its last user calls [`Server::stop`] or drops it.
pub struct Server {
    url: String,
    pid: i32,
    adopted: bool,
    options: Options,
    hold: Option<Hold>,
}

impl Server {
    /// The address of the database: `postgres://twinwire:<password>@127.0.0.1:<port>/twinwire`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's process number, as it was at the start.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the server was already running.
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// Lets the server end by SIGKILL of its first process, or by an immediate shutdown, and starts it again on the same
    /// port after `down`. What the operating system has taken is not lost by that, as it might be in a power cut. For a proof of what uses it: whoever else does loses its connections, too.
    ///
    /// # Errors
    /// When it does not come up again where it was.
    pub async fn crash(&mut self, how: Crash, down: Duration) -> Result<(), Error> {
        let Some(hold) = self.hold.take() else { return Ok(()) };
        let (options, url) = (self.options.clone(), self.url.clone());
        let work = move || {
            let mut hold = hold;
            let pid = crash_and_start(&mut hold, &options, how, down, &url);
            (hold, pid)
        };
        let (hold, pid) = tokio::task::spawn_blocking(work).await.map_err(Error::Task)?;
        self.hold = Some(hold);
        self.pid = pid?;
        Ok(())
    }

    /// Gives the server back; the last user stops it and waits for its end.
    pub async fn stop(mut self) -> Result<(), Error> {
        let Some(hold) = self.hold.take() else { return Ok(()) };
        tokio::task::spawn_blocking(move || hold.release()).await.map_err(Error::Task)?
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.hold.take().map(|hold| hold.release()) {
            tracing::debug!(%error, "Postgres was not stopped");
        }
    }
}

impl Debug for Server {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // Without the address, for it has the password.
        formatter.debug_struct("Server").field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// A server that answers.
struct Running {
    connection: Connection,
    pid: i32,
    adopted: bool,
}

/// Joins the server that runs, or starts it.
pub(crate) fn start(options: &Options, context: &Context) -> Result<Server, Error> {
    let mut hold = Hold::new(Cluster::open(&options.data_dir)?)?;
    let guard = hold.lock(context)?;
    let alone = hold.join()?;
    let running = bring_up(options, &hold.cluster, alone, context);
    let running = running.inspect_err(|error| {
        // A server in recovery goes on; the next start finds it ready.
        let goes_on = matches!(error, Error::NotReady { state: GOES_ON, .. });
        if let Err(error) = hold.leave(!goes_on) {
            tracing::debug!(%error, "Postgres was not stopped");
        }
    })?;
    drop(guard);
    hold.pid = Some(running.pid);
    let (url, pid, adopted) = (running.connection.url(), running.pid, running.adopted);
    tracing::debug!(pid, adopted, "Postgres is ready");
    Ok(Server { url, pid, adopted, options: options.clone(), hold: Some(hold) })
}

/// How a server is made to end without a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// SIGKILL of the server's first process.
    Kill,
    /// SIGQUIT: all of its processes end at once, without a checkpoint.
    Immediate,
}

fn crash_and_start(
    hold: &mut Hold,
    options: &Options,
    how: Crash,
    down: Duration,
    url: &str,
) -> Result<i32, Error> {
    let context = Context::new(options.notify);
    let guard = hold.lock(&context)?;
    process::crash(&hold.cluster, how)?;
    std::thread::sleep(down);
    // An outgoing connection of any process may have the port for a moment; its users know no other.
    let deadline = Instant::now() + READY_LIMIT;
    while !Connection::read(&hold.cluster)?.is_port_free() && Instant::now() < deadline {
        context.pause(20)?;
    }
    let running = bring_up(options, &hold.cluster, true, &context)?;
    drop(guard);
    hold.pid = Some(running.pid);
    if running.connection.url() != url {
        return Err(not_ready(&hold.cluster, process::log_size(&hold.cluster), MOVED));
    }
    Ok(running.pid)
}

const MOVED: &str = "came up on another port than before";

fn bring_up(options: &Options, cluster: &Cluster, alone: bool, context: &Context) -> Result<Running, Error> {
    let running = match adopt(cluster, alone, context)? {
        Some(running) => running,
        // The users of a server that was killed may go on, but not those of one that we cannot see.
        None if !alone && !Connection::read(cluster).is_ok_and(|connection| connection.is_here()) => {
            return Err(Error::UsedElsewhere(cluster.data()));
        }
        None => launch(options, cluster, context)?,
    };
    // Also after adopting: its first user may have crashed before this.
    probe::ensure_database(&running.connection, context)?;
    Ok(running)
}

/// A server that a crashed or living Twinwire process started. Only a real connection proves it.
fn adopt(cluster: &Cluster, alone: bool, context: &Context) -> Result<Option<Running>, Error> {
    let Some(pid) = process::postmaster(cluster) else { return Ok(None) };
    let connection = Connection::read(cluster)?;
    let size = process::log_size(cluster);
    let alive = || process::is_postmaster(pid, &cluster.data());
    match probe::wait(cluster, &connection, alive, Instant::now() + READY_LIMIT, context)? {
        Wait::Ready => Ok(Some(Running { connection, pid, adopted: true })),
        Wait::Gone => Ok(None),
        Wait::Refusing => Err(not_ready(cluster, size, GOES_ON)),
        Wait::Silent if !alone => Err(not_ready(cluster, size, SILENT)),
        // Nobody uses it, and nobody could.
        Wait::Silent => process::stop(cluster, Some(pid)).map(|()| None),
    }
}

const GOES_ON: &str = "has been refusing connections for 60 seconds: it recovers from a crash, or has none left; \
                       it goes on, so try again later";
const SILENT: &str = "did not answer within 60 seconds";

fn launch(options: &Options, cluster: &Cluster, context: &Context) -> Result<Running, Error> {
    cluster.sweep()?;
    let needed = cluster.version()?;
    let bin = find::programs(options, cluster, needed, context)?;
    let mut connection = match needed {
        Some(_) => Connection::read(cluster)?,
        None => initdb::initialise(cluster, &bin, context)?,
    };
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        connection = connection.for_start(cluster)?;
        let size = process::log_size(cluster);
        let Spawned { pid, ended } = process::spawn(cluster, &bin, connection.port)?;
        let alive = || !ended.load(Ordering::Acquire);
        match probe::wait(cluster, &connection, alive, deadline, context)? {
            Wait::Ready => return Ok(Running { connection, pid, adopted: false }),
            Wait::Gone if Instant::now() < deadline && passes(&process::log_since(cluster, size)) => {
                context.pause(200)?;
            }
            Wait::Gone => return Err(not_ready(cluster, size, "ended while starting")),
            Wait::Refusing => return Err(not_ready(cluster, size, GOES_ON)),
            Wait::Silent => return Err(not_ready(cluster, size, SILENT)),
        }
    }
}

/// Reasons for an end at the start that pass: a port taken in between, or backends of a killed server that
/// have not noticed yet.
fn passes(log: &str) -> bool {
    ["could not create any TCP/IP sockets", "could not bind", "shared memory block"]
        .iter()
        .any(|reason| log.contains(reason))
}

fn not_ready(cluster: &Cluster, size: u64, state: &'static str) -> Error {
    let log: PathBuf = cluster.log();
    let tail = run::tail(&process::log_since(cluster, size), 15);
    Error::NotReady { state, log, tail }
}
