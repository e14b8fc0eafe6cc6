//! The queues of coarse background jobs: polls, backfills, retention. apalis keeps them in Postgres.
//!
//! Delivery is at least once. A job whose process died is given to another worker some fifteen seconds later,
//! so handlers are idempotent and guard their work with rows of their own.

use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{
    AbortError, Attempt, BoxDynError, PollSnapshot, PollStrategy, PollWith, StreamStrategy, TaskBuilder,
    TaskId, WorkerBuilder, WorkerBuilderExt, WorkerContext, WorkerError,
};
use apalis_postgres::{Config, PostgresStorage, Pubsub, queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Acquire, PgConnection, PgPool};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// The queues: jobs that take hours have one of their own, or a few of them would hold up all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Jobs that are soon done: polls, retention.
    Short,
    /// Jobs that may take hours: backfills.
    Long,
}

impl Queue {
    const ALL: [Self; 2] = [Self::Short, Self::Long];

    /// The queue's name in apalis' tables.
    fn name(self) -> &'static str {
        match self {
            Self::Short => "twinwire",
            Self::Long => "twinwire-backfill",
        }
    }
}

/// How often a worker says that it lives. It also looks for due work then, should a notification have been
/// lost.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A worker silent for this many heartbeats is taken for dead.
const MISSED_HEARTBEATS: usize = 3;
/// How often a job may fail before it stays failed.
const MAX_ATTEMPTS: usize = 5;
/// Wait before the second, third, fourth and fifth attempt.
const RETRY_AFTER: [Duration; MAX_ATTEMPTS - 1] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];
/// A job handed out this often brings its process down each time. apalis itself would hand it out for ever.
const MAX_DELIVERIES: usize = 25;
/// For each queue: one connection listens, one fetches and acknowledges, one is for the heartbeat and for retries.
const CONNECTIONS: u32 = 3;
/// Pause before a worker starts again after it lost the database.
const RESTART_PAUSE: Duration = Duration::from_secs(2);
/// Any fixed number: processes that set up the queue at the same time wait for each other on it.
const SETUP_LOCK: i64 = 0x7477_6a6f_6273;

/// A job's payload as stored.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which kind of job: it picks the handler.
    pub kind: String,
    /// The row it is about, in the table that belongs to the kind.
    pub id: i64,
}

/// Why a handler did not finish its job.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct JobFailed {
    message: String,
    again: Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Never,
    Later,
    After(Duration),
}

impl JobFailed {
    /// A failure that may pass: the job is tried again later, five times in all.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), again: Again::Later }
    }

    /// A failure that will not pass: the job is not tried again.
    pub fn for_good(message: impl Into<String>) -> Self {
        Self { message: message.into(), again: Again::Never }
    }

    /// Not a failure: the time has not come. The job is tried again after `wait`, five times in all.
    pub fn not_yet(message: impl Into<String>, wait: Duration) -> Self {
        Self { message: message.into(), again: Again::After(wait) }
    }
}

/// What can go wrong with the queue itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An extension is neither there nor can it be created.
    #[error(
        "the job queue needs the Postgres extension {name} and could not create it ({source}); install \
         Postgres' contrib extensions, or let a superuser run in this database: create extension {name}"
    )]
    Extension {
        /// The extension's name.
        name: &'static str,
        /// What Postgres answered.
        source: sqlx::Error,
    },
    /// The queue's tables could not be created or brought up to date.
    #[error(
        "could not set up the job queue's tables ({0}); that needs the right to create schemas in this \
         database and functions in its schema public"
    )]
    Setup(#[from] sqlx::migrate::MigrateError),
    /// A worker was started in a database without the queue's tables.
    #[error("the job queue's tables are missing: run the set-up first")]
    NotSetUp,
    /// Postgres did not answer, or not as expected.
    #[error("job queue: {0}")]
    Database(#[from] sqlx::Error),
    /// A job could not be stored.
    #[error("job queue: {0}")]
    Queue(#[from] apalis_postgres::Error),
    /// A job's payload could not be written as JSON.
    #[error("job payload: {0}")]
    Payload(#[from] serde_json::Error),
    /// The worker stopped on its own.
    #[error("job worker: {0}")]
    Worker(#[from] WorkerError),
}

/// Creates the queue's tables, or brings them up to date. Safe on every start, and in several processes at
/// once.
pub async fn setup(pool: &PgPool) -> Result<(), Error> {
    let mut conn = pool.acquire().await?;
    // A failed migration leaves a session lock of sqlx behind. It goes with the connection.
    conn.close_on_drop();
    let mut tx = conn.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(SETUP_LOCK).execute(&mut *tx).await?;
    // apalis' migrations create both as well, but their error names neither the extension nor the remedy.
    create_extension(&mut tx, "hstore", "create extension if not exists hstore").await?;
    create_extension(&mut tx, "pgcrypto", "create extension if not exists pgcrypto").await?;
    PostgresStorage::migrations().run(&mut *tx).await?;
    sqlx::query(
        "create table if not exists apalis.twinwire_ticks
         (name text primary key, ran_at timestamptz not null)",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn create_extension(
    conn: &mut PgConnection,
    name: &'static str,
    sql: &'static str,
) -> Result<(), Error> {
    sqlx::query(sql).execute(conn).await.map_err(|source| Error::Extension { name, source })?;
    Ok(())
}

/// Adds a job inside the caller's transaction. It can run from the commit on, and goes with a rollback.
pub async fn push(conn: &mut PgConnection, queue: Queue, job: &Job) -> Result<(), Error> {
    // Workers are only notified of a job that is due at the time its transaction began, by the database's
    // clock. apalis would take this machine's time of now, which is later: the job would wait for the next
    // heartbeat.
    let due: i64 =
        sqlx::query_scalar("select floor(extract(epoch from now()))::bigint").fetch_one(&mut *conn).await?;
    let task = TaskBuilder::new(serde_json::to_vec(job)?)
        .max_attempts(MAX_ATTEMPTS)
        .run_at_timestamp(due.unsigned_abs())
        .build();
    queries::push_tasks(conn, queue.name(), vec![task]).await?;
    Ok(())
}

/// Whether a job is in the queue: it waits, runs, or has failed and is to be tried again.
pub async fn holds(conn: &mut PgConnection, queue: Queue, job: &Job) -> Result<bool, Error> {
    let holds = sqlx::query_scalar(
        "select exists (
            select from apalis.jobs where job_type = $1 and job = $2
            and (status in ('Pending', 'Queued', 'Running') or (status = 'Failed' and attempts < max_attempts)))",
    )
    .bind(queue.name())
    .bind(serde_json::to_vec(job)?)
    .fetch_one(conn)
    .await?;
    Ok(holds)
}

/// Claims the tick `name`: true at most once in each `period`, whichever process asks. Periods are counted
/// from the epoch by the database's clock. The claim belongs to the caller's transaction, as do the jobs
/// pushed in it.
pub async fn claim_tick(conn: &mut PgConnection, name: &str, period: Duration) -> Result<bool, Error> {
    let claimed = sqlx::query(
        "insert into apalis.twinwire_ticks as t (name, ran_at) values ($1, now())
         on conflict (name) do update set ran_at = excluded.ran_at
         where floor(extract(epoch from t.ran_at)::float8 / $2)
             < floor(extract(epoch from excluded.ran_at)::float8 / $2)",
    )
    .bind(name)
    .bind(period.as_secs_f64().max(1.0))
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Removes jobs that ended more than `older_than_days` ago, and the rows of workers that are long dead.
/// Returns the number of jobs removed.
pub async fn clean(pool: &PgPool, older_than_days: i32) -> Result<u64, Error> {
    let queues = Queue::ALL.map(Queue::name);
    let jobs = sqlx::query(
        "delete from apalis.jobs where job_type = any($1) and done_at < now() - make_interval(days => $2)
         and (status in ('Done', 'Killed') or (status = 'Failed' and attempts >= max_attempts))",
    )
    .bind(&queues[..])
    .bind(older_than_days)
    .execute(pool)
    .await?;
    // A job keeps the name of its worker, so a worker's row goes with the last of its jobs.
    sqlx::query(
        "delete from apalis.workers w where w.worker_type = any($1) and w.last_seen < now() - interval '1 hour'
         and not exists (select from apalis.jobs j where j.lock_by = w.id)",
    )
    .bind(&queues[..])
    .execute(pool)
    .await?;
    Ok(jobs.rows_affected())
}

/// Runs the jobs of a queue, up to `concurrency` at a time, until `shutdown`; then finishes those that run and returns.
///
/// `worker_name` must be new at each start of a process, and another one for each queue: to apalis, a job runs as
/// long as its worker's name lives. Dropping the future aborts the running jobs, which another worker then takes over.
pub async fn run<H, Fut>(
    pool: PgPool,
    queue: Queue,
    worker_name: String,
    concurrency: usize,
    shutdown: CancellationToken,
    handler: H,
) -> Result<(), Error>
where
    H: Fn(Job) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), JobFailed>> + Send + 'static,
{
    let ready: bool =
        sqlx::query_scalar("select to_regclass('apalis.jobs') is not null").fetch_one(&pool).await?;
    if !ready {
        return Err(Error::NotSetUp);
    }
    // Connections of its own: if the heartbeat had to queue behind a busy pool, living jobs would look dead.
    let own = pool.options().clone().min_connections(0).max_connections(CONNECTIONS);
    let own = own.connect_lazy_with(pool.connect_options().as_ref().clone());
    let mut life: u32 = 0;
    while !shutdown.is_cancelled() {
        life = life.wrapping_add(1);
        // A new name each time, for the reason given above.
        let name = format!("{worker_name}-{life}");
        let outcome = work(&own, queue, &name, concurrency, &shutdown, handler.clone()).await;
        if let Err(error) = release(&own, &name).await {
            tracing::warn!(%error, worker = name, "could not release the worker's jobs");
        }
        if let Err(error) = outcome {
            tracing::warn!(%error, worker = name, "job worker stopped; a new one starts shortly");
        }
        shutdown.run_until_cancelled(sleep(RESTART_PAUSE)).await;
    }
    own.close().await;
    Ok(())
}

/// One life of a worker: until `shutdown`, or until it loses the database.
async fn work<H, Fut>(
    pool: &PgPool,
    queue: Queue,
    name: &str,
    concurrency: usize,
    shutdown: &CancellationToken,
    handler: H,
) -> Result<(), Error>
where
    H: Fn(Job) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), JobFailed>> + Send + 'static,
{
    // Any JSON: a payload that the backend itself cannot read would end the worker, and every one after it.
    let storage = PostgresStorage::<Value>::new(pool).with_config(settings(queue));
    let context = WorkerContext::new(name);
    let jobs_pool = pool.clone();
    let worker = WorkerBuilder::new(&context)
        .backend(PollWith::new(storage, Notifications::new(pool, queue)))
        .concurrency(concurrency.max(1))
        .build(move |payload: Value, attempt: Attempt, id: TaskId| {
            perform(jobs_pool.clone(), handler.clone(), payload, attempt.current(), id)
        });
    let mut running = std::pin::pin!(worker.run());
    tokio::select! {
        // The first poll starts the worker: one that has not started cannot be stopped.
        biased;
        ended = &mut running => return Ok(ended?),
        () = shutdown.cancelled() => context.stop()?,
    }
    tokio::select! {
        ended = &mut running => Ok(ended?),
        () = keep_alive(pool, name) => Ok(()),
    }
}

fn settings(queue: Queue) -> Config {
    // One job at a time: apalis' worker sends no heartbeat while it holds more jobs than it may run.
    Config::default()
        .queue(queue.name())
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
}

/// Sends heartbeats until it is dropped. apalis sends none once it was told to stop, and a long last job
/// would be given to another worker.
async fn keep_alive(pool: &PgPool, name: &str) {
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let update = sqlx::query("update apalis.workers set last_seen = now() where id = $1").bind(name);
        if let Err(error) = update.execute(pool).await {
            tracing::warn!(%error, worker = name, "heartbeat failed");
        }
    }
}

/// Hands back what an ended worker still holds, so that nobody has to wait until it counts as dead.
async fn release(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update apalis.jobs set status = 'Pending', lock_by = null, lock_at = null
         where lock_by = $1 and status in ('Queued', 'Running')",
    )
    .bind(name)
    .execute(pool)
    .await?;
    Ok(())
}

/// Runs one job in a task of its own: apalis polls all jobs and the heartbeat in a single task, where one
/// busy job would hold up everything. A panic ends only that task.
async fn perform<H, Fut>(
    pool: PgPool,
    handler: H,
    payload: Value,
    attempt: usize,
    id: TaskId,
) -> Result<(), BoxDynError>
where
    H: Fn(Job) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), JobFailed>> + Send,
{
    let job: Job = serde_json::from_value(payload).map_err(AbortError::new)?;
    // At the highest level, or a log of warnings alone would not say which job they are about.
    let span = tracing::error_span!("job", kind = job.kind, id = job.id, attempt);
    if attempt > MAX_DELIVERIES {
        span.in_scope(|| tracing::error!("given up: its worker died or was killed too often"));
        return Err(AbortError::new(format!("given up after {MAX_DELIVERIES} deliveries")).into());
    }
    let task = tokio::spawn(async move { handler(job).await }.instrument(span.clone()));
    let failed = match AbortOnDropHandle::new(task).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failed)) => failed,
        Err(panicked) => JobFailed::new(panicked.to_string()),
    };
    let wait = match failed.again {
        Again::After(wait) => {
            span.in_scope(|| tracing::info!(why = %failed, "job waits"));
            Some(wait)
        }
        Again::Later | Again::Never => {
            span.in_scope(|| tracing::warn!(error = %failed, "job failed"));
            attempt.checked_sub(1).and_then(|index| RETRY_AFTER.get(index).copied())
        }
    };
    if failed.again == Again::Never {
        return Err(AbortError::new(failed).into());
    }
    if let Some(wait) = wait {
        postpone(&pool, &id, wait).await?;
    }
    Err(failed.into())
}

/// apalis tries a failed job again at once, unless its row says that it is not due yet.
async fn postpone(pool: &PgPool, id: &TaskId, wait: Duration) -> Result<(), sqlx::Error> {
    sqlx::query("update apalis.jobs set run_at = now() + make_interval(secs => $2) where id = $1")
        .bind(id.to_string())
        .bind(wait.as_secs_f64())
        .execute(pool)
        .await?;
    Ok(())
}

/// Wakes the worker when a job is added. apalis' own wiring loses the wake-up if the notification comes while
/// the queue is being read, and never listens again once the connection fails.
struct Notifications {
    pool: PgPool,
    queue: Queue,
    listener: Option<StreamStrategy<Pubsub>>,
}

impl Notifications {
    fn new(pool: &PgPool, queue: Queue) -> Self {
        Self { pool: pool.clone(), queue, listener: None }
    }
}

impl PollStrategy for Notifications {
    fn poll_drive(&mut self, cx: &mut Context<'_>, snapshot: &PollSnapshot) -> Poll<Option<()>> {
        let (pool, queue) = (&self.pool, self.queue);
        let listener = self
            .listener
            .get_or_insert_with(|| StreamStrategy::new(Pubsub::new(pool.clone(), queue.name().to_owned())));
        let polled = listener.poll_drive(cx, snapshot);
        match polled {
            // Read the queue once more after the read that may be under way.
            Poll::Ready(Some(())) => cx.waker().wake_by_ref(),
            // The listener is lost. A new one is made at the next wake-up, at the latest at the next
            // heartbeat.
            Poll::Ready(None) => self.listener = None,
            Poll::Pending => {}
        }
        polled
    }
}
