//! Lost keys: shown, made anew, forgotten; history and connection stay.

use super::*;
use twinwire_sandbox::front::ConnectError;

async fn admin(stack: &Stack, method: &str, rest: &str) -> (u16, Value) {
    let path = format!("/v1/admin/channels/{}/{rest}", stack.installed.channel.id);
    ask(stack, method, &path, None, "admin").await
}

#[tokio::test]
async fn a_key_made_anew_closes_the_old_one_at_once_and_the_channel_goes_on_with_it() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts(CUSTOMER, twinwire_tests::SUPPORT, "Before").await;
    stack.settle().await;
    assert_eq!(admin(&stack, "GET", "key").await.1["api_key"], stack.installed.api_key);
    let (status, made) = admin(&stack, "POST", "key/rotate").await;
    let key = made["api_key"].as_str().unwrap();
    assert!(status == 200 && key.starts_with("sk_") && key != stack.installed.api_key, "{made}");
    assert_eq!(admin(&stack, "GET", "key").await.1["api_key"], key);
    // Front still sends the old key.
    let sent = stack.front.agent_writes(&stack.channel, &[CUSTOMER], "With the old key").await.unwrap();
    assert_eq!(sent.answer.status, Some(401));
    let refused = stack.front.reauthorize(&stack.channel, &stack.installed.api_key).await;
    assert!(matches!(refused, Err(ConnectError::Refused { .. })), "{refused:?}");
    stack.front.reauthorize(&stack.channel, key).await.unwrap();
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "With the new key").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["With the new key"]);
    assert_eq!(stack.thread_texts(CUSTOMER), ["Before", "With the new key"]);
    let ids = format!("select count(*) from channels where helpdesk_channel_id = '{}'", stack.channel);
    assert_eq!(stack.count(&ids).await, 1);
}

#[tokio::test]
async fn credentials_that_are_forgotten_are_asked_anew_and_the_history_stays() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts(CUSTOMER, twinwire_tests::SUPPORT, "Before").await;
    stack.settle().await;
    let (status, begun) = admin(&stack, "POST", "reset").await;
    assert_eq!((status, &begun["channel"]), (201, &json!(stack.installed.channel.id)), "{begun}");
    let client = Client::of(&stack, begun["setup"].as_str().unwrap());
    let shown = client.look().await;
    assert_eq!((&shown["step"], &shown["setting"]), (&json!("ask"), &json!("token")), "{shown}");
    assert_eq!(shown["answered"], json!(["phone", "space", "project"]));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Waits").await.unwrap();
    let shown = client.say(json!({ "answer": usual("token") })).await;
    assert_eq!(shown["setting"], "signing_key", "{shown}");
    let shown = client.say(json!({ "answer": usual("signing_key") })).await;
    assert_eq!(shown["step"], "done", "{shown}");
    assert_eq!(shown["channel"], stack.installed.channel.id);
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Waits"]);
    assert_eq!(stack.thread_texts(CUSTOMER).first().map(String::as_str), Some("Before"));
    assert_eq!(admin(&stack, "GET", "key").await.1["api_key"], stack.installed.api_key);
}

#[tokio::test]
async fn credentials_that_serve_another_channel_are_not_forgotten_unasked() {
    let stack = Stack::start().await;
    let (_, shown) = Client::answered(&stack).await;
    let other = shown["channel"].as_str().unwrap();
    let (status, refused) = admin(&stack, "POST", "reset").await;
    assert!(status == 409 && refused["error"].as_str().unwrap().contains(other), "{refused}");
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Goes on").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Goes on"]);
    assert_eq!(admin(&stack, "POST", "reset?shared=true").await.0, 201);
}

#[tokio::test]
async fn keys_are_for_the_admin_alone() {
    let stack = Stack::start().await;
    let channel = &stack.installed.channel.id;
    for (method, rest) in [("GET", "key"), ("POST", "key/rotate"), ("POST", "reset")] {
        let path = format!("/v1/admin/channels/{channel}/{rest}");
        assert_eq!(ask(&stack, method, &path, None, "wrong").await.0, 401, "{rest}");
    }
    assert_eq!(admin(&stack, "GET", "key").await.1["api_key"], stack.installed.api_key);
    assert_eq!(ask(&stack, "GET", "/v1/admin/channels/chn_nobody/key", None, "admin").await.0, 404);
}
