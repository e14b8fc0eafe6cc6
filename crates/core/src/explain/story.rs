//! The lines of a message's story in words.

use super::word;
use crate::model::{Act, Direction, Message, Parked, Side};

/// What evidence brought, for the story: ids, statuses, codes and the vendor's words for an error. Never a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What was seen.
    pub what: String,
    /// The vendor's error, where it came with one.
    pub error: Option<String>,
}

/// What evidence brought, by the row before and after it. None when nothing in it would tell an operator anything.
pub fn news(before: Option<&Message>, after: &Message) -> Option<News> {
    let mut said = Vec::new();
    match before {
        None => said.push(born(after)),
        Some(before) => {
            said.extend(placed(before, after));
            if after.helpdesk_message_id != before.helpdesk_message_id {
                said.extend(after.helpdesk_message_id.as_ref().map(|id| format!("in the helpdesk as {id}")));
            }
            if after.provider_status != before.provider_status {
                said.extend(after.provider_status.map(|status| format!("at the provider: {}", word(status))));
            }
        }
    }
    let error = error(after).filter(|error| before.and_then(self::error).as_ref() != Some(error));
    if said.is_empty() {
        let known = before.is_some_and(|before| before.body != after.body || before.sender != after.sender);
        said.extend(error.as_ref().map(|_| "at the provider: an error".to_owned()));
        said.extend(known.then(|| "more of it is known".to_owned()));
    }
    (!said.is_empty()).then(|| News { what: said.join(", "), error })
}

fn born(row: &Message) -> String {
    let status = row.provider_status.map(|status| format!(": {}", word(status))).unwrap_or_default();
    let born = match (row.origin, row.direction) {
        (Side::Helpdesk, _) => "ordered in the helpdesk".to_owned(),
        (Side::Provider, Direction::Inbound) => format!("at the provider{status}"),
        (Side::Provider, Direction::Outbound) => format!("at the provider{status}, not sent by us"),
    };
    // Old history is put aside where it is found.
    if row.parked == Some(Parked::TooOld) { format!("{born}, put aside: too old") } else { born }
}

/// Which message at the provider it is.
fn placed(before: &Message, after: &Message) -> Option<String> {
    let by = after.bound_by.map(word).unwrap_or_default();
    match (&before.provider_message_id, &after.provider_message_id) {
        (had, Some(id)) if had.as_ref() != Some(id) => {
            let instead = had.as_ref().map(|had| format!(" instead of {had}")).unwrap_or_default();
            Some(format!("bound to {id} by {by}{instead}"))
        }
        (Some(_), Some(id)) if before.bound_by != after.bound_by => Some(format!("certainly {id}, by {by}")),
        _ => None,
    }
}

fn error(row: &Message) -> Option<String> {
    match (&row.provider_error_code, &row.provider_error_message) {
        (Some(code), Some(message)) => Some(format!("({code}) {message}")),
        (Some(code), None) => Some(format!("({code})")),
        (None, message) => message.clone(),
    }
}

/// An act that began.
pub fn tried(act: Act, origin: Side) -> &'static str {
    match (act, origin) {
        (Act::Deliver, Side::Helpdesk) => "to send it",
        (Act::Deliver, Side::Provider) => "to put it into the helpdesk",
        (Act::Fetch, _) => "to fetch a file",
        (Act::LookUp, _) => "to look it up",
        (Act::Report, _) => "to mark it as failed",
        (Act::Note, _) => "to place a note",
    }
}

/// What came of an act, by the journal's word for it.
pub fn came(act: Act, origin: Side, outcome: &str) -> String {
    match (outcome, act) {
        ("done", Act::Deliver) if origin == Side::Helpdesk => "sent".to_owned(),
        ("done", Act::Deliver) => "put into the helpdesk".to_owned(),
        ("done", Act::LookUp) => "it is there".to_owned(),
        ("done", Act::Report) => "marked as failed for the agent".to_owned(),
        ("done", Act::Note) => "a note stands in the conversation".to_owned(),
        ("fetched", _) => "we have it".to_owned(),
        ("listed", _) => "its files are known".to_owned(),
        ("said", _) => "it is the message's text".to_owned(),
        ("missing", _) => "it will not be there".to_owned(),
        ("not_there", _) => "it is not there".to_owned(),
        ("ambiguous", _) => "more than one there may be it".to_owned(),
        ("unknown", _) => "nobody knows whether it happened".to_owned(),
        ("not_now", _) => "the vendor answers nobody at present".to_owned(),
        ("throttled", _) => "too fast: the account rests".to_owned(),
        ("credentials_refused", _) => "credentials refused: the account rests".to_owned(),
        (other, _) => other.replace('_', " "),
    }
}

/// What was decided without a call, by the journal's word for it.
pub fn noted(outcome: &str) -> String {
    match outcome {
        "parked" => "put aside".to_owned(),
        "unbound" => "not that message any more".to_owned(),
        "tidied_up" => "the mark of a dead process is taken away".to_owned(),
        "earlier_part_goes" => "the part before it goes: it is to be sent after it".to_owned(),
        "copy_at_provider" => "the provider has it twice".to_owned(),
        "retry" => "a new attempt is asked for by an operator".to_owned(),
        "retry_now" => "an operator lets it wait no longer".to_owned(),
        "not_arrived" => "an operator says that it did not arrive".to_owned(),
        "arrived" => "an operator says that it arrived".to_owned(),
        other => other.replace('_', " "),
    }
}
