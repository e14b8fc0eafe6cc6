//! What Front posts for a message of an agent, signed as Front signs it (Front's channel documentation, read 2026-11).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::Sha256;

/// The app's id and its secret.
pub(crate) const APP: (&str, &str) = ("app_bench", "front app secret of the bench");

/// How many people a load writes to. Each is a conversation.
pub(crate) const PEOPLE: u64 = 1000;

/// The number of the `n`th person.
pub(crate) fn person(n: u64) -> String {
    format!("+1202556{:04}", n % PEOPLE)
}

/// An agent's message, the `n`th of a run.
pub(crate) fn message(run: &str, n: u64) -> String {
    let at = Utc::now().timestamp_micros();
    let seconds = format!("{}.{:03}", at / 1_000_000, at / 1000 % 1000);
    let id = format!("msg_{run}{n}");
    let api = "https://api2.frontapp.com";
    let conversation = format!("{api}/conversations/cnv_{run}{}", n % PEOPLE);
    json!({
        "type": "message",
        "payload": {
            "_links": {
                "self": format!("{api}/messages/{id}"),
                "related": { "conversation": conversation, "message_seen": format!("{api}/messages/{id}/seen") },
            },
            "id": id,
            "message_uid": format!("uid{run}{n}"),
            "type": "custom",
            "is_inbound": false,
            "is_draft": false,
            "draft_mode": null,
            "error_type": null,
            "version": null,
            "created_at": seconds.parse::<f64>().unwrap_or_default(),
            "subject": null,
            "blurb": "Thank you for waiting. Your order has left our warehouse",
            "body": "<p>Thank you for waiting. Your order has left our warehouse and is with you tomorrow.</p>",
            "text": format!("Thank you for waiting. Your order {n} has left our warehouse and is with you tomorrow."),
            "author": { "id": "tea_1", "email": "kim@helpdesk.test", "username": "kim", "first_name": "Kim",
                "last_name": "Example", "is_admin": false, "is_available": true, "is_blocked": false },
            "recipients": [
                { "_links": { "related": { "contact": null } }, "name": null, "handle": "support", "role": "from" },
                { "_links": { "related": { "contact": format!("{api}/contacts/crd_{}", n % PEOPLE) } },
                  "name": null, "handle": person(n), "role": "to" },
            ],
            "attachments": [],
            "signature": null,
            "metadata": { "headers": { "in_reply_to": null } },
        },
        "metadata": { "external_conversation_ids": [] },
    })
    .to_string()
}

/// The word of Front's that a channel is connected.
pub(crate) fn authorization(channel: &str) -> String {
    json!({ "type": "authorization", "payload": { "channel_id": channel } }).to_string()
}

/// A body as a signed request.
pub(crate) fn signed(url: &str, key: &str, body: String) -> anyhow::Result<Request<Full<Bytes>>> {
    let timestamp = Utc::now().timestamp().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(APP.1.as_bytes())?;
    for part in [timestamp.as_bytes(), b":", body.as_bytes()] {
        mac.update(part);
    }
    let request = Request::post(url)
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .header("x-front-request-timestamp", timestamp)
        .header("x-front-signature", STANDARD.encode(mac.finalize().into_bytes()));
    Ok(request.body(Full::from(body))?)
}

/// Our id of a message, as the answer gives it.
pub(crate) fn external_id(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    Some(answer["external_id"].as_str()?.to_owned())
}
