//! Front's JSON, read leniently: any member may be missing, null or of another type, a number may come as a text.

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use serde_json::Value;
use std::time::Duration;
use twinwire_core::text::clean_json;

/// Above this a Unix time is in milliseconds: as seconds it would be 30,000 years away.
const MILLISECONDS_FROM: f64 = 1e12;

/// Front takes no longer name, in characters.
pub(super) const LONGEST_NAME: usize = 200;

/// Reads a body, without the NUL characters that cannot be stored.
pub(super) fn parse(body: &[u8]) -> Option<Value> {
    let whole = serde_json::from_slice(body).ok();
    whole.or_else(|| serde_json::from_str(&paired(str::from_utf8(body).ok()?)).ok()).map(clean_json)
}

/// A text without the white space around it, or a number; None for anything else and for an empty text.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The name of a message, conversation or channel.
pub(super) fn name(value: &Value) -> Option<String> {
    word(value).filter(|name| is_name(name))
}

/// In an address, dots alone would lead to another place.
fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.chars().count() <= LONGEST_NAME
}

/// The items of a list; none for anything else.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The last part of a link's path: the id of what it links to.
pub(super) fn linked(link: &Value) -> Option<String> {
    let path = link.as_str()?.split(['?', '#']).next()?.trim().trim_end_matches('/');
    path.rsplit('/').next().filter(|id| is_name(id)).map(str::to_owned)
}

/// A Unix time, in seconds with a fraction or in milliseconds, to the millisecond.
pub(super) fn instant(written: &str) -> Option<DateTime<Utc>> {
    let number = written.parse::<f64>().ok().filter(|number| *number > 0.0)?;
    let seconds = if number > MILLISECONDS_FROM { number / 1000.0 } else { number };
    let since = TimeDelta::from_std(Duration::try_from_secs_f64(seconds).ok()?).ok()?;
    let at = DateTime::UNIX_EPOCH.checked_add_signed(since)?;
    (at.year() <= 9999).then(|| at.round_subsecs(3))
}

/// The JSON with every half of a surrogate pair that lacks its other half replaced.
///
/// A preview that was cut in the middle of an emoji ends in such a half. JavaScript writes it as an escape and reads it
/// again; to others the whole document is invalid, and an agent's message must not be refused for it.
fn paired(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let (kept, length) = match unit(escape) {
            Some(0xD800..=0xDBFF) if matches!(unit(&escape[6..]), Some(0xDC00..=0xDFFF)) => {
                (&escape[..12], 12)
            }
            Some(0xD800..=0xDFFF) => ("\\ufffd", 6),
            _ => {
                let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
                (&escape[..length], length)
            }
        };
        out.push_str(before);
        out.push_str(kept);
        rest = &escape[length..];
    }
    out + rest
}

/// The UTF-16 unit of a `\uXXXX` escape.
fn unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
