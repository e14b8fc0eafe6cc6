//! A running Twinwire: HTTP, convergence, jobs and schedule over one engine, or a part of them.

use crate::stop::{Held, Stop};
use crate::{Failure, output};
use axum::Router;
use axum::extract::Request;
use ipnet::IpNet;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tower::ServiceExt;
use twinwire_api::{App, Refusals, metrics_router, router, worker_router};
use twinwire_engine::{Engine, converge, jobs, outgoing, statistics, verification};

/// How long calls in flight may take to end when the server stops: a little longer than a call's own limit.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often what was measured is folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// What a process does. Processes of one installation share a database; there may be several of each role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    #[default]
    All,
    /// HTTP: webhooks in, files out, admin. Calls no vendor.
    Api,
    /// Calls the vendors: messages, polls, jobs. Of HTTP only health and metrics.
    Worker,
}

impl Role {
    /// Its word, in options and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    fn routes(self, app: App) -> Router {
        if self == Self::Worker { worker_router(app) } else { router(app) }
    }

    fn works(self) -> bool {
        self != Self::Api
    }
}

/// A server that runs until it is stopped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The engine.
    pub engine: Engine,
    role: Role,
    app: App,
    routes: Arc<RwLock<Router>>,
    loops: Loops,
}

/// What goes on in the background until the end. What ends or breaks before is a server that looks well and does not work:
/// its process is to end, so that whoever watches it starts it again.
#[derive(Clone, Default)]
struct Loops {
    shutdown: CancellationToken,
    tasks: TaskTracker,
    broken: CancellationToken,
}

impl Loops {
    /// Starts one. `name` is for the log.
    fn start(&self, name: &'static str, run: impl Future<Output = ()> + Send + 'static) {
        let (shutdown, broken) = (self.shutdown.clone(), self.broken.clone());
        self.tasks.spawn(async move {
            let ended = AbortOnDropHandle::new(tokio::spawn(run)).await;
            if let Err(error) = &ended {
                tracing::error!(name, %error, "a part of the server broke");
            } else if !shutdown.is_cancelled() {
                tracing::error!(name, "a part of the server ended by itself");
            }
            if ended.is_err() || !shutdown.is_cancelled() {
                broken.cancel();
            }
        });
    }

    /// Ends all of them. False when they take too long.
    async fn stop(&self) -> bool {
        self.shutdown.cancel();
        self.tasks.close();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.is_ok()
    }
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
        Self::start_as(Role::All, engine, listener, admin_token)
    }

    /// Starts what the role asks for. Requests are taken when it returns.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start_as(
        role: Role,
        engine: Engine,
        listener: TcpListener,
        admin_token: Option<SecretString>,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let loops = Loops::default();
        let shutdown = &loops.shutdown;
        let refusals = Arc::new(Refusals::default());
        let app = App {
            engine: engine.clone(),
            refusals: refusals.clone(),
            admin_token,
            started: Instant::now(),
            status: Arc::default(),
            guesses: Arc::default(),
            live: Arc::default(),
            stop: shutdown.clone(),
        };
        engine.metrics().is(role.word());
        let routes = Arc::new(RwLock::new(role.routes(app.clone())));
        let (web, counted) = (serve(listener, changeable(&routes), shutdown), engine.clone());
        loops.start("web server", async move {
            web.await;
            verification::flush(&counted).await;
        });
        loops.start("upkeep of metrics", upkeep(engine.clone(), shutdown.clone()));
        let (counted, stop) = (engine.clone(), shutdown.clone());
        loops.start("counts of refusals", async move { refusals.run(counted, stop).await });
        loops.start("counts of unverified webhooks", verification::run(engine.clone(), shutdown.clone()));
        loops.start("statistics", statistics::run(engine.clone(), shutdown.clone()));
        if role.works() {
            work(&engine, &loops);
            loops.start("schedule", jobs::schedule::run(engine.clone(), shutdown.clone()));
        }
        Ok(Self { address, engine, role, app, routes, loops })
    }

    /// Shows metrics on an address of their own, to whoever reaches it.
    pub fn show_metrics(&self, listener: TcpListener) {
        let routes = metrics_router(self.app.clone());
        self.loops.start("metrics", serve(listener, routes, &self.loops.shutdown));
    }

    /// Comes back when a part of it has ended or broken that should go on until [`Self::stop`]. The log says which.
    pub async fn broke(&self) {
        self.loops.broken.cancelled().await;
    }

    /// Takes another admin token, or none. Requests that are being answered keep the one they came with.
    pub fn admit(&self, admin_token: Option<SecretString>) {
        let routes = self.role.routes(App { admin_token, ..self.app.clone() });
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
        // Who looks at the dashboard asks anew, and is let in or not.
        self.app.live.end_all();
    }

    /// Believes these proxies when they say for whom they ask.
    pub fn trust(&self, proxies: Vec<IpNet>) {
        self.app.guesses.trust(proxies);
    }

    /// Ends: no new requests, calls in flight are finished, leases given back.
    pub async fn stop(self) {
        if !self.loops.stop().await {
            tracing::warn!(
                "something did not end in time; what it was doing will be looked up at the next start"
            );
        }
        self.engine.close().await;
    }
}

/// Answers requests until `shutdown`.
fn serve(
    listener: TcpListener,
    routes: Router,
    shutdown: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let stop = shutdown.clone().cancelled_owned();
    async move {
        // Requests know who made them: wrong tokens are counted by address.
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the web server stopped");
        }
    }
}

/// Routes that each request takes as they are at that moment.
fn changeable(routes: &Arc<RwLock<Router>>) -> Router {
    let routes = routes.clone();
    Router::new().fallback(move |request: Request| {
        let now = routes.read().unwrap_or_else(PoisonError::into_inner).clone();
        async move { now.oneshot(request).await }
    })
}

/// Folds what was measured, now and then until `shutdown`.
async fn upkeep(engine: Engine, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        engine.metrics().upkeep();
    }
}

/// Workers without a web server: for commands that see a piece of work through by themselves.
pub struct Workers {
    loops: Loops,
}

impl Workers {
    /// Starts them. Beside a running server they share the work: leases keep them apart.
    ///
    /// # Errors
    /// When the store of files cannot be used by this user.
    pub fn start(engine: &Engine) -> Result<Self, Failure> {
        engine.media().open().map_err(|error| Failure::Usage(error.to_string()))?;
        let workers = Self { loops: Loops::default() };
        work(engine, &workers.loops);
        Ok(workers)
    }

    /// Ends them: calls in flight are finished, leases given back.
    pub async fn stop(self) {
        if !self.loops.stop().await {
            output::complain("warning: something did not end in time; what it was doing is looked up later");
        }
    }
}

/// Sees a piece of work through. Whether or not a server runs: what it does not do, workers of this process do, where it has
/// an engine. A stop ends them in order, so that no call is left of which nobody knows what came of it.
pub(crate) async fn helped<T>(
    engine: Option<&Engine>,
    seen: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(engine) = engine else { return seen.await };
    let (_held, mut stop) = (Held::new(), Stop::listen()?);
    let workers = Workers::start(engine)?;
    let seen = tokio::select! {
        seen = seen => seen,
        () = stop.asked() => {
            output::complain("stopping: calls in flight are finished first");
            Err(Failure::Failed(anyhow::anyhow!("stopped before the end; what was asked for stays asked for")))
        }
    };
    workers.stop().await;
    seen
}

fn work(engine: &Engine, loops: &Loops) {
    let shutdown = &loops.shutdown;
    loops.start("messages", converge::run(engine.clone(), shutdown.clone()));
    loops.start("outgoing events", outgoing::run(engine.clone(), shutdown.clone()));
    let (engine, shutdown) = (engine.clone(), shutdown.clone());
    loops.start("jobs", async move {
        if let Err(error) = jobs::run(engine, shutdown).await {
            tracing::error!(%error, "jobs stopped");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_or_panics_breaks_the_server_and_one_that_is_stopped_does_not() {
        let loops = Loops::default();
        let stop = loops.shutdown.clone();
        loops.start("well", async move { stop.cancelled().await });
        assert!(loops.stop().await && !loops.broken.is_cancelled());
        let loops = Loops::default();
        loops.start("ends", async {});
        loops.broken.cancelled().await;
        let loops = Loops::default();
        let stop = loops.shutdown.clone();
        loops.start("panics", async move {
            stop.cancelled().await;
            panic!("on purpose");
        });
        assert!(loops.stop().await && loops.broken.is_cancelled(), "a panic is told even at the end");
    }
}
