//! What Front refuses (Channel API specification, read 2026-11).

use serde_json::{Map, Value};

/// External ids are limited to this many characters.
const LONGEST_ID: usize = 200;

/// The faults of the body of `inbound_messages`.
pub(crate) fn inbound(body: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(body) = object(body, "body", &mut problems) else { return problems };
    common(body, &mut problems);
    match body.get("sender") {
        None => problems.push("body.sender is required".into()),
        Some(sender) => party(sender, "body.sender", &mut problems),
    }
    problems
}

/// The faults of the body of `outbound_messages`.
pub(crate) fn outbound(body: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(body) = object(body, "body", &mut problems) else { return problems };
    common(body, &mut problems);
    for name in ["sender_name", "author_id"] {
        text(body, name, "body", &mut problems);
    }
    match body.get("to") {
        None => problems.push("body.to is required".into()),
        Some(Value::Array(list)) if list.is_empty() => problems.push("body.to is empty".into()),
        Some(Value::Array(list)) => {
            for (at, one) in list.iter().enumerate() {
                party(one, &format!("body.to[{at}]"), &mut problems);
            }
        }
        Some(_) => problems.push("body.to is not an array".into()),
    }
    problems
}

fn common(body: &Map<String, Value>, problems: &mut Vec<String>) {
    required(body, "body", "body", problems);
    text(body, "subject", "body", problems);
    if body.get("delivered_at").is_some_and(|at| !at.is_i64() && !at.is_u64()) {
        problems.push("body.delivered_at is not an integer".into());
    }
    let Some(metadata) = body.get("metadata") else {
        problems.push("body.metadata is required".into());
        return;
    };
    let Some(metadata) = object(metadata, "body.metadata", problems) else { return };
    required(metadata, "external_id", "body.metadata", problems);
    required(metadata, "external_conversation_id", "body.metadata", problems);
    text(metadata, "referenced_message_external_id", "body.metadata", problems);
    for name in ["external_id", "external_conversation_id", "referenced_message_external_id"] {
        let length = metadata.get(name).and_then(Value::as_str).map_or(0, |id| id.chars().count());
        if length > LONGEST_ID {
            problems.push(format!("body.metadata.{name} is longer than {LONGEST_ID} characters"));
        }
    }
}

fn party(value: &Value, at: &str, problems: &mut Vec<String>) {
    let Some(party) = object(value, at, problems) else { return };
    required(party, "handle", at, problems);
    if party.get("handle").and_then(Value::as_str).is_some_and(|handle| handle.trim().is_empty()) {
        problems.push(format!("{at}.handle is empty"));
    }
    for name in ["name", "email"] {
        text(party, name, at, problems);
    }
}

fn object<'a>(value: &'a Value, at: &str, problems: &mut Vec<String>) -> Option<&'a Map<String, Value>> {
    let object = value.as_object();
    if object.is_none() {
        problems.push(format!("{at} is not an object"));
    }
    object
}

fn required(object: &Map<String, Value>, name: &str, at: &str, problems: &mut Vec<String>) {
    if object.contains_key(name) {
        text(object, name, at, problems);
    } else {
        problems.push(format!("{at}.{name} is required"));
    }
}

fn text(object: &Map<String, Value>, name: &str, at: &str, problems: &mut Vec<String>) {
    if object.get(name).is_some_and(|value| !value.is_string()) {
        problems.push(format!("{at}.{name} is not a string"));
    }
}

/// A handle as Front keeps it: what looks like a phone number without `+` is taken to be American.
pub(crate) fn normalised(handle: &str) -> String {
    let digits: String = handle.chars().filter(char::is_ascii_digit).collect();
    let phone = handle.chars().all(|c| c.is_ascii_digit() || " -().".contains(c)) && digits.len() >= 7;
    if phone { format!("+1{digits}") } else { handle.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{inbound, normalised, outbound};

    #[test]
    fn a_complete_message_is_accepted() {
        let metadata = json!({ "external_id": "a", "external_conversation_id": "b" });
        let sender = json!({ "handle": "+15551230001" });
        let message = json!({ "sender": sender, "body": "", "metadata": metadata, "delivered_at": 1 });
        assert_eq!(inbound(&message), Vec::<String>::new());
        let message = json!({ "to": [{ "handle": "+15551230001" }], "body": "x", "metadata": metadata });
        assert_eq!(outbound(&message), Vec::<String>::new());
    }

    #[test]
    fn every_wrong_field_is_named() {
        let message = json!({
            "sender": { "name": "Ada" }, "body": null, "delivered_at": 1.5,
            "metadata": { "external_id": "x".repeat(201) },
        });
        assert_eq!(inbound(&message).len(), 5);
        assert_eq!(outbound(&json!({ "to": { "handle": "+1" }, "body": "x", "metadata": {} })).len(), 3);
        assert_eq!(inbound(&json!([])).len(), 1);
    }

    #[test]
    fn a_phone_number_without_a_plus_becomes_american() {
        assert_eq!(normalised("555 123-0001"), "+15551230001");
        assert_eq!(normalised("+33100000001"), "+33100000001");
        assert_eq!(normalised("ada"), "ada");
    }
}
