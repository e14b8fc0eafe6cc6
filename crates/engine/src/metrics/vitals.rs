//! How the installation stands, for every process the same.

use super::{names, parked};
use crate::Engine;
use metrics::gauge;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use twinwire_core::model::Side;
use twinwire_store::vitals::{self, Vitals};

/// How long an answer is shown again: reading metrics must not become work for the database.
const FRESH: Duration = Duration::from_secs(10);
/// The same for an answer that did not come.
const FRESH_FAILURE: Duration = Duration::from_secs(2);
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// When the database was last asked, and what it said; nothing while it is away.
pub(crate) type Last = Mutex<Option<(Instant, Option<Arc<Vitals>>)>>;

/// How the installation stands. One question at a time goes to the database.
pub(super) async fn fresh(engine: &Engine) -> Option<Arc<Vitals>> {
    let mut last = engine.metrics().last.lock().await;
    if let Some((at, vitals)) = &*last
        && at.elapsed() < if vitals.is_some() { FRESH } else { FRESH_FAILURE }
    {
        return vitals.clone();
    }
    let read = tokio::time::timeout(PATIENCE, vitals::read(engine.pool(), engine.now())).await;
    let vitals = match read {
        Ok(Ok(vitals)) => Some(Arc::new(vitals)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "how the installation stands cannot be read");
            None
        }
        Err(_) => {
            tracing::warn!("how the installation stands cannot be read: the database is too slow");
            None
        }
    };
    *last = Some((Instant::now(), vitals.clone()));
    vitals
}

/// Sets the gauges. While the database is away nobody knows: an old number would look like a good one.
pub(super) fn show(engine: &Engine, vitals: Option<&Vitals>) {
    gauge!(names::DATABASE_UP).set(if vitals.is_some() { 1.0 } else { 0.0 });
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

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
fn count(rows: i64) -> f64 {
    rows as f64
}
