//! Waiting for a vendor's limits, before anything is written down about a call: a process that dies here has begun
//! nothing.

use crate::{Engine, Result};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::sync::Mutex;
use twinwire_core::connector::Connector;
use twinwire_core::pace::Pace;
use twinwire_core::setting::Settings;
use twinwire_store::paces;

/// Segments that may go out at once after a quiet time; the provider queues that many without harm.
const SEGMENTS_AT_ONCE: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// How far ahead places in a budget are given. A place that a process took and died with is lost, so they are few.
const AHEAD: Duration = Duration::from_secs(3);

/// The limits of one end of a channel. One process works a channel, so its own are kept here; those that it shares with
/// other channels are kept in the database, for every process.
#[derive(Debug)]
pub(crate) struct Limits {
    pace: Pace,
    segments: Option<DefaultDirectRateLimiter>,
    /// Who waits for segments waits in line: a long text needs many at one moment, and short ones would take them away.
    line: Mutex<()>,
    calls: Option<DefaultDirectRateLimiter>,
    /// So does who waits for a place in a budget that others share: one of a channel asks for all of its own.
    asking: Mutex<()>,
}

/// Limits are the same when they are equally fast.
impl PartialEq for Limits {
    fn eq(&self, other: &Self) -> bool {
        self.pace == other.pace
    }
}

impl Limits {
    /// The limits of a connector under these settings.
    pub(crate) fn of(connector: &dyn Connector, settings: &Settings) -> Self {
        let pace = connector.pace(settings).unwrap_or_else(|error| {
            // Checked when the settings were taken; what was stored before that rule is not a reason to stop.
            tracing::warn!(connector = connector.name(), error, "a limit makes no sense and is left out");
            Pace::default()
        });
        Self {
            line: Mutex::new(()),
            asking: Mutex::new(()),
            segments: pace.segments_per_second.and_then(|rate| limiter(rate, SEGMENTS_AT_ONCE)),
            calls: pace.calls_per_second.and_then(|rate| limiter(rate, at_once(rate))),
            pace,
        }
    }

    /// Waits until the number may send that many segments.
    pub(crate) async fn segments(&self, count: u32) {
        let Some(limiter) = &self.segments else { return };
        let _turn = self.line.lock().await;
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        if limiter.until_n_ready(count).await.is_err() {
            // More segments than fit into one burst: it may go when the bucket is full.
            limiter.until_n_ready(SEGMENTS_AT_ONCE).await.ok();
        }
    }

    /// Waits until the vendor takes one more call.
    pub(crate) async fn call(&self, engine: &Engine) -> Result<()> {
        if let Some(limiter) = &self.calls {
            limiter.until_ready().await;
        }
        let Some(budget) = &self.pace.budget else { return Ok(()) };
        let (every, burst) = spread(budget.per_minute);
        let turn = self.asking.lock().await;
        loop {
            if let Some(wait) =
                paces::reserve(engine.pool(), &budget.key, every, burst, AHEAD.max(every)).await?
            {
                drop(turn);
                tokio::time::sleep(wait).await;
                return Ok(());
            }
            // Spread, so that those who wait do not all ask at the same moment.
            tokio::time::sleep(AHEAD.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
        }
    }
}

fn limiter(per_second: f64, at_once: NonZeroU32) -> Option<DefaultDirectRateLimiter> {
    let every = Duration::try_from_secs_f64(per_second.recip()).ok()?;
    Some(RateLimiter::direct(Quota::with_period(every)?.allow_burst(at_once)))
}

/// As many as a second holds.
fn at_once(per_second: f64) -> NonZeroU32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and small"
    )]
    NonZeroU32::new(per_second as u32).unwrap_or(NonZeroU32::MIN)
}

/// How far apart calls are, and how many may go at once, so that no minute has more than it may.
fn spread(per_minute: f64) -> (Duration, u32) {
    let burst = at_once(per_minute / 10.0).get();
    let steady = per_minute - f64::from(burst - 1);
    (Duration::from_secs_f64(60.0 / steady), burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_calls_than_it_may() {
        for per_minute in [0.5, 1.0, 9.0, 10.0, 50.0, 100.0, 200.0, 100_000.0] {
            let (every, burst) = spread(per_minute);
            let most = f64::from(burst - 1) + 60.0 / every.as_secs_f64();
            assert!(most <= per_minute * 1.000_01, "{per_minute}: {most}");
        }
    }
}
