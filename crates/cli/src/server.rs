//! A running Twinwire: HTTP, convergence, jobs and schedule over one engine.

use secrecy::SecretString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use twinwire_api::{App, Refusals, router};
use twinwire_engine::{Engine, converge, jobs, outgoing, verification};

/// How long calls in flight may take to end when the server stops: a little longer than a call's own limit.
const PATIENCE: Duration = Duration::from_secs(40);

/// A server that runs until it is stopped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The engine.
    pub engine: Engine,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Starts everything. Requests are taken when it returns.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(
        engine: Engine,
        listener: TcpListener,
        admin_token: Option<SecretString>,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let refusals = Arc::new(Refusals::default());
        let app = App {
            engine: engine.clone(),
            refusals: refusals.clone(),
            admin_token,
            started: Instant::now(),
            status: Arc::default(),
        };
        let (stop, counted) = (shutdown.clone().cancelled_owned(), engine.clone());
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, router(app)).with_graceful_shutdown(stop).await {
                tracing::error!(%error, "the web server stopped");
            }
            verification::flush(&counted).await;
        });
        let (counted, stop) = (engine.clone(), shutdown.clone());
        tasks.spawn(async move { refusals.run(counted, stop).await });
        tasks.spawn(verification::run(engine.clone(), shutdown.clone()));
        work(&engine, &tasks, &shutdown);
        tasks.spawn(jobs::schedule::run(engine.clone(), shutdown.clone()));
        tasks.close();
        Ok(Self { address, engine, shutdown, tasks })
    }

    /// Ends: no new requests, calls in flight are finished, leases given back.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if tokio::time::timeout(PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "something did not end in time; what it was doing will be looked up at the next start"
            );
        }
    }
}

/// Workers without a web server: for commands that see a piece of work through by themselves.
pub struct Workers {
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Workers {
    /// Starts them. Beside a running server they share the work: leases keep them apart.
    pub fn start(engine: &Engine) -> Self {
        let workers = Self { shutdown: CancellationToken::new(), tasks: TaskTracker::new() };
        work(engine, &workers.tasks, &workers.shutdown);
        workers.tasks.close();
        workers
    }

    /// Ends them.
    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.ok();
    }
}

fn work(engine: &Engine, tasks: &TaskTracker, shutdown: &CancellationToken) {
    tasks.spawn(converge::run(engine.clone(), shutdown.clone()));
    tasks.spawn(outgoing::run(engine.clone(), shutdown.clone()));
    let (engine, shutdown) = (engine.clone(), shutdown.clone());
    tasks.spawn(async move {
        if let Err(error) = jobs::run(engine, shutdown).await {
            tracing::error!(%error, "jobs stopped");
        }
    });
}
