//! Whether a vendor answers anybody at all.
//!
//! A message that fails again and again may be at fault itself; when calls for several messages fail and none works, it
//! is the vendor. Then the account rests, the operator is alerted once, and nothing is held against the messages.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Different messages whose calls fail, with none that works: the vendor answers nobody.
const AWAY_AFTER: usize = 3;
/// Failures longer ago say nothing about now.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// What failed lately, by account.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<HashMap<i64, Failed>>);

type Failed = HashMap<String, Failure>;

#[derive(Debug)]
struct Failure {
    read: bool,
    at: DateTime<Utc>,
}

impl Health {
    /// A call failed in a way that says nothing about its message.
    pub(crate) fn failed(&self, account: i64, subject: &str, read: bool, now: DateTime<Utc>) {
        let mut accounts = self.locked();
        let failed = accounts.entry(account).or_default();
        failed.retain(|_, failure| now - failure.at < RECENT);
        failed.insert(subject.to_owned(), Failure { read, at: now });
    }

    /// A call worked. Reading proves less than writing: an account that cannot send may still be read.
    pub(crate) fn worked(&self, account: i64, read: bool) {
        let mut accounts = self.locked();
        if let Some(failed) = accounts.get_mut(&account) {
            failed.retain(|_, failure| read && !failure.read);
        }
    }

    /// Whether the account's vendor answers nobody.
    pub(crate) fn is_away(&self, account: i64, now: DateTime<Utc>) -> bool {
        let accounts = self.locked();
        let recent = |failed: &Failed| failed.values().filter(|failure| now - failure.at < RECENT).count();
        accounts.get(&account).is_some_and(|failed| recent(failed) >= AWAY_AFTER)
    }

    /// A panic elsewhere leaves a list of failures that is still good.
    fn locked(&self) -> MutexGuard<'_, HashMap<i64, Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 21, 12, minute, 0).unwrap()
    }

    #[test]
    fn one_message_that_fails_for_ever_is_no_outage() {
        let health = Health::default();
        for minute in 0..9 {
            health.failed(1, "a", false, at(minute));
        }
        assert!(!health.is_away(1, at(9)));
    }

    #[test]
    fn three_messages_that_fail_with_none_that_works_are_one() {
        let health = Health::default();
        for subject in ["a", "b", "c"] {
            assert!(!health.is_away(1, at(0)));
            health.failed(1, subject, false, at(0));
        }
        assert!(health.is_away(1, at(0)) && !health.is_away(2, at(0)));
        health.worked(1, true);
        assert!(health.is_away(1, at(0)), "a list that can be read does not send");
        health.worked(1, false);
        assert!(!health.is_away(1, at(0)));
    }

    #[test]
    fn failures_of_long_ago_do_not_count() {
        let health = Health::default();
        for (minute, subject) in [(0, "a"), (8, "b"), (16, "c")] {
            health.failed(1, subject, false, at(minute));
        }
        assert!(!health.is_away(1, at(16)));
    }
}
