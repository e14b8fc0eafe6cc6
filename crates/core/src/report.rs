//! What the agent is told about a message that did not reach the customer.

use crate::model::Message;
use crate::text::first_chars;

/// Characters of the message's own text that a note repeats, so that the agent knows which one it was.
const QUOTED: usize = 26;

/// Why it failed: the provider's code and words, or ours.
pub fn reason(row: &Message) -> String {
    if row.part.of > 1 {
        let rest = if row.parked.is_some() && row.part.nth < row.part.of {
            ". What follows it was not sent"
        } else {
            ""
        };
        return format!("Part {} of {}: {}{rest}", row.part.nth, row.part.of, why(row));
    }
    why(row)
}

fn why(row: &Message) -> String {
    match (&row.provider_error_code, &row.provider_error_message, &row.last_error) {
        (Some(code), Some(message), _) => format!("Error ({code}): {message}"),
        (Some(code), None, _) => format!("Error ({code})"),
        (None, Some(message), _) => format!("Error: {message}"),
        (None, None, Some(ours)) if row.parked.is_some() => format!("Error: {ours}"),
        _ => "Error (-): the provider gave no reason".to_owned(),
    }
}

/// The note for the conversation, where the message itself could not be marked.
pub fn note(row: &Message) -> String {
    let code = row.provider_error_code.as_deref().unwrap_or("-");
    let message = row.provider_error_message.as_deref().or(row.last_error.as_deref()).unwrap_or("-");
    format!("SMS failed to send. Error ({code}): {message}\n{}", first_chars(&row.body, QUOTED))
}

/// The id under which the note stands in the helpdesk: its own, so that a look-up tells it from the message.
pub fn note_id(row: &Message) -> String {
    format!("{}_failed", row.external_id)
}
