//! What can go wrong, said so that the reader knows what to do next.

use std::path::{Path, PathBuf};

/// Why the private Postgres could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither the machine nor a fetch gave a usable Postgres.
    #[error(
        "no usable Postgres on this machine{}\nInstall one (`apt-get install postgresql` or \
         `brew install postgresql`), or set DATABASE_URL to a Postgres you run yourself.",
        list(reasons)
    )]
    NotFound {
        /// Each place that was tried, and why it did not do.
        reasons: Vec<String>,
    },
    /// The folder given by the user is not a usable Postgres.
    #[error(
        "the Postgres folder {} cannot be used: {reason}\nSet TWINWIRE_POSTGRES_BIN to a folder that holds \
         `postgres` and `initdb`, or leave it unset.",
        path.display()
    )]
    BinDir {
        /// The folder as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data was written by another major version than the one found.
    #[error(
        "the data in {} belongs to Postgres {needed}, which was not found{}\nInstall Postgres {needed}, or set \
         TWINWIRE_POSTGRES_BIN to the folder with its programs.",
        data.display(),
        list(reasons)
    )]
    WrongVersion {
        /// The folder with the data.
        data: PathBuf,
        /// The major version that can read it.
        needed: u32,
        /// Each place that was tried, and why it did not do.
        reasons: Vec<String>,
    },
    /// Postgres refuses root, and the user it would run as cannot get to a folder.
    #[error(
        "Postgres does not run as root, and user {user} cannot get into {}\nSet TWINWIRE_DATA_DIR to a folder such \
         as /var/lib/twinwire, or let others through with `chmod o+x {}`.",
        folder.display(),
        folder.display()
    )]
    Unreachable {
        /// The folder that blocks the way.
        folder: PathBuf,
        /// The user Postgres would run as.
        user: String,
    },
    /// The data belongs to another user of the machine.
    #[error(
        "the data in {} belongs to user id {owner}, and this process runs as {}\nRun Twinwire as that user, or set \
         TWINWIRE_DATA_DIR to a folder of your own.",
        data.display(),
        nix::unistd::geteuid()
    )]
    NotOwner {
        /// The folder with the data.
        data: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The data folder has content, but is no Postgres cluster.
    #[error(
        "{} is not empty and not a Postgres cluster (no PG_VERSION)\nIf a disk should be mounted there, mount it. \
         Otherwise move the folder away and start again.",
        .0.display()
    )]
    NotACluster(PathBuf),
    /// The port and password of the cluster are gone or do not fit.
    #[error(
        "{} {reason}\nRestore that file from a backup, or move the whole folder {} away to begin with an empty \
         database.",
        path.display(),
        folder(path).display()
    )]
    Connection {
        /// The file `connection.json`.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A program of Postgres failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The last lines it wrote.
        output: String,
    },
    /// The server did not accept connections in time.
    #[error("Postgres {state}. The last lines of {}:\n{tail}", log.display())]
    NotReady {
        /// What it did instead, and what to do.
        state: &'static str,
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Processes in another container use the data, so a second server would damage it.
    #[error(
        "Twinwire in another container uses the data in {}\nStop it first, or set DATABASE_URL for both to one \
         Postgres.",
        .0.display()
    )]
    UsedElsewhere(PathBuf),
    /// The server did not stop.
    #[error("Postgres (process {0}) did not stop; end it with `kill -QUIT {0}`")]
    NotStopped(i32),
    /// Another process kept the lock too long.
    #[error("another Twinwire process has been starting or stopping Postgres for too long (it holds {})", .0.display())]
    Busy(PathBuf),
    /// The caller gave up waiting.
    #[error("starting Postgres was cancelled")]
    Cancelled,
    /// A file or a process could not be used.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The database answered with an error.
    #[error("cannot prepare the database `twinwire`: {0}")]
    Database(#[source] sqlx::Error),
    /// The background task failed.
    #[error("the task that starts or stops Postgres failed: {0}")]
    Task(#[source] tokio::task::JoinError),
}

/// Adds the action to an input or output error: `fs::read(p).map_err(io("read", p))`.
pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let action = format!("{action} {}", path.display());
    move |source| Error::Io { action, source }
}

fn list(reasons: &[String]) -> String {
    [&[String::new()], reasons].concat().join("\n  - ")
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
