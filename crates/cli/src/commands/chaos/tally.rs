//! What was done to the workers and around them, counted as it happens.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use twinwire_engine::crash::POINTS;

/// The counts.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Counts {
    /// Messages put in so far; the findings have them by kind.
    #[serde(skip)]
    pub(super) put_in: usize,
    /// Kills at a random moment.
    pub(super) killed_at_random: usize,
    /// Deaths at a point.
    pub(super) killed_at: BTreeMap<&'static str, usize>,
    /// Stops at a random moment.
    pub(super) stalled_at_random: usize,
    /// Stops at a point.
    pub(super) stalled_at: BTreeMap<&'static str, usize>,
    /// Crashes of the database.
    pub(super) database_restarts: usize,
    /// Times in which a vendor was away as a whole.
    pub(super) outages: usize,
    /// Workers that could not start; the database was away, for the most part.
    pub(super) starts_failed: usize,
    /// Whether the last message has been put in.
    #[serde(skip)]
    pub(super) all_put_in: bool,
    /// Kills after that.
    pub(super) killed_after_the_last: usize,
    /// Kills of a worker under whose lease a call was on its way.
    pub(super) killed_with_a_call: usize,
    /// Channels that another worker had taken over when one that stood still went on.
    pub(super) taken_over: usize,
    /// Workers that listened and then ended, although nobody made them.
    #[serde(skip)]
    pub(super) ended_by_themselves: Vec<String>,
}

impl Counts {
    pub(super) fn kills(&self) -> usize {
        self.killed_at_random + self.killed_at.values().sum::<usize>()
    }

    pub(super) fn stalls(&self) -> usize {
        self.stalled_at_random + self.stalled_at.values().sum::<usize>()
    }
}

/// The counts while they grow.
#[derive(Debug)]
pub(super) struct Tally(Mutex<Counts>);

impl Default for Tally {
    /// With a nought for every point, so that one that never came up shows.
    fn default() -> Self {
        let none = || POINTS.iter().map(|point| (*point, 0)).collect();
        Self(Mutex::new(Counts { killed_at: none(), stalled_at: none(), ..Counts::default() }))
    }
}

impl Tally {
    pub(super) fn now(&self) -> Counts {
        self.lock().clone()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.lock());
    }

    /// How much of what is planned has been put in, from 0 to 1.
    pub(super) fn put_in_share(&self, planned: u32) -> f64 {
        let put_in = u32::try_from(self.lock().put_in).unwrap_or(u32::MAX);
        f64::from(put_in) / f64::from(planned.max(1))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
