//! The queues of coarse background jobs: polls, backfills, retention. apalis keeps them in Postgres.
//!
//! * this file — setting up, pushing, ticks, cleaning;
//! * `worker` — the life of a worker, and of a job in it;
//! * `wake` — waking a worker when a job is added.
//!
//! Delivery is at least once. A job whose process died is given to another worker some fifteen seconds later,
//! so handlers are idempotent and guard their work with rows of their own.

mod wake;
mod worker;

use apalis::prelude::{TaskBuilder, WorkerError};
use apalis_postgres::{PostgresStorage, queries};
use serde::{Deserialize, Serialize};
use sqlx::{Acquire, PgConnection, PgPool};
use std::time::Duration;

pub use worker::run;

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

/// How often a job may fail before it stays failed.
const MAX_ATTEMPTS: usize = 5;
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
    /// Another process holds the lock of the set-up.
    #[error(transparent)]
    Locked(#[from] twinwire_store::Error),
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
    sqlx::query("set local lock_timeout = '60s'").execute(&mut *tx).await?;
    let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(SETUP_LOCK).execute(&mut *tx).await;
    lock.map_err(|error| twinwire_store::lock::held(error, "the job queue"))?;
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
    // Whether a job is there is asked of every account each minute, and the queue keeps what is done for a day.
    sqlx::query(
        "create index if not exists twinwire_open_jobs on apalis.jobs (job_type, job)
         where status in ('Pending', 'Queued', 'Running', 'Failed')",
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
            and status in ('Pending', 'Queued', 'Running', 'Failed')
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

/// How many processes run the jobs of this database at this moment. A worker says every five seconds that it lives.
pub async fn alive(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "select count(*) from apalis.workers where worker_type = $1 and last_seen > now() - interval '20 seconds'",
    )
    .bind(Queue::Short.name())
    .fetch_one(pool)
    .await
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
