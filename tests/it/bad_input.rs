//! What is wrong is refused in the vendor's own form, and leaves nothing behind but a count.

use crate::posts::{
    empty_script, front_error, front_posts, message, refused, signalwire_posts, signed, stored, text,
    webhook_url,
};
use chrono::Utc;
use serde_json::{Value, json};
use twinwire_sandbox::SignedRequest;
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Setting, Stack};

/// What is wrong with a request of Front, the request, and the reason under which it is counted.
type Wrong = (&'static str, SignedRequest, &'static str);

fn unauthenticated(stack: &Stack, url: &str) -> Vec<Wrong> {
    let order = message("msg_1", &[CUSTOMER], "Never stored").to_string();
    let key = Some(stack.installed.api_key.as_str());
    let good = || stack.front.signed_request("POST", url, key, &order);
    let (name, time) = ("X-Front-Signature", "X-Front-Request-Timestamp");
    let signature = good().headers.iter().find(|(header, _)| header == name).unwrap().1.clone();
    let at = |timestamp| stack.front.signed_request_at("POST", url, key, &order, timestamp);
    let (ms, s) = (Utc::now().timestamp_millis(), Utc::now().timestamp());
    vec![
        ("a wrong signature", good().with_header(name, &format!("{}=", "A".repeat(43))), "invalid signature"),
        ("no base64", good().with_header(name, "!!"), "invalid signature"),
        ("a shortened signature", good().with_header(name, &signature[..40]), "invalid signature"),
        ("no signature", good().without_header(name), "missing signature"),
        ("an empty signature", good().with_header(name, ""), "missing signature"),
        ("no timestamp", good().without_header(time), "missing signature"),
        ("another body", good().with_body(&order.replace("Never", "Always")), "invalid signature"),
        ("white space added", good().with_body(&format!("{order} ")), "invalid signature"),
        ("another timestamp", good().with_header(time, &(ms - 60_000).to_string()), "invalid signature"),
        ("five minutes old", at(ms - 301_000), "stale timestamp"),
        ("five minutes ahead", at(ms + 305_000), "stale timestamp"),
        ("five minutes old, in seconds", at(s - 301), "stale timestamp"),
        ("five minutes ahead, in seconds", at(s + 305), "stale timestamp"),
        ("no time at all", at(0), "stale timestamp"),
        ("a negative time", at(-ms), "stale timestamp"),
        ("another key", good().with_header("Authorization", "Bearer sk_wrong"), "unknown key"),
    ]
}

#[tokio::test]
async fn a_request_that_is_not_fronts_is_refused_and_nothing_but_a_count_is_stored() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let one_url = format!("{}/v1/install/front_signalwire/channel", stack.url());
    let mut all = unauthenticated(&stack, &webhook_url(&stack));
    all.extend(unauthenticated(&stack, &one_url));
    let authorization = json!({ "type": "authorization", "payload": { "channel_id": "cha_1" } }).to_string();
    let url = format!("{}/v1/install/front_signalwire/authorization", stack.url());
    for (problem, key, reason) in [
        ("no key", None, "missing key"),
        ("an unknown key", Some("sk_unknown"), "unknown key"),
        ("an empty key", Some(""), "missing key"),
    ] {
        all.push((problem, stack.front.signed_request("POST", &url, key, &authorization), reason));
    }
    let basic = stack.front.signed_request("POST", &url, None, &authorization);
    all.push(("another scheme", basic.with_header("Authorization", "Basic c2s6"), "missing key"));
    for (problem, request, _) in &all {
        let answer = stack.front.post_raw(request).await;
        assert_eq!(answer.status, Some(401), "{problem} at {}: {answer:?}", request.url);
        front_error(&answer, 401);
    }
    assert_eq!(stored(&stack).await, before);
    let id: String =
        sqlx::query_scalar("select helpdesk_channel_id from channels").fetch_one(&stack.pool).await.unwrap();
    assert_eq!(id, stack.channel);
    for reason in ["missing signature", "invalid signature", "stale timestamp", "missing key", "unknown key"]
    {
        let expected = i64::try_from(all.iter().filter(|(_, _, why)| *why == reason).count()).unwrap();
        assert_eq!(refused(&stack, "front", reason, expected).await, expected, "{reason}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_is_refused_with_words_for_the_agent() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let with = |change: fn(&mut Value)| {
        let mut order = message("msg_1", &[CUSTOMER], "Hello");
        change(&mut order);
        order.to_string()
    };
    let to = |handles: &[&str]| message("msg_1", handles, "Hello").to_string();
    for (body, words) in [
        ("{\"type\":\"message\",".to_owned(), "not valid JSON"),
        (String::new(), "not valid JSON"),
        ("[]".to_owned(), "not valid JSON"),
        ("\u{1F642}".to_owned(), "not valid JSON"),
        ("{\"payload\":{}}".to_owned(), "type"),
        ("{\"type\":\"message\"}".to_owned(), "no text"),
        ("{\"type\":\"message\",\"payload\":null}".to_owned(), "no text"),
        (with(|order| drop(order["payload"]["id"].take())), "without an id"),
        (with(|order| drop(order["payload"]["recipients"].take())), "no recipient"),
        (with(|order| order["payload"]["recipients"] = json!([])), "no recipient"),
        (with(|order| order["payload"]["recipients"][1]["role"] = "cc".into()), "no recipient"),
        (with(|order| order["payload"]["recipients"] = "all".into()), "no recipient"),
        (to(&["someone@example.test"]), "someone@example.test"),
        (to(&["+1202"]), "country code"),
        (to(&["12"]), "country code"),
        (to(&[""]), "country code"),
        (to(&["+120255501471234567"]), "country code"),
        (to(&[CUSTOMER, "nobody"]), "nobody"),
        (to(&["nobody", CUSTOMER]), "sent to nobody"),
        (with(|order| order["payload"]["text"] = "".into()), "no text"),
        (with(|order| order["payload"]["text"] = " \n ".into()), "no text"),
        (with(|order| drop(order["payload"]["text"].take())), "no text"),
        ("{\"type\":\"authorization\",\"payload\":{}}".to_owned(), "which channel"),
        ("{\"type\":\"authorization\"}".to_owned(), "which channel"),
    ] {
        let answer = stack.front.post_raw(&signed(&stack, "POST", &body)).await;
        assert_eq!(answer.status, Some(400), "{body}: {answer:?}");
        let said = front_error(&answer, 400);
        assert!(said.contains(words), "{said:?} of {body}");
    }
    assert_eq!(stored(&stack).await, before);
    stack.settle().await;
    assert!(stack.signalwire.messages().is_empty());
}

#[tokio::test]
async fn of_two_recipients_with_one_bad_nobody_gets_anything() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let sent = stack.front.agent_writes(&stack.channel, &[CUSTOMER, "+99912", OTHER_CUSTOMER], "Hi").await;
    let sent = sent.unwrap();
    front_error(&sent.answer, 400);
    assert!(sent.message.error.is_some(), "the agent sees it");
    assert_eq!(stored(&stack).await, before);
    stack.settle().await;
    assert!(stack.signalwire.messages().is_empty());
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_refused_in_the_vendors_form() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    for length in [1024 * 1024 + 1, 6 * 1024 * 1024] {
        let body = "x".repeat(length);
        front_error(&stack.front.post_raw(&signed(&stack, "POST", &body)).await, 413);
        let fields = text(&stack, "sid-long", CUSTOMER, SUPPORT, &body);
        empty_script(&signalwire_posts(&stack, &stack.hook_url("inbound"), &fields).await, 413);
        let answer = signalwire_posts(&stack, &stack.hook_url("status"), &fields).await;
        assert_eq!(answer.status, Some(413));
    }
    assert_eq!(stored(&stack).await, before);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let stack = Stack::start().await;
    let (base, id) = (stack.url(), &stack.installed.channel.id);
    let order = message("msg_1", &[CUSTOMER], "Hello").to_string();
    let key = Some(stack.installed.api_key.as_str());
    for path in [
        "/v1/install/front_signalwire/message/chn_unknown".to_owned(),
        format!("/v1/install/front_signalwire/message/{id}x"),
        format!("/v1/install/front_signalwire/message/{id}%00"),
    ] {
        for key in [key, None] {
            let request = stack.front.signed_request("POST", &format!("{base}{path}"), key, &order);
            front_error(&stack.front.post_raw(&request).await, 404);
        }
    }
    for path in [
        format!("/v1/install/front_twilight/message/{id}"),
        "/v1/install/front_twilight/channel".to_owned(),
        format!("/v1/hooks/twilight/{id}/inbound"),
        "/v1/install".to_owned(),
        "/nope".to_owned(),
    ] {
        let request = stack.front.signed_request("POST", &format!("{base}{path}"), key, &order);
        let answer = stack.front.post_raw(&request).await;
        assert_eq!(answer.status, Some(404), "{path}");
        assert!(!answer.text.is_empty(), "{path}: a person would see an empty page");
    }
    let fields = text(&stack, "sid-1", CUSTOMER, SUPPORT, "Hello");
    for path in ["/v1/hooks/signalwire/chn_unknown/inbound", "/v1/hooks/signalwire/%00/inbound"] {
        empty_script(&signalwire_posts(&stack, &format!("{base}{path}"), &fields).await, 404);
    }
    // A helpdesk's name is no provider's.
    let answer = signalwire_posts(&stack, &format!("{base}/v1/hooks/front/{id}/inbound"), &fields).await;
    assert_eq!(answer.status, Some(404));
    assert!(stack.rows().await.is_empty());
}

#[tokio::test]
async fn hooks_take_only_the_methods_that_vendors_use() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let order = message("msg_1", &[CUSTOMER], "Hello").to_string();
    for method in ["GET", "PUT", "PATCH"] {
        let mut request = signed(&stack, method, &order);
        front_error(&stack.front.post_raw(&request).await, 405);
        request.url = format!("{}/v1/install/front_signalwire/channel", stack.url());
        front_error(&stack.front.post_raw(&request).await, 405);
    }
    let fields = text(&stack, "sid-1", CUSTOMER, SUPPORT, "Hello");
    let mut request = stack.signalwire.signed_form(&stack.hook_url("inbound"), &fields);
    for method in ["GET", "PUT", "DELETE"] {
        request.method = method.to_owned();
        empty_script(&stack.signalwire.post_raw(&request).await, 405);
    }
    // By GET SignalWire is not known to sign; what refuses it says what to do.
    let by_get = stack.signalwire.signed_query(&stack.hook_url("status"), &fields);
    let answer = stack.signalwire.post_raw(&by_get).await;
    assert_eq!(answer.status, Some(405), "{answer:?}");
    assert!(answer.json["message"].as_str().unwrap().contains("POST"), "{answer:?}");
    assert_eq!(stored(&stack).await, before);
}

#[tokio::test]
async fn a_request_that_is_not_signalwires_gets_an_empty_script_and_leaves_only_a_count() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let name = "X-SignalWire-Signature";
    let good = text(&stack, "sid-1", CUSTOMER, SUPPORT, "Hello");
    let mut other = good.clone();
    for (_, value) in other.iter_mut().filter(|(name, _)| name == "AccountSid") {
        *value = "2f0f6c1e-0000-4d0b-9c7e-0c1d5b1f7a10".to_owned();
    }
    for hook in ["inbound", "status"] {
        let url = stack.hook_url(hook);
        let request = || stack.signalwire.signed_form(&url, &good);
        let tampered = request().body.replace("Hello", "Hullo");
        let moved = SignedRequest { url: format!("{url}?ref=msg_1-{CUSTOMER}"), ..request() };
        for (problem, request) in [
            ("a wrong signature", request().with_header(name, "QUFBQUFBQUFBQUFBQUFBQUFBQUE=")),
            ("no signature", request().without_header(name)),
            ("an empty signature", request().with_header(name, "")),
            ("another body", request().with_body(&tampered)),
            ("another address", moved),
            ("another account", stack.signalwire.signed_form(&url, &other)),
        ] {
            let answer = stack.signalwire.post_raw(&request).await;
            assert_eq!(answer.status, Some(401), "{problem} on {hook}: {answer:?}");
            if hook == "inbound" {
                empty_script(&answer, 401);
            }
        }
    }
    assert_eq!(stored(&stack).await, before);
    for (reason, count) in [("invalid signature", 6), ("missing signature", 4), ("other account", 2)] {
        assert_eq!(refused(&stack, "signalwire", reason, count).await, count, "{reason}");
    }
}

#[tokio::test]
async fn a_text_without_an_id_is_refused_with_an_empty_script() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let mut fields = text(&stack, "sid-1", CUSTOMER, SUPPORT, "Hello");
    fields.retain(|(name, _)| name != "MessageSid" && name != "SmsSid");
    empty_script(&signalwire_posts(&stack, &stack.hook_url("inbound"), &fields).await, 400);
    empty_script(&signalwire_posts(&stack, &stack.hook_url("inbound"), &[]).await, 400);
    for hook in ["status", "sideways"] {
        let answer = signalwire_posts(&stack, &stack.hook_url(hook), &fields).await;
        assert_eq!(answer.status, Some(400), "{hook}: {answer:?}");
    }
    assert_eq!(stored(&stack).await, before);
}

#[tokio::test]
async fn a_text_that_does_not_say_from_whom_waits_for_the_list_to_say_it() {
    let stack = Stack::with(Setting { webhooks: false, ..Setting::default() }).await;
    let sid = stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "It is me").await;
    for missing in ["From", "To"] {
        let mut fields = text(&stack, &sid, CUSTOMER, SUPPORT, "It is me");
        fields.retain(|(name, _)| name != missing);
        empty_script(&signalwire_posts(&stack, &stack.hook_url("inbound"), &fields).await, 200);
        assert_eq!(stack.rows().await.len(), usize::from(missing == "To"), "without {missing}");
        if missing == "From" {
            stack.backfill(Kind::Full).await;
        }
    }
    stack.settle().await;
    assert_eq!(stack.rows().await[0].conversation, CUSTOMER);
    assert_eq!(stack.thread_texts(CUSTOMER), ["It is me"]);
}

#[tokio::test]
async fn a_repeated_message_with_another_text_changes_nothing() {
    let stack = Stack::start().await;
    let first = front_posts(&stack, &message("msg_1", &[CUSTOMER], "As written")).await;
    let second = front_posts(&stack, &message("msg_1", &[CUSTOMER], "As changed")).await;
    assert_eq!((first.status, first.text), (second.status, second.text));
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["As written"]);
}
