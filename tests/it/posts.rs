//! Requests as the vendors make them, written by hand so that they can be wrong in one place.

use chrono::Utc;
use serde_json::{Value, json};
use twinwire_sandbox::{Answer, SignedRequest};
use twinwire_tests::{Stack, eventually};

/// An agent's message as Front posts it.
pub(crate) fn message(id: &str, to: &[&str], text: &str) -> Value {
    let mut recipients = vec![json!({ "role": "from", "handle": "cha_1@front.test", "name": null })];
    recipients.extend(to.iter().map(|handle| json!({ "role": "to", "handle": handle, "name": null })));
    json!({
        "type": "message",
        "payload": {
            "id": id,
            "_links": {
                "self": format!("https://acme.api.frontapp.com/messages/{id}"),
                "related": { "conversation": "https://acme.api.frontapp.com/conversations/cnv_1" },
            },
            "type": "custom",
            "is_inbound": false,
            "created_at": Utc::now().timestamp(),
            "body": format!("<p>{text}</p>"),
            "text": text,
            "recipients": recipients,
            "attachments": [],
        },
        "metadata": { "external_conversation_ids": [] },
    })
}

/// Where Front posts to for the stack's channel.
pub(crate) fn webhook_url(stack: &Stack) -> String {
    stack.installed.channel.install_url(&stack.url(), "message")
}

/// A signed request to the channel's own address.
pub(crate) fn signed(stack: &Stack, method: &str, body: &str) -> SignedRequest {
    stack.front.signed_request(method, &webhook_url(stack), Some(&stack.installed.api_key), body)
}

/// Posts a body to the channel's own address as Front does.
pub(crate) async fn front_posts(stack: &Stack, body: &Value) -> Answer {
    stack.front.post_raw(&signed(stack, "POST", &body.to_string())).await
}

/// The fields of a text as SignalWire posts it.
pub(crate) fn text(stack: &Stack, sid: &str, from: &str, to: &str, body: &str) -> Vec<(String, String)> {
    [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("AccountSid", &stack.signalwire.options().project),
        ("From", from),
        ("To", to),
        ("Body", body),
        ("NumMedia", "0"),
        ("SmsStatus", "received"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Posts fields to a hook as SignalWire does.
pub(crate) async fn signalwire_posts(stack: &Stack, url: &str, fields: &[(String, String)]) -> Answer {
    stack.signalwire.post_raw(&stack.signalwire.signed_form(url, fields)).await
}

/// What the tables hold of messages: rows, requests, conversations, records of the provider. What the vendors announce by
/// themselves has arrived by then, so that a difference between two looks comes from the test's own requests.
pub(crate) async fn stored(stack: &Stack) -> [i64; 4] {
    stack.front.quiet().await;
    stack.signalwire.quiet().await;
    [
        stack.count("select count(*) from messages").await,
        stack.count("select count(*) from webhook_log").await,
        stack.count("select count(*) from conversations").await,
        stack.count("select count(*) from provider_messages").await,
    ]
}

/// How many requests were refused for a reason, once the counts are written.
pub(crate) async fn refused(stack: &Stack, connector: &str, reason: &str, at_least: i64) -> i64 {
    eventually("refused requests are counted", || async {
        let count: Option<i64> = sqlx::query_scalar(
            "select sum(count)::bigint from webhook_refusals where connector = $1 and reason = $2",
        )
        .bind(connector)
        .bind(reason)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
        count.filter(|count| *count >= at_least)
    })
    .await
}

/// The answer is an error in Front's form; gives the words for the agent.
pub(crate) fn front_error(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, Some(status), "{answer:?}");
    assert!(answer.content_type.starts_with("application/json"), "{answer:?}");
    assert_eq!(answer.json["type"], "bad_request", "{answer:?}");
    let words = answer.json["message"].as_str().unwrap_or_default();
    assert!(words.len() > 20 && words.ends_with('.'), "{words:?} says little");
    words.to_owned()
}

/// The answer is a script that does nothing: anything else could reach the customer.
pub(crate) fn empty_script(answer: &Answer, status: u16) {
    assert_eq!(answer.status, Some(status), "{answer:?}");
    assert!(answer.content_type.starts_with("text/xml"), "{answer:?}");
    assert_eq!(answer.text, r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#);
}
