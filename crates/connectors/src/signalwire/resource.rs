//! What SignalWire says about a message, read leniently: numbers may be strings, and anything may be missing.
//!
//! It says it in two forms: the message resource of the REST API, and the fields of a webhook, which come as
//! a form in practice and as JSON by its description.

use super::errors;
use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde_json::{Map, Value};
use twinwire_core::connector::Unreadable;
use twinwire_core::http::Hook;
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::AtProvider;
use twinwire_core::phone::address;
use twinwire_core::text::{clean_json, first_chars};

/// Longest id and address, in characters: Front takes no longer one, and an index of the database none that is much longer.
const LONGEST_NAME: usize = 200;
/// Characters of an error's words that are kept.
pub(super) const LONGEST_WORDS: usize = 300;

/// Reads a message resource; none without an id.
pub(super) fn message(resource: &Value) -> Option<AtProvider> {
    let data = clean_json(resource.clone());
    let id = id(&data, "sid")?;
    let status = word(&data, "status").as_deref().and_then(status);
    let error_code = word(&data, "error_code");
    Some(AtProvider {
        id,
        direction: direction(word(&data, "direction").as_deref(), status),
        from: party(&data, "from"),
        to: party(&data, "to"),
        body: text(&data, "body"),
        status,
        error_message: error_words(word(&data, "error_message"), error_code.as_deref()),
        error_code,
        created_at: word(&data, "date_created").as_deref().and_then(time),
        sent_at: word(&data, "date_sent").as_deref().and_then(time),
        updated_at: word(&data, "date_updated").as_deref().and_then(time),
        reference: None,
        data: Some(data),
    })
}

/// Reads the fields of a webhook, all but what the hook itself says: reference and payload.
pub(super) fn event(fields: &Value, direction: Direction) -> Result<AtProvider, Unreadable> {
    let id = ["MessageSid", "SmsSid"].iter().find_map(|name| id(fields, name));
    let id = id.ok_or_else(|| Unreadable("there is no MessageSid".to_owned()))?;
    let error_code = word(fields, "ErrorCode");
    Ok(AtProvider {
        id,
        direction,
        from: party(fields, "From"),
        to: party(fields, "To"),
        body: text(fields, "Body"),
        status: ["MessageStatus", "SmsStatus"]
            .iter()
            .find_map(|name| word(fields, name))
            .as_deref()
            .and_then(status),
        error_message: error_words(word(fields, "ErrorMessage"), error_code.as_deref()),
        error_code,
        created_at: None,
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    })
}

/// The vendor's words for an error, or ours where it only gives a number.
pub(super) fn error_words(words: Option<String>, code: Option<&str>) -> Option<String> {
    let words = words.or_else(|| code.and_then(errors::meaning).map(str::to_owned))?;
    Some(first_chars(&words, LONGEST_WORDS))
}

/// How far a message got. A word that is not known says nothing.
pub(super) fn status(word: &str) -> Option<Status> {
    Some(match word.to_ascii_lowercase().as_str() {
        "accepted" | "scheduled" => Status::Accepted,
        "queued" => Status::Queued,
        "initiated" | "sending" => Status::Sending,
        "sent" => Status::Sent,
        "receiving" => Status::Receiving,
        "received" => Status::Received,
        "delivered" => Status::Delivered,
        "canceled" | "cancelled" => Status::Canceled,
        "undelivered" => Status::Undelivered,
        "failed" => Status::Failed,
        "read" => Status::Read,
        _ => return None,
    })
}

/// `inbound`, or `outbound` with something after it; where it is not said, the status tells.
fn direction(word: Option<&str>, status: Option<Status>) -> Direction {
    let inbound = match word {
        Some("inbound") => true,
        Some(word) if word.starts_with("outbound") => false,
        _ => matches!(status, Some(Status::Receiving | Status::Received)),
    };
    if inbound { Direction::Inbound } else { Direction::Outbound }
}

/// The id of a message.
fn id(fields: &Value, name: &str) -> Option<String> {
    word(fields, name).filter(|id| id.chars().count() <= LONGEST_NAME)
}

/// A sender or recipient; empty where there is none.
fn party(fields: &Value, name: &str) -> String {
    let party = address(&text(fields, name).unwrap_or_default());
    if party.chars().count() <= LONGEST_NAME { party } else { String::new() }
}

/// A time as in an e-mail's header, or ISO 8601; one without a zone is UTC. To the microsecond, as it is kept: a finer one
/// would look like a change whenever it is read again. A year that nobody writes is none.
pub(super) fn time(written: &str) -> Option<DateTime<Utc>> {
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
pub(super) fn text(fields: &Value, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => values.first()?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// A text that says something, without space around it.
pub(super) fn word(fields: &Value, name: &str) -> Option<String> {
    text(fields, name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Whether a hook carries a form. One that does not say what it carries can be nothing else.
pub(super) fn is_form(hook: &Hook<'_>) -> bool {
    hook.header("content-type").is_none_or(|content_type| {
        let kind = content_type.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The fields of a form, in order, decoded.
pub(super) fn fields(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// What a hook carries, as a JSON object.
pub(super) fn payload(hook: &Hook<'_>) -> Result<Value, Unreadable> {
    let payload = if is_form(hook) { object(fields(hook.body)) } else { json(hook.body)? };
    Ok(clean_json(payload))
}

fn json(body: &[u8]) -> Result<Value, Unreadable> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Unreadable("the body is not a JSON object".to_owned())),
        Err(_) => Err(Unreadable("the body is neither a form nor JSON".to_owned())),
    }
}

/// A form as an object. A name that comes again gets a list.
fn object(fields: Vec<(String, String)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        let value = Value::String(value);
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}
