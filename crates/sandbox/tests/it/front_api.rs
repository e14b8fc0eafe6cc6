//! Front's Channel API.

use serde_json::json;
use twinwire_sandbox::{Front, FrontOptions};

use crate::support::*;

#[tokio::test]
async fn only_a_short_token_of_the_right_key_app_and_channel_is_let_in() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let other = front.connect("api-key-2").await.unwrap();
    let url = format!("{}/channels/{}/inbound_messages", front.url(), channel.id);
    let body = inbound("a", "Hello").to_string();
    let cases = [
        (token(SECRET, APP, &channel.id, 25), 202),
        (token(SECRET, APP, &channel.id, 30), 202),
        (token(SECRET, APP, &channel.id, -5), 401),
        (token(SECRET, APP, &channel.id, 120), 401),
        (token(SECRET, APP, &other.id, 25), 401),
        (token(SECRET, "another_app", &channel.id, 25), 401),
        (token("another_secret", APP, &channel.id, 25), 401),
        ("Bearer api-key-1".to_owned(), 401),
        (String::new(), 401),
    ];
    for (auth, expected) in cases {
        let got = call("POST", &url, &auth, "application/json", &body).await.unwrap();
        assert_eq!(got.status, expected, "{auth} {}", got.text);
        assert_eq!(got.json["_error"]["message"].is_string(), expected == 401);
        assert!(got.headers.contains_key("x-ratelimit-remaining"));
    }
    assert_eq!(front.all_messages(&channel.id).len(), 2);
    front.stop().await;
}

#[tokio::test]
async fn a_message_that_breaks_a_rule_of_the_reference_is_refused() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let good = json!({
        "to": [{ "handle": ADA }], "body": "Hello",
        "metadata": { "external_id": "x".repeat(200), "external_conversation_id": "c" },
    });
    let with = |name: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let cases = [
        (good.clone(), 202),
        (with("to", json!({ "handle": ADA })), 400),
        (with("to", json!([{ "name": "Ada" }])), 400),
        (with("body", json!(null)), 400),
        (with("delivered_at", json!("2026-11-21")), 400),
        (with("delivered_at", json!(1_790_000_000)), 202),
        (with("metadata", json!({ "external_id": "x".repeat(201), "external_conversation_id": "c" })), 400),
        (with("metadata", json!({ "external_id": "x" })), 400),
    ];
    let path = format!("/channels/{}/outbound_messages", channel.id);
    for (body, expected) in cases {
        let got = as_channel(&front, &channel.id, "POST", &path, &body).await.unwrap();
        assert_eq!(got.status, expected, "{body} {}", got.text);
    }
    let got = sync_inbound(&front, &channel.id, &"x".repeat(201), "Hello").await.unwrap();
    assert_eq!(got.status, 400);
    assert_eq!(front.all_messages(&channel.id).len(), 2);
}

#[tokio::test]
async fn an_accepted_message_is_announced_by_a_signed_message_imported() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let got = sync_inbound(&front, &channel.id, "sid-1", "Hello").await.unwrap();
    assert_eq!((got.status, &got.json["status"]), (202, &json!("accepted")));
    let uid = got.json["message_uid"].as_str().unwrap().to_owned();
    until("message_imported", || !server.of_type("message_imported").is_empty()).await;
    let seen = server.of_type("message_imported").remove(0);
    assert!(seen.is_signed_by_front());
    assert_eq!((seen.path.as_str(), seen.header("authorization")), ("/hook", "Bearer api-key-1"));
    let body = seen.json();
    assert_eq!(body["payload"]["message_uid"], uid.as_str());
    assert_eq!(body["payload"]["metadata"]["external_id"], "sid-1");
    assert_eq!(body["metadata"]["external_conversation_ids"], json!([format!("with {ADA}")]));
    let id = body["payload"]["id"].as_str().unwrap();
    assert!(id.starts_with("msg_") && body["payload"]["created_at"].is_f64());
    for name in [id.to_owned(), format!("alt:uid:{uid}")] {
        let path = format!("/messages/{name}");
        let got = as_channel(&front, &channel.id, "GET", &path, &json!(null)).await.unwrap();
        assert_eq!((got.status, &got.json["id"]), (200, &json!(id)), "{}", got.text);
    }
}

#[tokio::test]
async fn the_same_external_id_twice_makes_two_messages_of_one_conversation() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    for _ in 0..2 {
        assert_eq!(sync_inbound(&front, &channel.id, "sid-1", "Hello").await.unwrap().status, 202);
    }
    assert_eq!(front.conversations(&channel.id).len(), 1);
    assert_eq!(front.messages(&channel.id, &format!("with {ADA}")).len(), 2);
    assert_eq!(front.duplicates(&channel.id).len(), 1);
}

#[tokio::test]
async fn only_failed_and_only_for_outbound_messages_can_be_reported() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let sent = front.agent_writes(&channel.id, &[ADA], "Hello").await.unwrap();
    sync_inbound(&front, &channel.id, "theirs/1", "Hi").await.unwrap();
    let ours = sent.message.external_id.unwrap();
    let thread = "with %2B15550100002";
    let path = |conversation: &str, message: &str| {
        format!("/channels/{}/conversations/{conversation}/messages/{message}/status", channel.id)
            .replace(' ', "%20")
    };
    let failed = json!({ "status": "failed", "reason": "Unreachable" });
    let cases = [
        (path(thread, &ours), json!({ "status": "delivered" }), 400),
        (path(thread, "theirs%2F1"), failed.clone(), 400),
        (path(thread, "nobody's"), failed.clone(), 404),
        (path("nobody's", &ours), failed.clone(), 404),
        (path(thread, &ours), failed.clone(), 204),
    ];
    for (path, body, expected) in cases {
        let got = as_channel(&front, &channel.id, "PUT", &path, &body).await.unwrap();
        assert_eq!(got.status, expected, "{path} {}", got.text);
    }
    let failures = front.failures(&channel.id);
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].error.as_deref(), Some("Unreachable"));
    assert_eq!(front.conversations(&channel.id)[0].reopened, 1);
}

#[tokio::test]
async fn files_come_as_multipart_and_are_dropped_from_json() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let part = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = "--edge\r\nContent-Disposition: form-data; name=\"attachments[0]\"; filename=\"cat.png\"\r\n\
                Content-Type: image/png\r\n\r\nmeow\r\n--edge--\r\n";
    let text = [
        part("to[0][handle]", ADA),
        part("body", "A cat"),
        part("delivered_at", "1790000000"),
        part("metadata[external_id]", "mms-1"),
        part("metadata[external_conversation_id]", "c"),
        file.to_owned(),
    ];
    let url = format!("{}/channels/{}/outbound_messages", front.url(), channel.id);
    let auth = token(SECRET, APP, &channel.id, 25);
    let got = call("POST", &url, &auth, "multipart/form-data; boundary=edge", &text.concat()).await.unwrap();
    assert_eq!(got.status, 202, "{}", got.text);
    let message = front.messages(&channel.id, "c").remove(0);
    assert_eq!((message.handle("to"), message.created_at), (ADA, 1_790_000_000.0));
    assert_eq!((message.attachments[0].filename.as_str(), message.attachments[0].size), ("cat.png", 4));
    let mut json = inbound("b", "Hello");
    json["attachments"] = json!(["cat.png"]);
    let path = format!("/channels/{}/inbound_messages", channel.id);
    assert_eq!(as_channel(&front, &channel.id, "POST", &path, &json).await.unwrap().status, 202);
    assert!(front.all_messages(&channel.id)[1].attachments.is_empty());
}

#[tokio::test]
async fn pages_of_a_conversation_do_not_shift_when_messages_arrive() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    for n in 0..5 {
        sync_inbound(&front, &channel.id, &format!("sid-{n}"), &format!("{n}")).await.unwrap();
    }
    let ready = || front.all_messages(&channel.id).iter().all(|message| message.id.is_some());
    until("all imported", ready).await;
    let thread = front.conversations(&channel.id).remove(0).id;
    let mut path = format!("/conversations/{thread}/messages?limit=2");
    let mut read = Vec::new();
    loop {
        let got = as_channel(&front, &channel.id, "GET", &path, &json!(null)).await.unwrap();
        assert_eq!(got.status, 200);
        for row in got.json["_results"].as_array().unwrap() {
            read.push(row["metadata"]["external_id"].as_str().unwrap().to_owned());
        }
        sync_inbound(&front, &channel.id, &format!("late-{}", read.len()), "late").await.unwrap();
        until("all imported", ready).await;
        match got.json["_pagination"]["next"].as_str() {
            Some(next) => path = next.strip_prefix(&front.url()).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(read, ["sid-4", "sid-3", "sid-2", "sid-1", "sid-0"]);
    let other = front.connect("api-key-2").await.unwrap();
    let path = format!("/conversations/{thread}/messages");
    assert_eq!(as_channel(&front, &other.id, "GET", &path, &json!(null)).await.unwrap().status, 401);
}

#[tokio::test]
async fn a_channel_can_be_marked_offline() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let path = format!("/channels/{}", channel.id);
    for (status, expected) in [("asleep", 400), ("offline", 204)] {
        let body = json!({ "status": status });
        let got = as_channel(&front, &channel.id, "PATCH", &path, &body).await.unwrap();
        assert_eq!(got.status, expected);
    }
    assert_eq!(front.channels()[0].status, "offline");
    assert_eq!(front.snapshot()["channels"][0]["status"], "offline");
    assert_eq!(front.requests().len(), 2);
}

#[tokio::test]
async fn a_rate_limit_is_enforced_where_one_is_set() {
    let front = Front::start(FrontOptions { rate_limit: Some(2), ..FrontOptions::default() }).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let got = call("GET", &format!("{}/messages/x", front.url()), "", "text/plain", "").await.unwrap();
        let remaining = got.headers["x-ratelimit-remaining"].to_str().unwrap().to_owned();
        seen.push((got.status, remaining, got.headers.contains_key("retry-after")));
    }
    let of = |status: u16, remaining: &str, again| (status, remaining.to_owned(), again);
    assert_eq!(seen, [of(401, "1", false), of(401, "0", false), of(429, "0", true)]);
}
