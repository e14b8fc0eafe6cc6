//! What operators and their monitors ask over HTTP.

use serde_json::{Value, json};
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::{CUSTOMER, SUPPORT, Stack, eventually};

/// Asks for a backfill; gives status and answer.
async fn ask(stack: &Stack, channel: &str, query: &str, authorization: Option<&str>) -> (u16, Value) {
    let url = format!("{}/v1/admin/channels/{channel}/backfill{query}", stack.url());
    let mut request = reqwest::Client::new().post(url);
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn a_backfill_is_asked_for_with_the_admin_token_alone_and_brings_what_was_missed() {
    let stack = Stack::start().await;
    let id = stack.installed.channel.id.as_str();
    let key = format!("Bearer {}", stack.installed.api_key);
    for wrong in
        [None, Some("Bearer wrong"), Some("Bearer "), Some("admin"), Some("Basic admin"), Some(key.as_str())]
    {
        let (status, answer) = ask(&stack, id, "", wrong).await;
        assert_eq!(status, 401, "{wrong:?}");
        assert!(answer["error"].as_str().unwrap().contains("TWINWIRE_ADMIN_TOKEN"));
    }
    for unknown in ["chn_unknown", "%00"] {
        assert_eq!(ask(&stack, unknown, "", None).await.0, 401);
        assert_eq!(ask(&stack, unknown, "", Some("Bearer admin")).await.0, 404, "{unknown}");
    }
    assert_eq!(stack.count("select count(*) from backfills where requested_by = 'api'").await, 0);
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "The webhook was lost").await;
    for (query, kind) in [("?full=true", "full"), ("", "incremental")] {
        let (status, answer) = ask(&stack, id, query, Some("Bearer admin")).await;
        assert_eq!((status, &answer["kind"]), (202, &json!(kind)), "{answer}");
        let done =
            format!("select count(*) from backfills where state = 'done' and id = {}", answer["backfill"]);
        eventually("the backfill ends", || async { (stack.count(&done).await == 1).then_some(()) }).await;
    }
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["The webhook was lost"]);
}

#[tokio::test]
async fn statusz_says_what_the_process_is_and_what_waits() {
    let stack = Stack::start().await;
    let (status, body) = stack.get("/statusz").await;
    assert_eq!(status, 200);
    assert_eq!(body["database"], "ok");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert!(body["uptime_seconds"].is_u64());
    assert_eq!(body["channels"], json!({ "new": 0, "active": 1, "paused": 0, "deleted": 0 }));
    assert_eq!(body["messages"], json!({ "pending": 0, "parked": 0, "too_old": 0 }));
    assert_eq!(body["accounts_resting"], 0);
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage).times(100));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Waits").await.unwrap();
    eventually("the waiting message shows", || async {
        let (_, body) = stack.get("/statusz").await;
        (body["messages"]["pending"] == 1 && body["accounts_resting"] == 1).then_some(())
    })
    .await;
    // Nothing about people is in it.
    let (_, body) = stack.get("/statusz").await;
    assert!(!body.to_string().contains(SUPPORT) && !body.to_string().contains(CUSTOMER));
}
