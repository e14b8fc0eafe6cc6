//! `twinwire why` tells the whole story of a message, from the tables alone, on a terminal of 80 columns.

mod doubt;
mod facts;

use crate::PROGRAM;
use serde_json::{Value, json};
use std::time::Duration;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::process::Ran;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, eventually};

const TEXT: &str = "Your parcel will come on Tuesday";

/// What it prints, in 80 columns.
pub(crate) async fn why(twinwire: &Installation, arguments: &[&str]) -> String {
    let ran = twinwire.program.run(&[&["why"], arguments].concat()).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line:?} in\n{}", ran.stdout);
    }
    ran.stdout
}

/// These words stand in it in this order, however the lines are broken.
pub(crate) fn assert_says(shown: &str, words: &[&str]) {
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = flat.as_str();
    for part in words {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("`{part}` does not come where it should in\n{shown}");
        };
        rest = after;
    }
}

/// The number of the latest message of a conversation.
pub(crate) async fn number(twinwire: &Installation, customer: &str) -> String {
    let sql = format!("select max(seq) from messages where external_conversation_id = '{customer}'");
    twinwire.count(&sql).await.to_string()
}

pub(crate) fn refuse() -> Fate {
    Fate::RefuseSync { status: 422, code: 21614, message: "Blocked by the recipient".to_owned() }
}

pub(crate) fn lose_callbacks(twinwire: &Installation) {
    twinwire.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(1000));
}

/// Waits until the table says so of some message.
pub(crate) async fn once(twinwire: &Installation, what: &str) {
    let sql = format!("select count(*) from messages where {what}");
    eventually(what, || async { (twinwire.count(&sql).await > 0).then_some(()) }).await;
}

async fn tables(twinwire: &Installation) -> i64 {
    twinwire.count("select count(*) from attempts").await
}

async fn number_of(twinwire: &Installation, sid: &str) -> String {
    let sql = format!("select max(seq) from messages where provider_message_id = '{sid}'");
    twinwire.count(&sql).await.to_string()
}

/// A send of unknown outcome beside a stranger's same text, both of which the provider has: the ids of both.
pub(crate) async fn ambiguous(twinwire: &Installation) -> (String, String) {
    lose_callbacks(twinwire);
    twinwire.signalwire.faults().add(Rule::new(Fault::ServerErrorAfter(500)).on(Operation::SendMessage));
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    let ours = eventually("it is taken", || async { twinwire.signalwire.outbound_to(CUSTOMER).pop() }).await;
    let strangers = twinwire.signalwire.foreign_send(SUPPORT, CUSTOMER, TEXT);
    once(twinwire, "parked = 'uncertain' and helpdesk_status = 'failed' and in_flight is null").await;
    (ours.sid, strangers)
}

#[tokio::test]
async fn a_delivered_message_is_told_from_the_order_to_the_receipt_under_each_of_its_names() {
    let twinwire = Installation::connected(PROGRAM).await;
    let order = twinwire.order(&[CUSTOMER], TEXT);
    twinwire.insist(&order).await;
    once(&twinwire, "provider_status = 'delivered'").await;
    let number = number(&twinwire, CUSTOMER).await;
    let sid = twinwire.signalwire.outbound_to(CUSTOMER).remove(0).sid;
    let shown = why(&twinwire, &[&number]).await;
    assert_says(
        &shown,
        &[
            &format!("Message {number}, from …23 to …47"),
            "Front msg_",
            &format!("SignalWire {sid}"),
            "status delivered",
            "What happened",
            "arrived ordered in the helpdesk webhook",
            "message",
            "tried to send it process",
            "fence",
            &format!("bound to {sid} by"),
            "at the provider: delivered",
            "What happens next Nothing: both sides are in step.",
            "Webhooks",
            "front message, answered 200",
            "signalwire",
        ],
    );
    assert_says(&shown, &["came back sent"]);
    assert!(!shown.contains(CUSTOMER) && !shown.contains(SUPPORT) && !shown.contains("parcel"), "{shown}");
    let told = why(&twinwire, &[&number, "--full", "--body"]).await;
    assert_says(&told, &[&format!("from {SUPPORT} to {CUSTOMER}"), &format!("text {TEXT}")]);

    let row = why_json(&twinwire, &[&number]).await.remove(0);
    let (ours, front) = (row["external_id"].as_str().unwrap(), row["helpdesk_message_id"].as_str().unwrap());
    for name in [ours, front, &sid, &format!("#{number}")] {
        assert_eq!(why(&twinwire, &[name]).await, shown, "{name}");
    }
    // The same again is no news: neither a repeated order, nor a repeated callback, nor any reading.
    let before = tables(&twinwire).await;
    twinwire.insist(&order).await;
    twinwire.signalwire.advance(&sid, "delivered", None).await;
    for _ in 0..2 {
        let ran = twinwire.program.run(&["backfill", twinwire.channel(), "--full", "--wait"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!(tables(&twinwire).await, before);
}

pub(crate) async fn why_json(twinwire: &Installation, arguments: &[&str]) -> Vec<Value> {
    let all = twinwire.program.run(&[&["why", "--json"], arguments].concat()).await.json();
    all.as_array().unwrap().clone()
}

#[tokio::test]
async fn for_programs_it_is_json_with_the_text_and_the_requests_only_when_asked_for() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    once(&twinwire, "provider_status = 'delivered'").await;
    let number = number(&twinwire, CUSTOMER).await;
    let row = why_json(&twinwire, &[&number]).await.remove(0);
    assert_eq!(row["recipient"], CUSTOMER);
    assert_eq!(row["message"], json!(number.parse::<i64>().unwrap()));
    assert_eq!(row["channel"], twinwire.channel());
    assert_eq!((&row["body"], &row["data"]), (&Value::Null, &Value::Null));
    assert_eq!(row["next"]["action"], json!({ "does": "nothing" }));
    let story = row["story"].as_array().unwrap();
    assert_eq!((&story[0]["step"], &story[0]["way"]), (&json!("seen"), &json!("webhook")));
    assert_eq!(story[0]["webhook"], row["webhooks"][0]["webhook"]);
    assert!(row["webhooks"].as_array().unwrap().iter().all(|one| one["body"].is_null()));
    assert!(!row.to_string().contains("parcel"));
    let row = why_json(&twinwire, &[&number, "--body", "--raw"]).await.remove(0);
    assert_eq!(row["body"], TEXT);
    assert!(row["webhooks"][0]["body"].as_str().unwrap().contains(TEXT));
    let raw = twinwire.program.run(&["why", &number, "--raw"]).await;
    assert!(raw.stdout.contains("POST http") && raw.stdout.contains(TEXT), "{raw:?}");
    // The requests are kept for a time, the story for ever.
    sqlx::query("delete from webhook_log").execute(&twinwire.pool).await.unwrap();
    assert_says(
        &why(&twinwire, &[&number]).await,
        &[
            "webhook",
            "message",
            "webhooks are not kept any more: requests are kept for 30 days",
            "KEEP_WEBHOOKS",
        ],
    );
    // Lines are let go from their beginning, and at last all of them.
    let days =
        twinwire.program.clone().with("TWINWIRE_KEEP_ATTEMPTS", "45d").with("TWINWIRE_KEEP_WEBHOOKS", "off");
    sqlx::query("delete from attempts where step = 'seen' and way = 'webhook'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    sqlx::query("update messages set created_at = created_at - interval '46 days'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    let shown = days.run(&["why", &number]).await.stdout;
    assert_says(
        &shown,
        &["tried", "The beginning of the story is not kept any more: stories are kept for 45 days"],
    );
    assert!(!shown.contains("webhooks are not kept"), "{shown}");
    sqlx::query("delete from attempts").execute(&twinwire.pool).await.unwrap();
    let shown = days.run(&["why", &number]).await.stdout;
    assert_says(&shown, &["What happened", "The story is not kept any more", "What happens next"]);
    assert!(!shown.contains("Nothing is written down"), "{shown}");
}

#[tokio::test]
async fn failures_at_once_and_later_are_told_with_the_reason_and_what_the_agent_knows() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.signalwire.script(CUSTOMER, refuse());
    let later = Fate::FailLater {
        code: 30003,
        message: "Unreachable handset".to_owned(),
        status: "undelivered".to_owned(),
    };
    twinwire.signalwire.script(OTHER_CUSTOMER, later);
    for customer in [CUSTOMER, OTHER_CUSTOMER] {
        twinwire.insist(&twinwire.order(&[customer], TEXT)).await;
    }
    for customer in [CUSTOMER, OTHER_CUSTOMER] {
        once(&twinwire, &format!("recipient = '{customer}' and helpdesk_status = 'failed'")).await;
    }
    twinwire.settle().await;
    let refused = number(&twinwire, CUSTOMER).await;
    assert_says(
        &why(&twinwire, &[&refused]).await,
        &[
            "SignalWire no id",
            "error 21614: Blocked by the recipient",
            "agent told it is marked as failed, with the reason",
            "put aside as refused",
            "tried to send it",
            "came back refused for good: 21614",
            "tried to mark it as failed",
            "came back marked as failed for the agent",
            "What happens next Nothing: it is put aside: SignalWire refused it for good.",
            &format!("twinwire retry {refused}"),
        ],
    );
    let failed = number(&twinwire, OTHER_CUSTOMER).await;
    assert_says(
        &why(&twinwire, &[&failed]).await,
        &[
            "status undelivered, error 30003",
            "callback at the provider: undelivered: (30003)",
            "tried to mark it as failed",
            "Nothing: it was sent and not delivered, and the agent knows.",
        ],
    );
    // What is put aside lets the next ones pass, and says so.
    twinwire.signalwire.script(CUSTOMER, Fate::Deliver);
    for text in ["One", "Two"] {
        twinwire.insist(&twinwire.order(&[CUSTOMER], text)).await;
    }
    twinwire.settle().await;
    assert_says(
        &why(&twinwire, &[&refused]).await,
        &["2 later messages of the conversation have passed it."],
    );
}

#[tokio::test]
async fn a_text_that_a_backfill_found_is_told_so() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello?").await;
    twinwire.program.run(&["backfill", twinwire.channel(), "--wait", "--json"]).await.json();
    once(&twinwire, "helpdesk_message_id like 'msg_%'").await;
    assert_says(
        &why(&twinwire, &[&number(&twinwire, CUSTOMER).await]).await,
        &[
            "from the customer …47 to …23",
            "arrived at the provider: received found in the provider's list",
            "tried to put it into the helpdesk",
            "came back put into the helpdesk",
            "callback in the helpdesk as msg_",
            "both sides are in step",
        ],
    );
}

#[tokio::test]
async fn a_wait_is_told_with_what_it_waits_for() {
    let twinwire = Installation::connected(PROGRAM).await;
    let rest = Fault::TooManyRequests { retry_after_secs: 600 };
    twinwire.signalwire.faults().add(Rule::new(rest).on(Operation::SendMessage));
    twinwire.insist(&twinwire.order(&[CUSTOMER], "One")).await;
    once(&twinwire, "wake_at > now() + interval '1 minute'").await;
    let first = number(&twinwire, CUSTOMER).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "Two")).await;
    let second = number(&twinwire, CUSTOMER).await;
    assert_says(
        &why(&twinwire, &[&first]).await,
        &["too fast: the account rests", "It waits until", "the SignalWire account rests (throttled)"],
    );
    assert_says(
        &why(&twinwire, &[&second]).await,
        &[&format!("It waits for its turn behind {first}"), &format!("twinwire why {first}")],
    );
    sqlx::query("update channels set state = 'paused'").execute(&twinwire.pool).await.unwrap();
    let resume = format!("twinwire channels resume {}", twinwire.channel());
    assert_says(&why(&twinwire, &[&second]).await, &["It waits for its channel: it is paused.", &resume]);
    let row = why_json(&twinwire, &[&second]).await.remove(0);
    assert_eq!(row["next"]["action"], json!({ "does": "wait_channel" }));
}

#[tokio::test]
async fn one_message_to_several_people_is_listed_and_each_is_shown() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[CUSTOMER, OTHER_CUSTOMER], TEXT)).await;
    twinwire.settle().await;
    let front: String = sqlx::query_scalar("select min(helpdesk_message_id) from messages")
        .fetch_one(&twinwire.pool)
        .await
        .unwrap();
    let (first, second) = (number(&twinwire, CUSTOMER).await, number(&twinwire, OTHER_CUSTOMER).await);
    let shown = why(&twinwire, &[&front]).await;
    assert_says(
        &shown,
        &[
            "is 2 messages:",
            &format!("Message {first}, from"),
            "to …47",
            &format!("Message {second}, from"),
            "to …48",
        ],
    );
    assert_eq!(why_json(&twinwire, &[&front]).await.len(), 2);
    // Nothing is done to one of several.
    for command in [&["retry", &front][..], &["settle", &front, "--not-arrived"]] {
        let ran = twinwire.program.run(command).await;
        assert_fails(&ran, 2, &["2 messages", &first, &second]);
    }
    let many: Vec<String> = (0..7).map(|n| format!("+1202555{:04}", 3000 + n)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    twinwire.insist(&twinwire.order(&many, TEXT)).await;
    twinwire.settle().await;
    let front: String =
        sqlx::query_scalar("select helpdesk_message_id from messages order by seq desc limit 1")
            .fetch_one(&twinwire.pool)
            .await
            .unwrap();
    let shown = why(&twinwire, &[&front]).await;
    assert_says(&shown, &["is 7 messages:", "Name one of them by its number"]);
    assert!(!shown.contains("What happened"), "{shown}");
}

pub(crate) fn assert_fails(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in {ran:?}");
    }
    assert!(ran.stderr.lines().any(|line| line.starts_with("error: ")), "{ran:?}");
}

#[tokio::test]
async fn an_unknown_message_is_said_with_where_it_was_looked_for_and_how_to_find_it() {
    let twinwire = Installation::connected(PROGRAM).await;
    for command in [&["why", "msg_nobody"][..], &["retry", "4711"], &["settle", "SM1", "--not-arrived"]] {
        let ran = twinwire.program.run(command).await;
        assert_fails(
            &ran,
            1,
            &[command[1], "none of our ids", "helpdesk's", "the provider's", "twinwire sql"],
        );
        assert_eq!(ran.stdout, "", "{ran:?}");
        assert!(ran.stderr.lines().all(|line| line.chars().count() <= 80), "{ran:?}");
        // What it proposes works as it stands.
        let query = ran.stderr.split('"').nth(1).unwrap();
        let found = twinwire.program.run(&["sql", query, "--json"]).await;
        assert_eq!(found.json(), json!([]));
    }
    for wrong in [&["why"][..], &["why", ""], &["why", "1", "2"], &["why", "1", "--loud"]] {
        let ran = twinwire.program.run(wrong).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    }
}

/// What a stranger writes must not reach a terminal as anything but text.
#[tokio::test]
async fn a_strangers_words_do_nothing_to_the_terminal() {
    let twinwire = Installation::connected(PROGRAM).await;
    let text = "\u{1b}[2Jgone\u{7}";
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
    twinwire.settle().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let number = number(&twinwire, CUSTOMER).await;
    let ran = twinwire.program.run(&["why", &number, "--body", "--raw"]).await;
    assert!(ran.stdout.contains("gone") && !ran.stdout.contains('\u{1b}'), "{ran:?}");
}
