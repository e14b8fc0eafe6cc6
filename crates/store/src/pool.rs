//! Connecting to the database.

use crate::Result;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Oldest server that is supported.
pub const OLDEST_SERVER: i32 = 140_000;

/// How long webhooks that are stored together wait for one of their connections. One that waits longer is stored alone, by
/// another.
pub const WEBHOOKS_WAIT: Duration = Duration::from_secs(1);

/// How long a connection is believed to be there after its last use.
const TRUSTED: Duration = Duration::from_millis(100);

/// How long the first connection of webhooks is waited for after its last use. One that does not come back is not there.
const COMES_BACK: Duration = Duration::from_millis(50);

/// After this the database ends the transaction of a process that stands still in the middle of it. Its locks would keep
/// others from the rows, and from taking its channels over.
const STANDSTILL: Duration = Duration::from_secs(5);

/// Connections for what operators ask.
const OPERATORS: u32 = 5;
/// Connections for storing webhooks beside the first one.
const WEBHOOKS: u32 = 2;

/// How long the database may take for one statement of what operators ask.
pub const ASKED_WITHIN: Duration = Duration::from_secs(10);

/// How long what is done together waits for what another transaction holds.
pub const HASTE: Duration = Duration::from_millis(300);

/// How statements are planned that are made again and again: once. Their cost does not hang on what is asked for, and
/// planning the larger ones anew each time would take longer than they do; so would compiling them. All that they ask for
/// has an index, which is right for a large table, whatever is known of its size when it is planned for.
const PLANNED_ONCE: [&str; 3] =
    ["set plan_cache_mode = force_generic_plan", "set jit = off", "set enable_seqscan = off"];

/// By which the database notices within half a minute that the machine at the other end of a connection has vanished
/// without a word. What its sessions held (the guards of jobs) would stay held for two hours, as systems come. Where the
/// connection is no TCP, or the database's system cannot, they do nothing.
const GONE: [&str; 4] = [
    "set tcp_keepalives_idle = 10",
    "set tcp_keepalives_interval = 5",
    "set tcp_keepalives_count = 3",
    "set tcp_user_timeout = 25000",
];

/// Opens a pool. The first connection is made at once, so that a wrong address shows here.
///
/// # Errors
/// When the database cannot be reached within ten seconds.
pub async fn connect(url: &str, size: u32) -> Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("twinwire");
    match pool(size, planned_once()).connect_with(options.clone()).await {
        Ok(pool) => Ok(pool),
        Err(sqlx::Error::PoolTimedOut) => Err(why(&options).await.into()),
        Err(error) => Err(error.into()),
    }
}

/// A small pool to the same database for what operators ask: what they ask may read much, and webhooks and messages must
/// neither wait for it nor go without a connection for its sake. Its connections are made when they are needed.
pub fn for_operators(of: &PgPool) -> PgPool {
    pool(OPERATORS, vec![limit("statement_timeout", ASKED_WITHIN)])
        .connect_lazy_with((*of.connect_options()).clone())
}

/// A few connections of their own for storing webhooks: they need no more, and wait for nobody's work nor long for what
/// somebody holds.
///
/// A pool gives its connections out in turn, and what Postgres keeps for one that has been idle is no longer in the
/// processor's caches: a webhook that came alone took half as long again. So those that come one after the other are all
/// stored by the first.
#[derive(Debug)]
pub struct Webhooks {
    first: PgPool,
    /// Whether nobody has a place at the first.
    free: Semaphore,
    /// When somebody last had one.
    left: Mutex<Option<Instant>>,
    others: PgPool,
}

impl Webhooks {
    /// To the same database. The connections are made when they are needed.
    pub fn beside(of: &PgPool) -> Self {
        let pool = |size| {
            let mut own = planned_once();
            own.push(limit("lock_timeout", HASTE));
            let pool = pool(size, own).acquire_timeout(WEBHOOKS_WAIT);
            pool.connect_lazy_with((*of.connect_options()).clone())
        };
        Self { first: pool(1), free: Semaphore::new(1), left: Mutex::new(None), others: pool(WEBHOOKS) }
    }

    /// The first connection, or the others while somebody has a place at that. A pool takes a connection back by asking it
    /// whether it is well. Whoever is `alone` waits a moment for that answer; among many there is no time to lose.
    pub fn place(&self, alone: bool) -> Place<'_> {
        let is_there = self.first.num_idle() > 0 || self.first.size() == 0;
        let free = self.free.try_acquire().ok().filter(|_| is_there || (alone && self.is_coming_back()));
        Place { all: self, first: free }
    }

    fn is_coming_back(&self) -> bool {
        let left = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.is_some_and(|left| left.elapsed() < COMES_BACK)
    }

    /// Ends all of them.
    pub async fn close(&self) {
        self.first.close().await;
        self.others.close().await;
    }
}

/// Where webhooks are stored.
#[derive(Debug)]
pub struct Place<'a> {
    all: &'a Webhooks,
    first: Option<SemaphorePermit<'a>>,
}

impl Deref for Place<'_> {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        if self.first.is_some() { &self.all.first } else { &self.all.others }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.first.is_some() {
            *self.all.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }
}

fn planned_once() -> Vec<String> {
    PLANNED_ONCE.map(str::to_owned).to_vec()
}

/// The setting of a limit in time.
fn limit(name: &str, time: Duration) -> String {
    format!("set {name} = {}", time.as_millis())
}

/// How a pool's connections are made and looked after, with settings of their own.
fn pool(size: u32, own: Vec<String>) -> PgPoolOptions {
    let mut settings = vec![limit("idle_in_transaction_session_timeout", STANDSTILL)];
    settings.extend(GONE.map(str::to_owned));
    settings.extend(own);
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .after_connect(move |conn, _| {
            let settings = settings.clone();
            Box::pin(async move {
                // One after the other: where one is not known, the error says which.
                for setting in settings {
                    conn.execute(AssertSqlSafe(setting)).await?;
                }
                Ok(())
            })
        })
        .before_acquire(|conn, meta| Box::pin(still_there(conn, meta.idle_for)))
}

/// Asks a connection that has been idle whether it is still there. One that was used just now is not asked: under load
/// that would double the number of round trips.
async fn still_there(conn: &mut PgConnection, idle_for: Duration) -> sqlx::Result<bool> {
    if idle_for >= TRUSTED {
        conn.ping().await?;
    }
    Ok(true)
}

/// What a single connection says, where a pool says only that its time was up.
async fn why(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(Duration::from_secs(2), PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
    }
}

/// The server's version, as 150018 for 15.18.
pub async fn server_version(pool: &PgPool) -> Result<i32> {
    let version: String = sqlx::query_scalar("show server_version_num").fetch_one(pool).await?;
    Ok(version.parse().unwrap_or(0))
}
