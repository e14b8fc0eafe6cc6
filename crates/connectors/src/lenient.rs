//! Fields as vendors write them, read leniently: numbers may be strings, anything may be missing, and what nothing could
//! store is none.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde_json::Value;
use twinwire_core::phone::address;

/// Longest id and address, in characters: Front takes no longer one, and an index of the database none that is much longer.
const LONGEST_NAME: usize = 200;

/// An id.
pub(crate) fn id(fields: &Value, name: &str) -> Option<String> {
    word(fields, name).filter(|id| id.chars().count() <= LONGEST_NAME)
}

/// A sender or recipient; empty where there is none.
pub(crate) fn party(fields: &Value, name: &str) -> String {
    let party = address(&text(fields, name).unwrap_or_default());
    if party.chars().count() <= LONGEST_NAME { party } else { String::new() }
}

/// A time as in an e-mail's header, or ISO 8601; one without a zone is UTC. To the microsecond, as it is kept: a finer one
/// would look like a change whenever it is read again. A year that nobody writes is none.
pub(crate) fn time(written: &str) -> Option<DateTime<Utc>> {
    // The name of the day says nothing that the date does not say, and may be wrong.
    let date = written.split_once(", ").map_or(written, |(_, date)| date);
    let zoned = DateTime::parse_from_rfc2822(date).or_else(|_| DateTime::parse_from_rfc3339(date));
    let time = zoned.map(|time| time.to_utc()).ok().or_else(|| {
        let plain = |format| NaiveDateTime::parse_from_str(date, format).ok();
        plain("%Y-%m-%dT%H:%M:%S%.f").or_else(|| plain("%Y-%m-%d %H:%M:%S%.f")).map(|time| time.and_utc())
    })?;
    DateTime::from_timestamp_micros(time.timestamp_micros()).filter(|time| (0..=9999).contains(&time.year()))
}

/// A text as it is, an empty one included; numbers are written out. Of a field that comes twice, the first.
pub(crate) fn text(fields: &Value, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => values.first()?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// A text that says something, without space around it.
pub(crate) fn word(fields: &Value, name: &str) -> Option<String> {
    text(fields, name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
