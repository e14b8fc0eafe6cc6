//! What stands on the pages.

use super::*;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, eventually};

/// What somebody writes who would like to be more than words.
const HOSTILE: &str = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)> & {{ frame.form }}";

/// Conversations with everything in them: delivered both ways, refused, opted out, hostile.
async fn full(stack: &Stack) {
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, HOSTILE).await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "An answer").await.unwrap();
    stack.settle().await;
    let refuse = Fault::Refuse { status: 400, code: 21211, message: "<b>Invalid</b>".to_owned() };
    stack.signalwire.faults().add(Rule::new(refuse).on(Operation::SendMessage).times(1));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Refused").await.unwrap();
    stack.settle().await;
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "STOP").await;
    stack.settle().await;
}

#[tokio::test]
async fn every_page_stands_with_real_rows_and_what_strangers_write_is_only_words() {
    let stack = Stack::start().await;
    full(&stack).await;
    stack.backfill(twinwire_store::backfills::Kind::Full).await;
    let channel = &stack.installed.channel.id;
    let parked = stack.count("select seq from messages where parked is not null").await;
    let inbound = stack.count("select min(seq) from messages where direction = 'inbound'").await;
    let webhook = stack.count("select min(id) from webhook_log where hook = 'inbound'").await;
    let talk = format!("/conversations/{channel}/%2B{}", &CUSTOMER[1..]);
    let mut visitor = Visitor::with(&stack, "operate").await;
    for (path, words) in [
        ("/".to_owned(), &["Wants attention", SUPPORT, "Messages by the hour", "<svg", "As a table"][..]),
        (format!("/channels/{channel}"), &[SUPPORT, "Pause it", "/v1/hooks/signalwire/"]),
        ("/messages".to_owned(), &[CUSTOMER, OTHER_CUSTOMER, "delivered", "refused"]),
        (format!("/messages?state=parked&channel={channel}"), &[CUSTOMER, "Retry"]),
        (format!("/messages?conversation=%2B{}", &OTHER_CUSTOMER[1..]), &[OTHER_CUSTOMER]),
        (format!("/messages/{parked}"), &["What happened", "tried", "What happens next", "21211"]),
        (format!("/messages/{inbound}?text=yes"), &["&#60;script&#62;alert(1)"]),
        (talk.clone(), &["Front has", "SignalWire has", "not there: put aside", "Show the texts"]),
        (format!("{talk}?text=yes"), &["&#60;script&#62;alert(1)", "An answer"]),
        ("/opt-outs".to_owned(), &[OTHER_CUSTOMER, "the customer"]),
        ("/webhooks".to_owned(), &["inbound", "signalwire", "front", "verified"]),
        (format!("/webhooks/{webhook}?raw=yes"), &["Body="]),
        ("/jobs".to_owned(), &["full", "done", "<progress"]),
    ] {
        let page = visitor.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        for word in words {
            page.has(word);
        }
        page.lacks("<script>alert");
        page.lacks("<img");
        page.lacks("<b>");
        assert_eq!(page.text.matches("<script").count(), 1, "{path}: only our own");
    }
    // Texts stand there on demand alone.
    for path in [format!("/messages/{inbound}"), talk, "/messages".to_owned()] {
        visitor.get(&path).await.lacks("alert(1)");
    }
}

#[tokio::test]
async fn a_conversation_shows_what_one_side_lacks() {
    let stack = Stack::start().await;
    stack
        .signalwire
        .faults()
        .add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SendMessage).times(1000));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Not out yet").await.unwrap();
    eventually("it is there", || async {
        (stack.count("select count(*) from messages").await == 1).then_some(())
    })
    .await;
    let talk = format!("/conversations/{}/%2B{}?text=yes", stack.installed.channel.id, &CUSTOMER[1..]);
    let mut reader = Visitor::with(&stack, "read").await;
    assert_eq!(reader.get(&talk).await.status, 403, "what people wrote is for operators");
    reader.get(talk.trim_end_matches("?text=yes")).await.lacks("Show the texts");
    let mut visitor = Visitor::with(&stack, "operate").await;
    let page = visitor.get(&talk).await;
    page.has("not there yet");
    page.has("Not out yet");
    page.has("state pending");
    stack.signalwire.faults().clear();
    stack.settle().await;
    let page = visitor.get(&talk).await;
    page.lacks("not there yet");
    assert_eq!(page.text.matches("Not out yet").count(), 2, "once on each side");
}

#[tokio::test]
async fn lists_are_gone_through_page_by_page() {
    let stack = Stack::start().await;
    sqlx::query(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, helpdesk_message_id, provider_message_id)
        select $1, 'row_' || n, 'provider', 'inbound', '+12025550147', '', '', '', '{}', now(), 'h' || n, 'p' || n
        from generate_series(1, 120) n",
    )
    .bind(stack.channel_key().await)
    .execute(&stack.pool)
    .await
    .unwrap();
    let mut visitor = Visitor::with(&stack, "read").await;
    let (mut path, mut seen) = ("/messages".to_owned(), std::collections::BTreeSet::new());
    for left in (0..3).rev() {
        let page = visitor.get(&path).await;
        let rows = page
            .text
            .split("href=\"/messages/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned());
        seen.extend(rows);
        let older =
            page.text.split_once("href=\"/messages?").map(|(_, rest)| rest.split('"').next().unwrap());
        assert_eq!(older.is_some(), left > 0, "{left}");
        path = format!("/messages?{}", older.unwrap_or_default().replace("&amp;", "&").replace("&#38;", "&"));
    }
    assert_eq!(seen.len(), 120);
}

#[tokio::test]
async fn what_is_not_there_is_said_and_without_a_channel_it_says_how_to_make_one() {
    let stack = Stack::start().await;
    let mut visitor = Visitor::with(&stack, "read").await;
    for (path, words) in [
        ("/channels/chn_nobody", "There is no channel chn_nobody."),
        ("/messages/4711", "no message is named 4711"),
        ("/webhooks/4711", "There is no webhook 4711"),
        ("/conversations/chn_nobody/x", "There is no channel chn_nobody."),
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 404, "{path}");
        page.has(words);
    }
    for path in ["/messages?state=odd", "/messages?before=odd", "/webhooks?verified=odd"] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 400, "{path}");
        page.has("role=\"alert\"");
    }
    visitor.get("/messages?state=parked").await.has("Nothing is put aside.");
    visitor.get("/opt-outs").await.has("Nobody has opted out.");
    sqlx::query("update channels set state = 'deleted'").execute(&stack.pool).await.unwrap();
    let page = visitor.get("/").await;
    page.has("There is no channel yet");
    page.has("twinwire setup front_signalwire");
    page.has("href=\"/v1/install/front_signalwire/setup\"");
    for (path, kind) in [
        ("/favicon.svg", "image/svg+xml"),
        ("/assets/dashboard.css", "text/css"),
        ("/assets/dashboard.js", "text/javascript"),
    ] {
        let asset = reqwest::get(format!("{}{path}", stack.url())).await.unwrap();
        assert!(asset.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        assert_eq!(asset.status(), 200);
    }
}
