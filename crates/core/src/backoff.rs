//! When to try again: exponential with full jitter and a cap, or what the vendor asks for.

use std::time::Duration;

/// First step.
const BASE: Duration = Duration::from_secs(2);
/// Longest wait.
pub const CAP: Duration = Duration::from_secs(15 * 60);
/// Longest Retry-After that is believed: a vendor's slip must not silence a channel for a day.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// How long to wait after `failures` attempts in a row that did not move a message.
///
/// `chance` is drawn by the caller, evenly from `0.0..1.0`. Between half of the step and the whole of it, so that many
/// rows which failed together do not come back together, and none comes back at once.
pub fn backoff(failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let step = BASE.saturating_mul(1 << doublings).min(CAP);
    step.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// The pause that a throttling answer asks for, kept within reason; a back-off when it names none.
pub fn throttle(retry_after: Option<Duration>, failures: u32, chance: f64) -> Duration {
    match retry_after {
        Some(asked) => asked.clamp(Duration::from_secs(1), LONGEST_RETRY_AFTER),
        None => backoff(failures.max(1), chance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_from_two_seconds_and_stops_at_the_cap() {
        let whole = |n| backoff(n, 1.0).as_secs();
        assert_eq!([whole(1), whole(2), whole(3), whole(4)], [2, 4, 8, 16]);
        assert_eq!(whole(60), CAP.as_secs());
    }

    #[test]
    fn never_comes_back_at_once_and_spreads_by_half() {
        assert_eq!(backoff(1, 0.0), Duration::from_secs(1));
        assert_eq!(backoff(3, 0.0), Duration::from_secs(4));
        assert_eq!(backoff(0, 0.0), Duration::from_secs(1));
    }

    #[test]
    fn believes_retry_after_within_reason() {
        assert_eq!(throttle(Some(Duration::from_secs(7)), 1, 0.3), Duration::from_secs(7));
        assert_eq!(throttle(Some(Duration::ZERO), 1, 0.3), Duration::from_secs(1));
        assert_eq!(throttle(Some(Duration::from_secs(86_400)), 1, 0.3), LONGEST_RETRY_AFTER);
        assert_eq!(throttle(None, 2, 1.0), Duration::from_secs(4));
    }
}
