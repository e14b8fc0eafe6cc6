//! A database of its own for every test, on one real Postgres that the test run starts itself.

use chrono::Utc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, Executor, PgConnection};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex as StdMutex, Weak};
use tempfile::TempDir;
use tokio::sync::Mutex;
use twinwire_cli::database::connectors;
use twinwire_engine::jobs::queue;
use twinwire_store::{migrate, pool};

/// The server that running tests share; it stops with the last of them.
static SHARED: Mutex<Weak<Shared>> = Mutex::const_new(Weak::new());

struct Shared {
    server: StdMutex<Option<twinwire_postgres::Server>>,
    // Removed only after the server has stopped: fields are dropped in order.
    dir: TempDir,
}

impl Shared {
    async fn start() -> Self {
        let dir = world_readable_dir();
        let server = start(&dir).await;
        Self { server: StdMutex::new(Some(server)), dir }
    }

    fn look<T>(&self, look: impl FnOnce(&twinwire_postgres::Server) -> T) -> T {
        look(self.server.lock().unwrap().as_ref().unwrap())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.server.lock().unwrap().take());
    }
}

/// A database of one test, dropped with it.
pub struct TestDatabase {
    /// Its address.
    pub url: String,
    shared: Arc<Shared>,
}

impl TestDatabase {
    /// Makes a database with the whole schema.
    ///
    /// # Panics
    /// When Postgres cannot be started.
    pub async fn new() -> Self {
        let shared = shared().await;
        let name = format!("t_{:016x}", rand_name());
        let admin = shared.look(|server| server.url().to_owned());
        let mut conn = PgConnection::connect(&admin).await.unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("create database {name} template template_twinwire")))
            .await
            .unwrap();
        let url = admin.rsplit_once('/').map(|(server, _)| format!("{server}/{name}")).unwrap();
        Self { url, shared }
    }

    /// Makes a database on a server of its own, which the test may kill.
    ///
    /// # Panics
    /// When Postgres cannot be started.
    pub async fn own() -> Self {
        let shared = Arc::new(Shared::start().await);
        let url = shared.look(|server| server.url().to_owned());
        prepare(&url).await;
        Self { url, shared }
    }

    /// The process of the server, for tests that need to know it.
    pub fn server_pid(&self) -> i32 {
        self.shared.look(twinwire_postgres::Server::pid)
    }

    /// Kills the server with `kill -9`. Only for a database of its own.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn kill(&self) {
        kill(Pid::from_raw(self.server_pid()), Signal::SIGKILL).unwrap();
    }

    /// Starts the server again after it was killed, at the same address.
    ///
    /// # Panics
    /// When it does not start, or its port is taken by now.
    pub async fn restart(&self) {
        let killed = self.shared.server.lock().unwrap().take().unwrap();
        killed.stop().await.unwrap();
        let server = start(&self.shared.dir).await;
        assert_eq!(server.url(), self.url, "the server came back elsewhere");
        *self.shared.server.lock().unwrap() = Some(server);
    }
}

async fn start(dir: &TempDir) -> twinwire_postgres::Server {
    let options = twinwire_postgres::Options {
        cache_dir: Some(std::env::temp_dir().join("twinwire-postgres-dist")),
        ..twinwire_postgres::Options::new(dir.path())
    };
    twinwire_postgres::start(options).await.unwrap()
}

async fn shared() -> Arc<Shared> {
    let mut known = SHARED.lock().await;
    if let Some(shared) = known.upgrade() {
        return shared;
    }
    let shared = Arc::new(Shared::start().await);
    template(&shared.look(|server| server.url().to_owned())).await;
    *known = Arc::downgrade(&shared);
    shared
}

/// The schema is made once; every test's database is a copy.
async fn template(admin: &str) {
    let mut conn = PgConnection::connect(admin).await.unwrap();
    conn.execute("create database template_twinwire").await.unwrap();
    let url = admin.rsplit_once('/').map(|(server, _)| format!("{server}/template_twinwire")).unwrap();
    prepare(&url).await;
}

async fn prepare(url: &str) {
    let pool = pool::connect(url, 2).await.unwrap();
    migrate::run(&pool, &connectors().published(), Utc::now()).await.unwrap();
    queue::setup(&pool).await.unwrap();
    pool.close().await;
}

/// A folder that the user whom Postgres runs as can enter.
///
/// # Panics
/// When it cannot be made.
pub(crate) fn world_readable_dir() -> TempDir {
    let dir = tempfile::Builder::new().prefix("twinwire-tests-").tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn rand_name() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now())
}
