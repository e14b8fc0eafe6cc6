//! Asks for the regular jobs, once for all processes: a tick is claimed in the database.

use super::{count_hours, queue, read_list, retain, work};
use crate::{Engine, Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_store::backfills::{self, Kind};
use twinwire_store::jobs;
use twinwire_store::tx;

/// How often the traffic of the last hours is counted.
const MINUTELY: Duration = Duration::from_secs(60);
/// How often retention runs, and the deeper backfill of each account.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a deeper reading of each account makes up for what a minute's poll cannot see.
const HOURLY: Duration = Duration::from_secs(60 * 60);
/// A reading that nobody has touched for that long may have lost its job.
const STALE: TimeDelta = TimeDelta::minutes(2);

/// Runs until `shutdown`.
pub async fn run(engine: Engine, shutdown: CancellationToken) {
    loop {
        if let Err(error) = once(&engine).await {
            tracing::warn!(%error, "the schedule could not be kept");
        }
        // Looks more often than it polls, so that the ticks of several processes do not have to fall together.
        let look = (engine.poll_interval() / 4).clamp(Duration::from_millis(250), Duration::from_secs(5));
        if shutdown.run_until_cancelled(tokio::time::sleep(look)).await.is_none() {
            return;
        }
    }
}

async fn once(engine: &Engine) -> Result<()> {
    let now = engine.now();
    let mut tx = tx::begin(engine.pool()).await?;
    if claim(&mut tx, "poll", engine.poll_interval()).await? {
        ask(&mut tx, Kind::Poll, now).await?;
        for (id, kind) in backfills::stale(&mut *tx, now - STALE).await? {
            read_list::push_if_lost(&mut tx, id, kind).await?;
        }
        for id in jobs::stale(&mut *tx, now - STALE).await? {
            work::push_if_lost(&mut tx, id).await?;
        }
    }
    if claim(&mut tx, "incremental", HOURLY).await? {
        ask(&mut tx, Kind::Incremental, now).await?;
    }
    if claim(&mut tx, count_hours::KIND, MINUTELY).await? {
        count_hours::push(&mut tx).await?;
    }
    if claim(&mut tx, "retain", DAILY).await? {
        retain::request(&mut tx, engine, "schedule").await?;
    }
    Ok(tx.commit().await?)
}

async fn ask(conn: &mut sqlx::PgConnection, kind: Kind, now: DateTime<Utc>) -> Result<()> {
    for account in backfills::due(&mut *conn, kind, now).await? {
        let (id, new) = backfills::request(conn, account, None, kind, "schedule").await?;
        if new {
            read_list::push(conn, id, kind).await?;
        }
    }
    Ok(())
}

async fn claim(conn: &mut sqlx::PgConnection, name: &str, period: Duration) -> Result<bool> {
    queue::claim_tick(conn, name, period).await.map_err(|error| Error::Jobs(error.to_string()))
}
