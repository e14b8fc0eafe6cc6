//! Outgoing webhooks: when an event is tried again, when an endpoint rests, and what an answer means.

use crate::backoff::LONGEST_RETRY_AFTER;
use crate::http::Reply;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// Waits between the attempts for one event. Together three days: over a weekend nobody has to get up.
const WAITS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(20),
];
/// An event that is older is not tried again.
pub const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(72);
/// Attempts in a row that fail before an endpoint rests. One may be a slip.
pub const RESTS_AFTER: u32 = 3;
/// Waits of a resting endpoint, doubled from the first to the last.
const REST: (TimeDelta, TimeDelta) = (TimeDelta::seconds(15), TimeDelta::minutes(30));

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// The endpoint has taken the event.
    Taken,
    /// The endpoint is gone for good (410): it is sent nothing any more.
    Gone,
    /// It has not. The words are for its operator; `after` is the wait that it asks for.
    Not {
        /// What was wrong.
        why: String,
        /// The wait that it asks for.
        after: Option<Duration>,
    },
}

/// What a reply means. Only 2xx is a yes; a redirect is not followed, because the event and its signature are for the
/// address that the operator gave.
pub fn judge(reply: &Reply) -> Came {
    let not = |why: String, after| Came::Not { why, after };
    match reply {
        Reply::Answer(answer) if answer.is_success() => Came::Taken,
        Reply::Answer(answer) if answer.status == 410 => Came::Gone,
        Reply::Answer(answer) if (300..400).contains(&answer.status) => {
            not(format!("answered with a redirect ({}), which is not followed", answer.status), None)
        }
        Reply::Answer(answer) => not(format!("answered {}", answer.status), answer.retry_after()),
        Reply::NotSent(why) | Reply::NoAnswer(why) => not(why.clone(), None),
    }
}

/// When an event that waits since `queued_at` is tried again after `attempts` failed ones; none when it is given up. `chance` is drawn evenly from
/// `0.0..1.0`: up to a fifth is added to each wait, so that what failed together does not come back together.
pub fn next_attempt(
    queued_at: DateTime<Utc>,
    attempts: u32,
    asked: Option<Duration>,
    now: DateTime<Utc>,
    chance: f64,
) -> Option<DateTime<Utc>> {
    let wait = WAITS.get(usize::try_from(attempts.saturating_sub(1)).ok()?)?;
    let next = now + spread(*wait, chance).max(asked_for(asked));
    (now - queued_at < GIVEN_UP_AFTER).then_some(next)
}

/// Until when an endpoint rests after so many failures in a row; none while they may be slips.
pub fn rest(
    failures: u32,
    asked: Option<Duration>,
    now: DateTime<Utc>,
    chance: f64,
) -> Option<DateTime<Utc>> {
    let beyond = failures.checked_sub(RESTS_AFTER)?;
    let (first, last) = REST;
    let wait = (first * (1 << beyond.min(10))).min(last);
    Some(now + spread(wait, chance).max(asked_for(asked)))
}

fn spread(wait: TimeDelta, chance: f64) -> TimeDelta {
    let fifth = wait.to_std().unwrap_or_default().mul_f64(chance.clamp(0.0, 1.0) / 5.0);
    wait + TimeDelta::from_std(fifth).unwrap_or_default()
}

fn asked_for(asked: Option<Duration>) -> TimeDelta {
    TimeDelta::from_std(asked.unwrap_or_default().min(LONGEST_RETRY_AFTER)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Answer;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn an_event_is_tried_for_three_days_and_then_given_up() {
        let (mut now, mut waits) = (at(0), Vec::new());
        for attempts in 1.. {
            let Some(next) = next_attempt(at(0), attempts, None, now, 0.0) else { break };
            waits.push((next - now).num_minutes());
            now = next;
        }
        assert_eq!(waits, [0, 5, 30, 120, 300, 600, 840, 1200, 1200]);
        assert!((now - at(0)).num_hours() >= 71, "{now}");
        // However few attempts there were: while an endpoint rests, most of its events are not tried at all.
        assert_eq!(next_attempt(at(0), 1, None, at(72 * 3600), 0.0), None);
        assert!(next_attempt(at(0), 1, None, at(72 * 3600 - 1), 0.0).is_some());
    }

    #[test]
    fn waits_are_spread_and_a_wait_that_is_asked_for_is_kept_within_reason() {
        let wait = |asked, chance| next_attempt(at(0), 2, asked, at(0), chance).unwrap() - at(0);
        assert_eq!(wait(None, 1.0), TimeDelta::minutes(6));
        assert_eq!(wait(Some(Duration::from_secs(1)), 0.0), TimeDelta::minutes(5));
        assert_eq!(wait(Some(Duration::from_secs(1200)), 0.0), TimeDelta::minutes(20));
        assert_eq!(wait(Some(Duration::from_secs(86_400)), 0.0), TimeDelta::hours(1));
    }

    #[test]
    fn an_endpoint_rests_from_its_third_failure_for_longer_each_time() {
        let rest = |failures| rest(failures, None, at(0), 0.0).map(|until| (until - at(0)).num_seconds());
        assert_eq!([rest(0), rest(1), rest(2)], [None, None, None]);
        assert_eq!([rest(3), rest(4), rest(5), rest(99)], [Some(15), Some(30), Some(60), Some(1800)]);
    }

    #[test]
    fn only_success_is_taken_for_a_yes() {
        let answered = |status| judge(&Reply::Answer(Answer::of(status, "text/plain", "no")));
        assert_eq!([answered(200), answered(204)], [Came::Taken, Came::Taken]);
        assert_eq!(answered(410), Came::Gone);
        for status in [301, 308, 400, 404, 429, 500, 503] {
            assert!(matches!(answered(status), Came::Not { why, .. } if why.contains(&status.to_string())));
        }
        assert!(matches!(judge(&Reply::NotSent("no connection".to_owned())), Came::Not { .. }));
        let mut busy = Answer::of(503, "text/plain", "");
        busy.headers.push(("retry-after".to_owned(), "7".to_owned()));
        let asked = Some(Duration::from_secs(7));
        assert!(matches!(judge(&Reply::Answer(busy)), Came::Not { after, .. } if after == asked));
    }
}
