//! Front's `Message` object, as in webhooks and in answers (Core API reference, read 2026-11).

use serde_json::{Value, json};

use super::model::{Message, Source};

/// For whom a message is put into JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The request that asks the channel's server to send it.
    Order,
    /// An answer to a channel token, or `message_imported`: with the external id.
    Channel,
}

pub(crate) fn message(message: &Message, base: &str, view: View) -> Value {
    let automatic = message.source == Source::AutoReply;
    let mut related = json!({ "conversation": format!("{base}/conversations/{}", message.conversation_id) });
    if let Some(replied_to) = message.replied_to.as_deref().filter(|id| id.starts_with("msg_")) {
        related["message_replied_to"] = json!(format!("{base}/messages/{replied_to}"));
    }
    let mut links = json!({});
    if let Some(id) = &message.id {
        links["self"] = json!(format!("{base}/messages/{id}"));
        related["message_seen"] = json!(format!("{base}/messages/{id}/seen"));
    }
    links["related"] = related;
    let metadata = match view {
        View::Order => json!({ "headers": { "in_reply_to": null } }),
        View::Channel => json!({ "external_id": message.external_id, "headers": { "in_reply_to": null } }),
    };
    let mut value = json!({
        "_links": links,
        "message_uid": message.message_uid,
        "type": if automatic { "auto_reply" } else { "custom" },
        "is_inbound": message.is_inbound,
        "is_draft": false,
        "draft_mode": null,
        "error_type": message.error.as_ref().map(|_| "delivery"),
        "version": null,
        "created_at": message.created_at,
        "subject": message.subject,
        "blurb": message.text.chars().take(120).collect::<String>(),
        "body": message.body,
        "text": (!message.has_no_text).then_some(&message.text),
        "author": author(message, base),
        "recipients": recipients(message, base),
        "attachments": attachments(message, base),
        "signature": null,
        "metadata": metadata,
    });
    if let Some(id) = &message.id {
        value["id"] = json!(id);
    }
    value
}

fn author(message: &Message, base: &str) -> Value {
    let Some(name) = message.author.as_deref() else { return Value::Null };
    let id = format!("tea_{}", name.to_lowercase());
    json!({
        "_links": { "self": format!("{base}/teammates/{id}"), "related": {} },
        "id": id,
        "email": format!("{}@helpdesk.test", name.to_lowercase()),
        "username": name.to_lowercase(),
        "first_name": name,
        "last_name": "Example",
        "is_admin": false,
        "is_available": true,
        "is_blocked": false,
        "type": "user",
        "custom_fields": {},
    })
}

fn recipients(message: &Message, base: &str) -> Vec<Value> {
    let contact = |handle: &str| format!("{base}/contacts/crd_{}", handle.trim_start_matches('+'));
    let customer = if message.is_inbound { "from" } else { "to" };
    let object = |known: &super::model::Recipient| {
        let link = (known.role == customer).then(|| contact(&known.handle));
        json!({
            "_links": { "related": { "contact": link } },
            "name": known.name,
            "handle": known.handle,
            "role": known.role,
        })
    };
    message.recipients.iter().map(object).collect()
}

fn attachments(message: &Message, base: &str) -> Vec<Value> {
    let object = |file: &super::model::Attachment| {
        let mut metadata = json!({ "is_inline": file.cid.is_some() });
        if let Some(cid) = &file.cid {
            metadata["cid"] = json!(cid);
        }
        let owner = message.id.as_deref().unwrap_or_default();
        json!({
            "id": file.id,
            "url": format!("{base}/messages/{owner}/download/{}", file.id),
            "filename": file.filename,
            "content_type": file.content_type,
            "size": file.size,
            "metadata": metadata,
        })
    };
    message.attachments.iter().map(object).collect()
}
