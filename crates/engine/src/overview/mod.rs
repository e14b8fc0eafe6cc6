//! How the installation does, at a glance: the traffic of the last day, and what somebody should look at.

mod attention;

pub use attention::Attention;

use crate::verification;
use crate::{Engine, Result};
use attention::Facts;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::collections::BTreeMap;
use twinwire_store::hours::{self, Activity, Hour};
use twinwire_store::{accounts, vitals};

/// Hours that are shown, the one that goes on included.
pub const HOURS: i32 = 24;
/// How long a job that failed is news.
const FAILED_JOBS: TimeDelta = TimeDelta::days(7);

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// The last [`HOURS`] hours, oldest first; one that was not counted yet has nothing.
    pub hours: Vec<(DateTime<Utc>, Option<Hour>)>,
    /// When each channel was last alive.
    pub channels: Vec<Activity>,
    /// How many seconds ago the oldest message with something to do was first seen.
    pub oldest_pending: Option<f64>,
    /// What somebody should look at, the most urgent first.
    pub attention: Vec<Attention>,
}

/// When the hour began that goes on, and those before it that are shown; oldest first.
pub(crate) fn shown(now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let this = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    (0..HOURS).rev().map(|back| this - TimeDelta::hours(back.into())).collect()
}

/// Reads it. What it costs goes by the work and the trouble at hand, not by how many messages there are.
pub async fn read(engine: &Engine) -> Result<Overview> {
    let (pool, now) = (engine.pool(), engine.now());
    let shown = shown(now);
    let counted = match shown.first() {
        Some(first) => hours::since(pool, *first).await?,
        None => Vec::new(),
    };
    let mut counted: BTreeMap<_, _> = counted.into_iter().map(|hour| (hour.hour, hour)).collect();
    let vitals = vitals::read(pool, now).await?;
    let facts = Facts {
        uncertain: twinwire_store::attention::uncertain(pool).await?,
        accounts: accounts::shown(pool, None).await?,
        log_only: verification::log_only(engine).await?,
        endpoints: twinwire_store::attention::failing_endpoints(pool).await?,
        jobs: twinwire_store::attention::failed_jobs(pool, now - FAILED_JOBS).await?,
        vitals: &vitals,
    };
    Ok(Overview {
        hours: shown.into_iter().map(|hour| (hour, counted.remove(&hour))).collect(),
        channels: hours::activity(pool).await?,
        oldest_pending: (vitals.pending() > 0).then(|| vitals.oldest_pending()),
        attention: attention::of(&facts, now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_shown_up_to_the_hour_that_goes_on() {
        let now = "2026-11-22T10:59:59.9Z".parse().unwrap();
        let shown = shown(now);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(shown.len(), 24);
        assert_eq!((shown[0], shown[23]), (at("2026-11-21T11:00:00Z"), at("2026-11-22T10:00:00Z")));
    }
}
