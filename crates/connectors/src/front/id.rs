//! How a message is named, on Front's side and on ours.
//!
//! Front sends one message to several people in one request. Each of them is a row with an id of its own: Front's id
//! and the person's address. An autoreply has no id at Front at all; it is named after the message that it replies to.

use super::json::{LONGEST_NAME, linked, name, word};
use serde_json::Value;
use sha2::{Digest, Sha256};
use twinwire_core::observe::AtHelpdesk;

/// What a message that Front asks us to send is called.
pub(super) struct Name {
    /// Front's id, or the one made for an autoreply.
    pub(super) id: String,
    /// Another one, for when two messages would have the same.
    pub(super) second_choice: Option<String>,
}

/// Our id for a message to one recipient.
pub(super) fn external(name: &str, recipient: &str) -> String {
    format!("{name}-{recipient}")
}

/// Whether an id of Front's leaves room for what is put behind it: the recipient, and what marks an autoreply or a note.
fn is_short(id: &str) -> bool {
    id.chars().count() <= LONGEST_NAME - 80
}

/// The name of an agent's message.
pub(super) fn of_message(payload: &Value) -> Option<Name> {
    let id = name(&payload["id"]).filter(|id| is_short(id))?;
    Some(Name { id, second_choice: None })
}

/// The name of an autoreply: after the message that it replies to, and where a second autoreply replies to the same
/// message, after its own time and text as well. Without a message replied to, time and text are needed at once.
pub(super) fn of_autoreply(payload: &Value, text: &str) -> Option<Name> {
    let related = &payload["_links"]["related"];
    let time = word(&payload["created_at"]).unwrap_or_default();
    let mark = mark(&format!("{time}\n{text}"));
    if let Some(replied_to) = linked(&related["message_replied_to"]).filter(|id| is_short(id)) {
        let second_choice = Some(format!("{replied_to}_autoreply_{mark}"));
        return Some(Name { id: format!("{replied_to}_autoreply"), second_choice });
    }
    let conversation = linked(&related["conversation"]).filter(|id| is_short(id))?;
    Some(Name { id: format!("{conversation}_{mark}_autoreply"), second_choice: None })
}

/// All the names that Front's own picture of a message shows; None when it shows none.
pub(super) fn at_helpdesk(message: &Value, conversation: Option<String>) -> Option<AtHelpdesk> {
    let seen = AtHelpdesk {
        external_id: name(&message["metadata"]["external_id"]),
        accepted_as: name(&message["message_uid"]),
        id: name(&message["id"]),
        thread: linked(&message["_links"]["related"]["conversation"]),
        conversation,
        created_at: None,
    };
    (seen.external_id.is_some() || seen.accepted_as.is_some()).then_some(seen)
}

/// Eight hexadecimal digits that tell two texts apart.
fn mark(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let [a, b, c, d, ..] = digest;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}
