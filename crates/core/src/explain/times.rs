//! Times in words.

use chrono::{DateTime, TimeDelta, Utc};

/// A time of day in UTC, with the date unless it is today's.
pub fn clock(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if at.date_naive() == now.date_naive() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.format(form).to_string()
}

/// How far ahead a time is.
pub(super) fn ahead_of(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at > now { format!("in {}", lasted(at - now)) } else { "due".to_owned() }
}

/// How long, in one unit.
pub(crate) fn lasted(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        7_200..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}
