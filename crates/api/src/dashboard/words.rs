//! Times, states and counts as people read them.

use super::desk::address;
use askama::filters::HtmlSafe;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use twinwire_core::model::{Direction, Status};

/// A time in few words, as seen from now: today's without the day.
fn short(at: &DateTime<Utc>, now: &DateTime<Utc>) -> String {
    let pattern = if at.date_naive() == now.date_naive() {
        "%H:%M:%S"
    } else if now.signed_duration_since(at) < TimeDelta::days(300) {
        "%-d %b %H:%M"
    } else {
        "%-d %b %Y"
    };
    at.format(pattern).to_string()
}

/// A time as it stands in a page.
pub(super) struct Time {
    at: DateTime<Utc>,
    short: String,
}

/// A time, short, with all of it on demand.
pub(super) fn time(at: &DateTime<Utc>, now: &DateTime<Utc>) -> Time {
    Time { at: *at, short: short(at, now) }
}

/// The same, as how long ago it is.
pub(super) fn since(at: &DateTime<Utc>, now: &DateTime<Utc>) -> Time {
    Time { at: *at, short: ago(at, now) }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, short } = self;
        write!(f, r#"<time datetime="{}" title="{}">{short}</time>"#, stamp(at), full(at))
    }
}

/// It is of digits and words of ours.
impl HtmlSafe for Time {}

/// Words in which commands stand between backticks, as commands print them: what is a command, and what is not.
pub(super) fn parts(words: &str) -> Vec<(bool, &str)> {
    let parts = words.split('`').enumerate().map(|(nth, part)| (nth % 2 == 1, part));
    parts.filter(|(_, part)| !part.is_empty()).collect()
}

/// A time in full.
fn full(at: &DateTime<Utc>) -> String {
    format!("{} UTC", at.format("%Y-%m-%d %H:%M:%S%.3f"))
}

/// A time for programs.
pub(super) fn stamp(at: &DateTime<Utc>) -> String {
    at.to_rfc3339()
}

/// How long something takes or is ago, in one unit.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass by reference")]
pub(super) fn span(seconds: &i64) -> String {
    match *seconds {
        ..1 => "less than a second".to_owned(),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long ago.
fn ago(at: &DateTime<Utc>, now: &DateTime<Utc>) -> String {
    match now.signed_duration_since(at).num_seconds() {
        ..5 => "just now".to_owned(),
        seconds => format!("{} ago", span(&seconds)),
    }
}

/// A value's word, as it stands in the tables.
pub(super) fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|word| Some(word.as_str()?.replace('_', " "))).unwrap_or_default()
}

/// What the provider says of a message, with its error.
pub(super) fn status(status: Option<&Status>, code: Option<&String>) -> String {
    let status = status.map(word).unwrap_or_default();
    match code {
        Some(code) if status.is_empty() => format!("error {code}"),
        Some(code) => format!("{status}, error {code}"),
        None => status,
    }
}

/// Which way a message goes.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass by reference")]
pub(super) fn arrow(direction: &Direction) -> &'static str {
    match direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    }
}

/// The address of a conversation's page.
pub(super) fn conversation(channel: &str, conversation: &str) -> String {
    address(&["conversations", channel, conversation])
}

/// Counts of a job.
pub(super) fn counts(counts: &Value) -> String {
    let counts = counts.as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    let words: Vec<String> =
        counts.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn commands_are_told_apart_from_the_words_around_them() {
        assert_eq!(parts("`a b` does it, `c`"), [(true, "a b"), (false, " does it, "), (true, "c")]);
        assert_eq!(parts("no command"), [(false, "no command")]);
    }

    #[test]
    fn a_time_is_as_short_as_it_can_be_without_being_mistaken() {
        let now = at("2026-11-22T12:00:00Z");
        for (time, shown) in [
            ("2026-11-22T00:00:01Z", "00:00:01"),
            ("2026-11-21T23:59:59Z", "21 Nov 23:59"),
            ("2025-11-21T23:59:59Z", "21 Nov 2025"),
        ] {
            assert_eq!(short(&at(time), &now), shown);
        }
        assert_eq!(ago(&at("2026-11-22T11:59:58Z"), &now), "just now");
        assert_eq!(ago(&at("2026-11-22T11:58:30Z"), &now), "90 s ago");
        assert_eq!(ago(&at("2026-11-20T11:00:00Z"), &now), "2 days ago");
    }
}
