//! The life of a worker, and of a job in it.

use super::wake::Notifications;
use super::{Again, Error, Job, JobFailed, MAX_ATTEMPTS, Queue};
use apalis::prelude::{
    AbortError, Attempt, BoxDynError, PollWith, TaskId, WorkerBuilder, WorkerBuilderExt, WorkerContext,
};
use apalis_postgres::{Config, PostgresStorage};
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// How often a worker says that it lives. It also looks for due work then, should a notification have been
/// lost.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A worker silent for this many heartbeats is taken for dead.
const MISSED_HEARTBEATS: usize = 3;
/// Wait before the second, third, fourth and fifth attempt.
const RETRY_AFTER: [Duration; MAX_ATTEMPTS - 1] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];
/// A job handed out this often brings its process down each time. apalis itself would hand it out for ever.
const MAX_DELIVERIES: usize = 25;
/// For each queue: one connection listens, one fetches and acknowledges, one is for the heartbeat and for retries.
const CONNECTIONS: u32 = 3;
/// Pause before a worker starts again after it lost the database.
const RESTART_PAUSE: Duration = Duration::from_secs(2);

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
    let mut life: u32 = 0;
    while !shutdown.is_cancelled() {
        life = life.wrapping_add(1);
        // A new name each time, for the reason given above.
        let name = format!("{worker_name}-{life}");
        // Connections of its own: if the heartbeat had to queue behind a busy pool, living jobs would look dead.
        let own = pool.options().clone().min_connections(0).max_connections(CONNECTIONS);
        let own = own.connect_lazy_with(pool.connect_options().as_ref().clone());
        let outcome = work(&own, queue, &name, concurrency, &shutdown, handler.clone()).await;
        // They go with it: a transaction that apalis gave up while it began would stand open in one (twinwire_store::tx says
        // why), and what is released below would wait for it, or be written inside of it.
        own.close().await;
        if let Err(error) = release(&pool, &name).await {
            tracing::warn!(%error, worker = name, "could not release the worker's jobs");
        }
        if let Err(error) = outcome {
            tracing::warn!(%error, worker = name, "job worker stopped; a new one starts shortly");
        }
        shutdown.run_until_cancelled(sleep(RESTART_PAUSE)).await;
    }
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

/// Hands back what an ended worker still holds, so that nobody has to wait until it counts as dead, and says that it does
/// not live any more.
async fn release(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update apalis.jobs set status = 'Pending', lock_by = null, lock_at = null
         where lock_by = $1 and status in ('Queued', 'Running')",
    )
    .bind(name)
    .execute(pool)
    .await?;
    let gone = sqlx::query("update apalis.workers set last_seen = now() - interval '1 minute' where id = $1");
    gone.bind(name).execute(pool).await?;
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
