//! Front's agents, and the channel's server that must answer them.

use std::time::Duration;

use serde_json::{Value, json};
use twinwire_sandbox::front::ConnectError;
use twinwire_sandbox::{Front, FrontOptions};

use crate::support::*;

#[tokio::test]
async fn connecting_posts_a_signed_authorization_and_keeps_the_webhook_url() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let seen = server.of_type("authorization").remove(0);
    assert!(seen.is_signed_by_front());
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/"));
    assert_eq!(seen.header("authorization"), "Bearer api-key-1");
    assert_eq!(seen.json()["payload"], json!({ "channel_id": channel.id }));
    assert_eq!(channel.webhook_url, format!("{}/hook", server.url));
    assert!(seen.header("x-front-request-timestamp").parse::<i64>().unwrap() > 1_700_000_000_000);
    front.reauthorize(&channel.id, "api-key-9").await.unwrap();
    front.agent_writes(&channel.id, &[ADA], "Hello").await.unwrap();
    assert_eq!(server.of_type("message")[0].header("authorization"), "Bearer api-key-9");
    assert_eq!(front.channels().len(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_or_names_no_address_gets_no_channel() {
    let server =
        Server::start(|_| (401, "application/json", json!({ "type": "bad_request" }).to_string())).await;
    let front = Front::start(FrontOptions::default()).await.unwrap();
    assert!(matches!(front.connect("k").await, Err(ConnectError::NoServerUrl)));
    front.set_server_url(&server.url);
    assert!(matches!(front.connect("k").await, Err(ConnectError::Refused { .. })));
    server.react(|_| (200, "application/json", json!({ "type": "success" }).to_string()));
    assert!(matches!(front.connect("k").await, Err(ConnectError::NoWebhookUrl { .. })));
    assert!(front.channels().is_empty());
}

#[tokio::test]
async fn a_new_message_takes_the_ids_of_the_answer_and_replies_carry_them() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let sent = front.agent_writes(&channel.id, &[ADA], "Hello <Ada>").await.unwrap();
    assert_eq!(sent.answer.status, Some(200));
    assert_eq!(sent.message.error, None);
    assert_eq!(sent.message.external_id.as_deref(), Some(sent.message.message_uid.as_str()));
    let first = server.of_type("message").remove(0);
    assert!(first.is_signed_by_front());
    let body = first.json();
    assert_eq!(body["metadata"], json!({ "external_conversation_ids": [] }));
    assert_eq!(
        (&body["payload"]["text"], &body["payload"]["body"]),
        (&json!("Hello <Ada>"), &json!("Hello &lt;Ada&gt;"))
    );
    assert_eq!(body["payload"]["recipients"][0]["role"], "from");
    assert_eq!(body["payload"]["recipients"][1]["handle"], ADA);
    assert_eq!(body["payload"]["metadata"], json!({ "headers": { "in_reply_to": null } }));

    let thread = front.conversations(&channel.id).remove(0);
    front.agent_replies(&channel.id, &thread.id, "Still there?").await.unwrap();
    let second = server.of_type("message").remove(1).json();
    assert_eq!(second["metadata"]["external_conversation_ids"], json!([format!("with {ADA}")]));

    let again = front.agent_writes(&channel.id, &[ADA], "A new thread").await.unwrap();
    assert_eq!(again.message.conversation_id, thread.id);
    assert_eq!(front.conversations(&channel.id).len(), 1);
    assert_eq!(front.messages(&channel.id, &thread.id).len(), 3);
}

#[tokio::test]
async fn an_automatic_reply_has_no_id_of_its_own() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let uid = sync_inbound(&front, &channel.id, "sid-1", "Hi").await.unwrap().json["message_uid"].clone();
    until("imported", || front.all_messages(&channel.id)[0].id.is_some()).await;
    front.autoreply(&channel.id, uid.as_str().unwrap(), "We are closed").await.unwrap();
    let body = server.of_type("message_autoreply").remove(0).json();
    let payload = &body["payload"];
    let original = front.all_messages(&channel.id)[0].id.clone().unwrap();
    assert_eq!((&payload["id"], &payload["_links"]["self"]), (&Value::Null, &Value::Null));
    assert_eq!((&payload["type"], &payload["author"]), (&json!("auto_reply"), &Value::Null));
    let link = payload["_links"]["related"]["message_replied_to"].as_str().unwrap();
    assert!(link.ends_with(&original));
    assert_eq!(payload["recipients"][1]["handle"], ADA);
    assert_eq!(body["metadata"]["external_conversation_ids"], json!([format!("with {ADA}")]));
}

#[tokio::test]
async fn the_agent_sees_why_a_message_was_not_sent() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let cases = [
        (400, json!({ "type": "bad_request", "message": "One recipient only" }), "One recipient only"),
        (500, json!({}), "The channel's servers are unresponsive"),
        (200, json!({ "type": "success" }), "The channel's servers answered without usable ids"),
        (
            200,
            json!({ "type": "success", "external_id": "x".repeat(201), "external_conversation_id": "c" }),
            "The channel's servers answered without usable ids",
        ),
    ];
    for (status, answer, expected) in cases {
        server.react(move |_| (status, "application/json", answer.to_string()));
        let sent = front.agent_writes(&channel.id, &[ADA], "Hello").await.unwrap();
        assert_eq!(sent.message.error.as_deref(), Some(expected));
    }
    server.react(|_| {
        std::thread::sleep(Duration::from_secs(2));
        (200, "application/json", String::new())
    });
    let sent = front.agent_writes(&channel.id, &[ADA], "Hello").await.unwrap();
    assert_eq!(sent.answer.status, None);
    assert!(sent.answer.problem.unwrap().starts_with("timeout"));
    assert_eq!(front.failures(&channel.id).len(), 5);
}

#[tokio::test]
async fn a_request_can_be_posted_twice_or_tampered_with() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let order = front.message_request(&channel.id, None, &[ADA], "Hello").unwrap();
    front.post(&order).await.unwrap();
    front.post(&order).await.unwrap();
    front.post_raw(&order.request.clone().with_body("{}")).await;
    let seen = server.seen();
    assert_eq!((&seen[1].body, &seen[1].headers), (&seen[2].body, &seen[2].headers));
    assert!(seen[2].is_signed_by_front() && !seen[3].is_signed_by_front());
    assert_eq!(front.all_messages(&channel.id).len(), 1);
}

#[tokio::test]
async fn a_channel_is_deleted_with_a_body_or_without() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    let other = front.connect("api-key-2").await.unwrap();
    assert_eq!(front.delete_channel(&channel.id).await.unwrap().status, Some(200));
    front.delete_channel_empty_body(&other.id).await.unwrap();
    let seen: Vec<Seen> = server.seen().into_iter().filter(|seen| seen.method == "DELETE").collect();
    assert_eq!(seen[0].json(), json!({ "type": "delete", "payload": { "channel_id": channel.id } }));
    assert_eq!((seen[1].body.as_str(), seen[1].header("authorization")), ("", "Bearer api-key-2"));
    assert!(seen.iter().all(Seen::is_signed_by_front));
    assert!(front.agent_writes(&channel.id, &[ADA], "Hello").await.is_err());
    assert_eq!(sync_inbound(&front, &channel.id, "a", "Hi").await.unwrap().status, 401);
}
