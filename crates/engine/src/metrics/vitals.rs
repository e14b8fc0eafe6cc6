//! How the installation stands, for every process the same.

use super::{names, parked};
use crate::Engine;
use metrics::gauge;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use twinwire_core::model::Side;
use twinwire_store::vitals::{self, Vitals};
use twinwire_store::watched::{self, Watched};

/// How long an answer is shown again: reading metrics must not become work for the database.
const FRESH: Duration = Duration::from_secs(10);
/// The same for an answer that did not come.
const FRESH_FAILURE: Duration = Duration::from_secs(2);
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the database said. What it could not say in time is missing, and it may answer all the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Whether it answers at all.
    up: bool,
    /// How messages, accounts and channels stand.
    vitals: Option<Arc<Vitals>>,
    /// How endpoints and jobs stand.
    watched: Option<Arc<Watched>>,
}

/// When the database was last asked, and what it said.
pub(crate) type Last = Mutex<Option<(Instant, Answer)>>;

/// How the installation stands. One question at a time goes to the database.
pub(super) async fn fresh(engine: &Engine) -> Answer {
    let mut last = engine.metrics().last.lock().await;
    if let Some((at, answer)) = &*last
        && at.elapsed() < if answer.vitals.is_some() { FRESH } else { FRESH_FAILURE }
    {
        return answer.clone();
    }
    let (pool, now) = (engine.pool(), engine.now());
    let up = read("the database", vitals::answers(pool)).await.is_some();
    let answer = if up {
        Answer {
            up,
            vitals: read("messages and accounts", vitals::read(pool, now)).await.map(Arc::new),
            watched: read("endpoints and jobs", watched::read(pool, now)).await.map(Arc::new),
        }
    } else {
        Answer::default()
    };
    *last = Some((Instant::now(), answer.clone()));
    answer
}

/// What is read in time; nothing where it is not, with a line in the log.
async fn read<T>(what: &str, reading: impl Future<Output = twinwire_store::Result<T>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(read)) => Some(read),
        Ok(Err(error)) => {
            tracing::warn!(what, %error, "how the installation stands cannot be read");
            None
        }
        Err(_) => {
            tracing::warn!(what, "how the installation stands cannot be read: the database is too slow");
            None
        }
    }
}

/// Sets the gauges. While the database is away nobody knows: an old number would look like a good one.
pub(super) fn show(engine: &Engine, answer: &Answer) {
    gauge!(names::DATABASE_UP).set(if answer.up { 1.0 } else { 0.0 });
    show_watched(engine, answer.watched.as_deref());
    let vitals = answer.vitals.as_deref();
    let known = |value: fn(&Vitals) -> f64| vitals.map_or(f64::NAN, value);
    gauge!(names::PENDING).set(known(|vitals| count(vitals.pending())));
    gauge!(names::OLDEST_DUE).set(known(Vitals::oldest_due));
    gauge!(names::OLDEST_PENDING).set(known(Vitals::oldest_pending));
    let of = |list: fn(&Vitals) -> &[(String, f64)], word: &str| {
        let found = vitals.map(|vitals| list(vitals).iter().find(|(key, _)| key == word));
        found.map_or(f64::NAN, |found| found.map_or(0.0, |(_, value)| *value))
    };
    for why in super::REASONS.into_iter().filter(|why| parked(*why) != "too_old") {
        gauge!(names::PARKED, "reason" => parked(why)).set(of(|vitals| &vitals.parked, parked(why)));
    }
    for kind in ["poll", "incremental", "full"] {
        gauge!(names::OPEN, "kind" => kind).set(of(|vitals| &vitals.readings, kind));
    }
    for state in ["new", "active", "paused", "deleted"] {
        gauge!(names::CHANNELS, "state" => state).set(of(|vitals| &vitals.channels, state));
    }
    for connector in engine.connectors().0 {
        let name = connector.name();
        gauge!(names::RESTING, "connector" => name).set(of(|vitals| &vitals.resting, name));
        if connector.side() == Side::Provider {
            gauge!(names::POLL_LAG, "connector" => name).set(of(|vitals| &vitals.poll_lag, name));
        }
    }
}

/// Sets the gauges of what is beside the messages: endpoints, jobs, accounts that are log-only.
fn show_watched(engine: &Engine, watched: Option<&Watched>) {
    let of = |list: fn(&Watched) -> &[(String, f64)], word: &str| {
        let found = watched.map(|watched| list(watched).iter().find(|(key, _)| key == word));
        found.map_or(f64::NAN, |found| found.map_or(0.0, |(_, value)| *value))
    };
    for state in ["active", "resting", "paused", "disabled"] {
        gauge!(names::ENDPOINTS, "state" => state).set(of(|watched| &watched.endpoints, state));
    }
    gauge!(names::OLDEST_EVENT).set(watched.map_or(f64::NAN, |watched| watched.oldest_event));
    for kind in ["full", "retain", "erase", "replay"] {
        gauge!(names::JOBS_FAILED, "kind" => kind).set(of(|watched| &watched.failed_jobs, kind));
    }
    for kind in ["incremental", "full", "retain", "erase", "replay"] {
        gauge!(names::JOBS_STUCK, "kind" => kind).set(of(|watched| &watched.stuck_jobs, kind));
    }
    for connector in engine.connectors().0 {
        let name = connector.name();
        gauge!(names::LOG_ONLY, "connector" => name).set(of(|watched| &watched.log_only, name));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
fn count(rows: i64) -> f64 {
    rows as f64
}
