//! What Twilio says about a message, read leniently: numbers may be strings, and anything may be missing.
//!
//! It says it in two forms: the message resource of the REST API, and the fields of a webhook.

use super::errors::CODES;
use crate::fault::LONGEST_WORDS;
use crate::lenient::{id, party, text, time, word};
use crate::media;
use serde_json::Value;
use twinwire_core::connector::Unreadable;
use twinwire_core::model::{Direction, Status};
use twinwire_core::observe::AtProvider;
use twinwire_core::text::{clean_json, first_chars};

/// Reads a message resource; none without an id.
pub(super) fn message(resource: &Value) -> Option<AtProvider> {
    let data = clean_json(resource.clone());
    let id = id(&data, "sid")?;
    let status = word(&data, "status").as_deref().and_then(status);
    let error_code = word(&data, "error_code");
    Some(AtProvider {
        id,
        direction: direction(word(&data, "direction").as_deref(), status),
        // Null until a messaging service has picked the sender.
        from: party(&data, "from"),
        to: party(&data, "to"),
        body: body(&data),
        files: media::in_resource(&data),
        said: CODES.said(error_code.as_deref()),
        status,
        error_message: error_words(word(&data, "error_message"), error_code.as_deref()),
        error_code,
        created_at: word(&data, "date_created").as_deref().and_then(time),
        sent_at: word(&data, "date_sent").as_deref().and_then(time),
        updated_at: word(&data, "date_updated").as_deref().and_then(time),
        reference: None,
        data: Some(data.into()),
    })
}

/// The text. An empty one without media was redacted: it says nothing about the text that was sent.
fn body(data: &Value) -> Option<String> {
    let has_media = word(data, "num_media").is_some_and(|count| count != "0");
    text(data, "body").filter(|body| has_media || !body.is_empty())
}

/// Reads the fields of a webhook, all but what the hook itself says: reference and payload.
pub(super) fn event(fields: &Value, direction: Direction) -> Result<AtProvider, Unreadable> {
    let id = ["MessageSid", "SmsSid", "SmsMessageSid"].iter().find_map(|name| id(fields, name));
    let id = id.ok_or_else(|| Unreadable("there is no MessageSid".to_owned()))?;
    let error_code = word(fields, "ErrorCode");
    let status_word = ["MessageStatus", "SmsStatus"].iter().find_map(|name| word(fields, name));
    Ok(AtProvider {
        id,
        direction,
        from: party(fields, "From"),
        to: party(fields, "To"),
        body: text(fields, "Body"),
        files: media::in_hook(fields),
        said: CODES.said(error_code.as_deref()),
        status: status_word.as_deref().and_then(status),
        error_message: error_words(word(fields, "ErrorMessage"), error_code.as_deref()),
        error_code,
        created_at: None,
        sent_at: None,
        updated_at: None,
        reference: None,
        data: None,
    })
}

/// Our words for what became of a message, or the vendor's where the number is not known: its own are for developers.
pub(super) fn error_words(words: Option<String>, code: Option<&str>) -> Option<String> {
    let words = code.and_then(|code| CODES.meaning(code)).map(str::to_owned).or(words)?;
    Some(first_chars(&words, LONGEST_WORDS))
}

/// How far a message got. A word that is not known says nothing.
pub(super) fn status(word: &str) -> Option<Status> {
    Some(match word.to_ascii_lowercase().as_str() {
        "accepted" | "scheduled" => Status::Accepted,
        "queued" => Status::Queued,
        "sending" => Status::Sending,
        // Some of its parts arrived: neither a failure nor a receipt, and perhaps not the last word.
        "sent" | "partially_delivered" => Status::Sent,
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
