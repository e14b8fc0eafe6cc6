//! Whether a vendor answers anybody at all.
//!
//! A message that fails again and again may be at fault itself; when calls for several messages fail and none works, it
//! is the vendor. Then the account rests, the operator is alerted once, and nothing is held against the messages.
//!
//! All of it is this process's own view: one that cannot reach the network must not stop the others. In a real outage
//! each of them finds out with three calls.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use twinwire_core::backoff::backoff;

/// Different messages whose calls fail, with none that works: the vendor answers nobody.
const AWAY_AFTER: usize = 3;
/// Failures longer ago say nothing about now.
const RECENT: TimeDelta = TimeDelta::minutes(10);
/// The longest rest: when the vendor is back, nothing should wait long.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What failed lately, by account.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<HashMap<i64, Vendor>>);

#[derive(Debug, Default)]
struct Vendor {
    /// When a call for that message failed last, and whether it was one that only reads.
    failed: HashMap<String, (DateTime<Utc>, bool)>,
    /// Rests since a call worked.
    rests: u32,
    rests_until: Option<DateTime<Utc>>,
}

impl Vendor {
    fn is_away(&self, now: DateTime<Utc>) -> bool {
        self.failed.values().filter(|(at, _)| now - *at < RECENT).count() >= AWAY_AFTER
    }
}

impl Health {
    /// A call failed in a way that says nothing about its message. Gives whether that begins an outage.
    pub(crate) fn failed(
        &self,
        account: i64,
        subject: &str,
        read: bool,
        now: DateTime<Utc>,
        chance: f64,
    ) -> bool {
        let mut vendors = self.locked();
        let vendor = vendors.entry(account).or_default();
        vendor.failed.retain(|_, (at, _)| now - *at < RECENT);
        vendor.failed.insert(subject.to_owned(), (now, read));
        // Calls that were in flight together and fail together are one rest.
        if !vendor.is_away(now) || vendor.rests_until.is_some_and(|until| until > now) {
            return false;
        }
        vendor.rests = vendor.rests.saturating_add(1);
        let rest = backoff(vendor.rests, chance).min(LONGEST_REST);
        vendor.rests_until = Some(now + TimeDelta::from_std(rest).unwrap_or(TimeDelta::MAX));
        vendor.rests == 1
    }

    /// A call worked. Gives whether that ends an outage. Reading proves less than writing: an account that cannot send
    /// may still be read.
    pub(crate) fn worked(&self, account: i64, read: bool) -> bool {
        let mut vendors = self.locked();
        let Some(vendor) = vendors.get_mut(&account) else { return false };
        vendor.failed.retain(|_, (_, of_read)| read && !*of_read);
        if !vendor.failed.is_empty() {
            return false;
        }
        vendors.remove(&account).is_some_and(|vendor| vendor.rests > 0)
    }

    /// Whether the account's vendor answers nobody.
    pub(crate) fn is_away(&self, account: i64, now: DateTime<Utc>) -> bool {
        self.locked().get(&account).is_some_and(|vendor| vendor.is_away(now))
    }

    /// Until when the account is left alone, because its vendor answers nobody.
    pub(crate) fn rests_until(&self, account: i64) -> Option<DateTime<Utc>> {
        self.locked().get(&account)?.rests_until
    }

    /// How many accounts rest because their vendor answers nobody.
    pub(crate) fn resting(&self, now: DateTime<Utc>) -> usize {
        self.locked().values().filter(|vendor| vendor.rests > 0 && vendor.is_away(now)).count()
    }

    /// A panic elsewhere leaves a list of failures that is still good.
    fn locked(&self) -> MutexGuard<'_, HashMap<i64, Vendor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(minute: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn fails(health: &Health, subject: &str, minute: i64) -> bool {
        health.failed(1, subject, false, at(minute), 1.0)
    }

    #[test]
    fn one_message_that_fails_for_ever_is_no_outage() {
        let health = Health::default();
        for minute in 0..60 {
            assert!(!fails(&health, "a", minute));
        }
        assert!(!health.is_away(1, at(60)));
    }

    #[test]
    fn three_messages_that_fail_with_none_that_works_are_one_outage_and_one_alert() {
        let health = Health::default();
        assert!(!fails(&health, "a", 0) && !fails(&health, "b", 0) && fails(&health, "c", 0));
        assert!(health.is_away(1, at(0)) && !health.is_away(2, at(0)));
        assert_eq!(health.rests_until(1), Some(at(0) + TimeDelta::seconds(2)));
        for minute in 0..500 {
            for subject in ["a", "b", "c", "d"] {
                assert!(!fails(&health, subject, minute), "it is the same outage");
            }
        }
        assert_eq!(health.rests_until(1), Some(at(500)), "a minute at most");
        assert!(!health.worked(1, true), "a list that can be read does not send");
        assert!(health.is_away(1, at(500)));
        assert!(health.worked(1, false));
        assert!(!health.is_away(1, at(500)) && health.rests_until(1).is_none());
    }

    #[test]
    fn messages_that_fail_beside_others_that_work_are_no_outage() {
        let health = Health::default();
        for minute in 0..60 {
            assert!(!fails(&health, ["a", "b", "c"][usize::try_from(minute % 3).unwrap()], minute));
            health.worked(1, false);
        }
        assert!(!health.is_away(1, at(60)));
    }

    #[test]
    fn failures_of_long_ago_do_not_count() {
        let health = Health::default();
        for (minute, subject) in [(0, "a"), (8, "b"), (16, "c")] {
            assert!(!fails(&health, subject, minute));
        }
        assert!(!health.is_away(1, at(16)));
    }
}
