//! What is done by the buttons, and by whom.

use super::*;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::{CUSTOMER, SUPPORT, eventually};

/// A message that was put aside. Gives its number.
async fn parked(stack: &Stack) -> i64 {
    let refuse = Fault::Refuse { status: 400, code: 21211, message: "Invalid 'To' number".to_owned() };
    stack.signalwire.faults().add(Rule::new(refuse).on(Operation::SendMessage).times(1));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Refused at first").await.unwrap();
    stack.settle().await;
    stack.count("select seq from messages where parked is not null").await
}

#[tokio::test]
async fn a_message_that_was_put_aside_is_tried_anew_from_its_page() {
    let stack = Stack::start().await;
    let seq = parked(&stack).await;
    assert_eq!(stack.texts_to(CUSTOMER), Vec::<String>::new());
    let mut visitor = Visitor::with(&stack, "operate").await;
    let page = visitor.get("/messages?state=parked").await;
    page.has(&format!("action=\"/messages/{seq}/retry\""));
    let page = visitor.get(&format!("/messages/{seq}")).await;
    page.has("What happens next");
    page.has(">Retry</button>");
    let done = visitor.act(&format!("/messages/{seq}/retry"), &[]).await;
    assert_eq!((done.status, done.header("location")), (303, &*format!("/messages/{seq}?done=retried")));
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Refused at first"]);
    let page = visitor.get(done.header("location")).await;
    page.has("It is tried anew.");
    page.lacks(">Retry</button>");
    // Once more is refused in the API's words.
    let page = visitor.act(&format!("/messages/{seq}/retry"), &[]).await;
    assert_eq!(page.status, 409);
    page.has("role=\"alert\"");
}

#[tokio::test]
async fn who_may_only_read_sees_no_buttons_and_does_nothing_without_them() {
    let stack = Stack::start().await;
    let seq = parked(&stack).await;
    let channel = format!("/channels/{}", stack.installed.channel.id);
    let mut reader = Visitor::with(&stack, "read").await;
    for path in ["/messages", &format!("/messages/{seq}"), &channel, "/jobs", "/webhooks"] {
        let page = reader.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for (form, _) in
            page.text.match_indices("method=\"post\" action=\"").map(|(at, _)| page.text[at..].split_at(60))
        {
            assert!(form.contains("/sign-out"), "{path}: {form}");
        }
    }
    for path in [
        format!("/messages/{seq}/retry"),
        format!("{channel}/pause"),
        format!("{channel}/backfill"),
        "/webhooks/1/replay".to_owned(),
        "/jobs/1/cancel".to_owned(),
    ] {
        let page = reader.act(&path, &[]).await;
        assert_eq!(page.status, 403, "{path}");
        page.has("This needs a token of scope operate; this one has read.");
    }
    let page = reader.act(&format!("/messages/{seq}/settle"), &[("answer", "lost")]).await;
    assert_eq!(page.status, 403);
    assert_eq!(stack.count("select count(*) from messages where parked is null").await, 0);
    assert_eq!(stack.count("select count(*) from jobs where kind = 'replay'").await, 0);
    let raw = stack.count("select min(id) from webhook_log").await;
    assert_eq!(reader.get(&format!("/webhooks/{raw}?raw=yes")).await.status, 403);
}

#[tokio::test]
async fn a_channel_is_paused_and_goes_on_and_a_backfill_is_followed() {
    let stack = Stack::start().await;
    let channel = format!("/channels/{}", stack.installed.channel.id);
    let mut visitor = Visitor::with(&stack, "operate").await;
    let page = visitor.act(&format!("{channel}/pause"), &[]).await;
    let page = visitor.get(page.header("location")).await;
    page.has("The channel is paused");
    page.has("Let it go on");
    assert_eq!(stack.count("select count(*) from channels where state = 'paused'").await, 1);
    let page = visitor.act(&format!("{channel}/resume"), &[]).await;
    visitor.get(page.header("location")).await.has("The channel goes on.");
    assert_eq!(stack.count("select count(*) from channels where state = 'active'").await, 1);
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "The webhook was lost").await;
    let page = visitor.act(&format!("{channel}/backfill"), &[("full", "yes")]).await;
    assert_eq!((page.status, page.header("location")), (303, "/jobs?done=backfill"));
    let over = "select count(*) from backfills where kind = 'full' and state = 'done'";
    eventually("it ends", || async { (stack.count(over).await == 1).then_some(()) }).await;
    let page = visitor.get("/jobs?done=backfill").await;
    for words in ["The backfill is asked for", "full", "1 inserted", "state done", "<progress value=\"1\""] {
        page.has(words);
    }
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["The webhook was lost"]);
    // It is written down who asked for it.
    let by = "select count(*) from backfills where kind = 'full' and requested_by like 'token operate-%'";
    assert_eq!(stack.count(by).await, 1);
    assert_eq!(visitor.act(&format!("{channel}/explode"), &[]).await.status, 404);
    assert_eq!(visitor.act("/channels/chn_nobody/pause", &[]).await.status, 404);
}

#[tokio::test]
async fn a_logged_request_is_shown_as_received_on_demand_and_taken_again() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Sent once").await;
    stack.settle().await;
    let id = stack.count("select max(id) from webhook_log where hook = 'inbound'").await;
    let mut visitor = Visitor::with(&stack, "operate").await;
    let page = visitor.get(&format!("/webhooks/{id}")).await;
    page.lacks("Sent");
    visitor.get(&format!("/webhooks/{id}?raw=yes")).await.has("Sent+once");
    let page = visitor.act(&format!("/webhooks/{id}/replay"), &[]).await;
    assert_eq!(page.header("location"), "/jobs?done=replay");
    eventually("it is done", || async {
        (stack.count("select count(*) from jobs where kind = 'replay' and state = 'done'").await == 1)
            .then_some(())
    })
    .await;
    let taken = "select (counts->>'requests')::bigint from jobs where kind = 'replay'";
    assert_eq!(stack.count(taken).await, 1, "that request alone");
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Sent once"]);
}
