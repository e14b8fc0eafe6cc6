//! What vendors post becomes rows once, whole and in the right place.

use crate::posts::{
    empty_script, front_error, front_posts, message, signalwire_posts, signed, stored, text, webhook_url,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use twinwire_core::model::{Direction, Parked, Side, Status};
use twinwire_engine::setup;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Answer, Fault, Operation, Rule, SignedRequest};
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, answers, eventually, never_within};

/// Connections that a test opens at once. All of them together have to be answered within the few seconds that a vendor
/// waits, also on a machine that is busy with other tests.
const CONNECTIONS: usize = 50;

/// Posts a request many times at once.
pub(crate) async fn at_once(stack: &Stack, request: &SignedRequest, times: usize) -> Vec<Answer> {
    let (mut posts, open) = (JoinSet::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    for _ in 0..times {
        let (front, request, open) = (stack.front.clone(), request.clone(), open.clone());
        posts.spawn(async move {
            let _open = open.acquire().await.unwrap();
            front.post_raw(&request).await
        });
    }
    posts.join_all().await
}

#[tokio::test]
async fn the_same_webhook_again_gets_the_same_answer_and_sends_nothing_more() {
    let stack = Stack::start().await;
    let order = stack.front.message_request(&stack.channel, None, &[CUSTOMER], "Once").unwrap();
    let first = stack.front.post_raw(&order.request).await;
    stack.settle().await;
    let second = stack.front.post_raw(&order.request).await;
    assert_eq!((first.status, first.text), (Some(200), second.text));
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), 1);
    assert_eq!(stack.texts_to(CUSTOMER), ["Once"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_of_the_same_webhook_at_once_make_one_row_and_one_text() {
    let stack = Stack::start().await;
    let order = stack.front.message_request(&stack.channel, None, &[CUSTOMER], "Once").unwrap();
    let mut all = at_once(&stack, &order.request, 1000).await;
    // A machine with too much to do may answer "not now", and then has promised nothing; the same is asked again.
    for _ in 0..5 {
        let before = all.len();
        all.retain(|answer| answer.status != Some(503));
        all.extend(at_once(&stack, &order.request, before - all.len()).await);
    }
    let mut answers: Vec<_> = all.iter().map(|answer| (answer.status, answer.text.as_str())).collect();
    answers.sort_unstable();
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].0, Some(200));
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), 1);
    assert_eq!(stack.texts_to(CUSTOMER), ["Once"]);
}

#[tokio::test]
async fn w1_two_recipients_are_two_conversations_whose_ids_never_cross() {
    let stack = Stack::start().await;
    let to = [CUSTOMER, OTHER_CUSTOMER];
    let sent = stack.front.agent_writes(&stack.channel, &to, "To both").await.unwrap();
    stack.settle().await;
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 2);
    for customer in to {
        let texts = stack.signalwire.outbound_to(customer);
        let row = rows.iter().find(|row| row.conversation == customer).unwrap();
        assert_eq!(texts.len(), 1, "{customer}");
        assert_eq!(row.provider_message_id.as_deref(), Some(texts[0].sid.as_str()));
        let id = sent.message.id.as_deref().unwrap();
        assert_eq!(row.external_id, format!("{id}-{customer}"));
        assert_eq!(row.helpdesk_message_id.as_deref(), Some(id));
    }
    assert_eq!(sent.answer.json["external_id"], rows[0].external_id);
    assert_eq!(sent.answer.json["external_conversation_id"], CUSTOMER);
    // The list shows both again: no unknown message is among them.
    let again = stack.backfill(Kind::Full).await;
    assert_eq!((again.seen, again.inserted), (2, 0));
    assert_eq!(stack.rows().await.len(), 2);
    assert_eq!(stack.front.all_messages(&stack.channel).len(), 1);
}

#[tokio::test]
async fn w3_a_refused_recipient_does_not_take_the_id_of_the_other() {
    let stack = Stack::start().await;
    let refusal = Fate::RefuseSync { status: 400, code: 21614, message: "Blocked".to_owned() };
    stack.signalwire.script(CUSTOMER, refusal);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER, OTHER_CUSTOMER], "To both").await.unwrap();
    stack.settle().await;
    let rows = stack.rows().await;
    let of = |customer: &str| rows.iter().find(|row| row.conversation == customer).unwrap();
    assert_eq!((of(CUSTOMER).parked, &of(CUSTOMER).provider_message_id), (Some(Parked::Refused), &None));
    let sid = stack.signalwire.outbound_to(OTHER_CUSTOMER)[0].sid.clone();
    assert_eq!(of(OTHER_CUSTOMER).provider_message_id, Some(sid));
}

#[tokio::test]
async fn w25_two_autoreplies_to_one_message_both_go_out_and_each_of_them_once() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Are you open?").await;
    let asked = eventually("the text is in Front", || async {
        stack.thread(CUSTOMER).into_iter().next().filter(|message| message.id.is_some())
    })
    .await;
    let asked = asked.id.unwrap();
    stack.front.faults().add(Rule::new(Fault::Duplicate(2)).on(Operation::AgentMessage));
    stack.front.autoreply(&stack.channel, &asked, "We got your message.").await.unwrap();
    stack.front.faults().add(Rule::new(Fault::Duplicate(2)).on(Operation::AgentMessage));
    let second = stack.front.autoreply(&stack.channel, &asked, "We open at nine.").await.unwrap();
    assert_eq!(second.answer.status, Some(200));
    stack.settle().await;
    let mut texts = stack.texts_to(CUSTOMER);
    texts.sort_unstable();
    assert_eq!(texts, ["We got your message.", "We open at nine."]);
    let rows = stack.rows().await;
    let replies: Vec<_> = rows.iter().filter(|row| row.origin == Side::Helpdesk).collect();
    assert_eq!(replies.len(), 2);
    assert_eq!(replies[0].external_id, format!("{asked}_autoreply-{CUSTOMER}"));
    assert_eq!(second.answer.json["external_id"], replies[1].external_id);
}

#[tokio::test]
async fn w16_numbers_are_read_in_the_channels_own_country() {
    let stack = Stack::start().await;
    for (ours, region, written, read) in [
        ("+447400123456", "GB", "07400 654321", "+447400654321"),
        ("+33612345678", "FR", "06 98 76 54 32", "+33698765432"),
        ("+50687124011", "CR", "8712 4012", "+50687124012"),
        ("+447400123457", "GB", "+1 (202) 555-0147", CUSTOMER),
    ] {
        stack.signalwire.add_number(ours);
        let installed = setup::install(stack.engine(), "front_signalwire", &answers(ours)).await.unwrap();
        assert_eq!(installed.channel.region.as_deref(), Some(region));
        let channel = stack.front.connect(&installed.api_key).await.unwrap().id;
        let sent = stack.front.agent_writes(&channel, &[written], ours).await.unwrap();
        assert_eq!(sent.answer.json["external_conversation_id"], read, "{:?}", sent.answer);
        stack.settle().await;
        let texts = stack.signalwire.outbound_to(read);
        assert_eq!(texts.len(), 1, "{read}");
        assert_eq!((texts[0].from.as_str(), texts[0].body.as_str()), (ours, ours));
    }
    // A number with its country code keeps it in a channel of another country.
    for abroad in ["+447400654399", "+33698765499", "+50687124099"] {
        stack.front.agent_writes(&stack.channel, &[abroad], "Hello").await.unwrap();
        stack.settle().await;
        assert_eq!(stack.texts_to(abroad), ["Hello"]);
    }
}

#[tokio::test]
async fn a_message_that_was_imported_is_never_sent() {
    let stack = Stack::start().await;
    let mut imported = message("msg_imported", &[CUSTOMER], "Do not send me");
    imported["type"] = "message_imported".into();
    imported["payload"]["metadata"] = json!({ "external_id": format!("msg_imported-{CUSTOMER}") });
    assert_eq!(front_posts(&stack, &imported).await.status, Some(200));
    // What the customer writes comes back as imported, too.
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello?").await;
    eventually("Front has told of the import", || async {
        stack.front.deliveries().iter().any(|told| told.operation == Operation::MessageImported).then_some(())
    })
    .await;
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), 1);
    assert!(stack.texts_to(CUSTOMER).is_empty());
}

#[tokio::test]
async fn an_unknown_event_is_taken_and_logged_byte_for_byte_with_nothing_else() {
    let stack = Stack::start().await;
    let before = stored(&stack).await;
    let body = "{ \"type\":\"conversation_merged\",\r\n\t\"payload\" : {\"id\":\"msg_1\",\"h\\u00e9\":\"\\ud83d\\ude00 é\"}}\n";
    let answer = stack.front.post_raw(&signed(&stack, "POST", body)).await;
    assert_eq!((answer.status, &answer.json["type"]), (Some(200), &json!("success")));
    let after = stored(&stack).await;
    assert_eq!(after, [before[0], before[1] + 1, before[2], before[3]]);
    let (event, hook, method, url, kept, status): (String, String, String, String, Vec<u8>, i32) =
        sqlx::query_as(
            "select event, hook, method, url, body, status from webhook_log order by id desc limit 1",
        )
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!((event.as_str(), hook.as_str()), ("conversation_merged", "message"));
    assert_eq!((method.as_str(), url, status), ("POST", webhook_url(&stack), 200));
    assert_eq!(kept, body.as_bytes());
}

#[tokio::test]
async fn nul_characters_break_nothing_on_either_side() {
    let stack = Stack::start().await;
    let mut order = message("msg_nul", &[CUSTOMER], "zero\0 here");
    order["payload"]["subject"] = "\0".into();
    order["k\0ey"] = json!(["\0"]);
    assert_eq!(front_posts(&stack, &order).await.status, Some(200));
    let odd = stack.installed.channel.install_url(&stack.url(), "odd%00hook");
    let order = message("msg_nul2", &[CUSTOMER], "by an odd address").to_string();
    let request = stack.front.signed_request("POST", &odd, Some(&stack.installed.api_key), &order);
    assert_eq!(stack.front.post_raw(&request).await.status, Some(200));
    let inbound = stack.hook_url("inbound");
    let fields = text(&stack, "sid-nul", CUSTOMER, SUPPORT, "one\0two");
    empty_script(&signalwire_posts(&stack, &inbound, &fields).await, 200);
    stack.settle().await;
    let mut texts = stack.texts_to(CUSTOMER);
    texts.sort_unstable();
    assert_eq!(texts, ["by an odd address", "zero here"]);
    let rows = stack.rows().await;
    assert!(rows.iter().any(|row| row.direction == Direction::Inbound && row.body == "onetwo"));
}

#[tokio::test]
async fn w24_a_removed_channel_keeps_its_history_and_w17_connecting_it_again_goes_on() {
    for empty_body in [false, true] {
        let stack = Stack::start().await;
        stack.front.agent_writes(&stack.channel, &[OTHER_CUSTOMER], "Before").await.unwrap();
        stack.settle().await;
        let throttled = Fault::TooManyRequests { retry_after_secs: 1 };
        stack.signalwire.faults().add(Rule::new(throttled).on(Operation::SendMessage));
        stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Waits").await.unwrap();
        eventually("the send is refused", || async {
            (stack.signalwire.faults().waiting() == 0).then_some(())
        })
        .await;
        let url = webhook_url(&stack);
        let answer = if empty_body {
            stack.front.delete_channel_empty_body(&stack.channel).await.unwrap()
        } else {
            stack.front.delete_channel(&stack.channel).await.unwrap()
        };
        assert_eq!(answer.status, Some(200), "{answer:?}");
        assert_eq!(stack.count("select count(*) from channels where state = 'deleted'").await, 1);
        let order = message("msg_late", &[CUSTOMER], "Too late").to_string();
        let request = stack.front.signed_request("POST", &url, Some(&stack.installed.api_key), &order);
        let words = front_error(&stack.front.post_raw(&request).await, 400);
        assert!(words.contains("removed"), "{words}");
        // Customers go on writing; that is kept for the day the channel comes back.
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Anyone there?").await;
        never_within(Duration::from_millis(1700), "a removed channel goes on", || async {
            !stack.texts_to(CUSTOMER).is_empty()
                || stack.thread_texts(CUSTOMER).contains(&"Anyone there?".to_owned())
        })
        .await;
        assert_eq!(stack.rows().await.len(), 3);
        stack.front.reauthorize(&stack.channel, &stack.installed.api_key).await.unwrap();
        stack.settle().await;
        assert_eq!(stack.texts_to(CUSTOMER), ["Waits"]);
        assert!(stack.thread_texts(CUSTOMER).contains(&"Anyone there?".to_owned()));
        assert_eq!(stack.texts_to(OTHER_CUSTOMER), ["Before"]);
    }
}

#[tokio::test]
async fn the_removal_of_an_older_connection_does_not_take_the_present_one_down() {
    let stack = Stack::start().await;
    let body = json!({ "type": "delete", "payload": { "channel_id": "cha_older" } });
    let answer = stack.front.post_raw(&signed(&stack, "DELETE", &body.to_string())).await;
    assert_eq!(answer.status, Some(200));
    assert_eq!(stack.count("select count(*) from channels where state = 'active'").await, 1);
}

#[tokio::test]
async fn a_webhookdb_installation_works_by_its_one_url_and_its_key_alone() {
    let stack = Stack::start().await;
    let url = format!("{}/v1/install/front_signalwire/channel", stack.url());
    stack.front.set_server_url(&url);
    let connected = stack.front.reauthorize(&stack.channel, &stack.installed.api_key).await.unwrap();
    assert_eq!(connected.webhook_url, url);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "By the one URL").await.unwrap();
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "I see").await;
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["By the one URL"]);
    assert!(stack.thread_texts(CUSTOMER).contains(&"I see".to_owned()));
    let key = Some(stack.installed.api_key.as_str());
    let order = message("msg_x", &[CUSTOMER], "No key").to_string();
    for (key, reason) in [(Some("sk_other"), "not known"), (None, "missing")] {
        let answer = stack.front.post_raw(&stack.front.signed_request("POST", &url, key, &order)).await;
        assert!(front_error(&answer, 401).contains(reason));
    }
    let answer = stack.front.delete_channel_empty_body(&stack.channel).await.unwrap();
    assert_eq!(answer.status, Some(200), "{answer:?}");
    assert_eq!(stack.count("select count(*) from channels where state = 'deleted'").await, 1);
    let answer = stack.front.post_raw(&stack.front.signed_request("POST", &url, key, &order)).await;
    front_error(&answer, 400);
}

#[tokio::test]
async fn an_inbound_webhook_repeated_at_once_is_one_row_and_one_message_in_front() {
    let stack = Stack::start().await;
    let fields = text(&stack, "sid-twice", CUSTOMER, SUPPORT, "Only once please");
    let request = stack.signalwire.signed_form(&stack.hook_url("inbound"), &fields);
    for answer in at_once(&stack, &request, 50).await {
        empty_script(&answer, 200);
    }
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), 1);
    assert_eq!(stack.thread_texts(CUSTOMER), ["Only once please"]);
}

#[tokio::test]
async fn a_status_that_comes_before_the_answer_to_its_send_finds_its_row() {
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::Early).on(Operation::StatusCallback));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Quick").await.unwrap();
    stack.settle().await;
    let row = eventually("the row is delivered", || async {
        let row = stack.rows().await.into_iter().next()?;
        (row.provider_status == Some(Status::Delivered)).then_some(row)
    })
    .await;
    let texts = stack.signalwire.outbound_to(CUSTOMER);
    assert_eq!(texts.len(), 1);
    assert_eq!(row.provider_message_id.as_deref(), Some(texts[0].sid.as_str()));
    assert_eq!(stack.rows().await.len(), 1);
    assert_eq!(stack.front.all_messages(&stack.channel).len(), 1);
}

#[tokio::test]
async fn the_status_of_a_message_that_nobody_knows_is_kept() {
    let stack = Stack::start().await;
    let mut fields = text(&stack, "sid-unknown", "+12015550999", CUSTOMER, "Not of this channel");
    fields.retain(|(name, _)| name != "SmsStatus");
    fields.push(("MessageStatus".to_owned(), "sent".to_owned()));
    let answer = signalwire_posts(&stack, &stack.hook_url("status"), &fields).await;
    assert!(answer.is_success(), "{answer:?}");
    let kept: Vec<(String, String)> =
        sqlx::query_as("select provider_message_id, status from provider_messages")
            .fetch_all(&stack.pool)
            .await
            .unwrap();
    assert_eq!(kept, [("sid-unknown".to_owned(), "sent".to_owned())]);
    assert!(stack.rows().await.is_empty());
    assert!(stack.front.all_messages(&stack.channel).is_empty());
}

#[tokio::test]
async fn the_signature_is_taken_under_its_other_name_too() {
    let stack = Stack::start().await;
    let fields = text(&stack, "sid-alias", CUSTOMER, SUPPORT, "By the other name");
    let request = stack.signalwire.signed_form(&stack.hook_url("inbound"), &fields);
    let name = "X-SignalWire-Signature";
    let (_, signature) = request.headers.iter().find(|(header, _)| header == name).unwrap().clone();
    let request = request.without_header(name).with_header("X-Twilio-Signature", &signature);
    empty_script(&stack.signalwire.post_raw(&request).await, 200);
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["By the other name"]);
}

#[tokio::test]
async fn a_request_signed_with_seconds_or_almost_five_minutes_old_is_taken() {
    let stack = Stack::start().await;
    let now = chrono::Utc::now();
    let url = webhook_url(&stack);
    for (n, timestamp) in
        [now.timestamp(), now.timestamp_millis() - 290_000, now.timestamp_millis() + 290_000]
            .into_iter()
            .enumerate()
    {
        let order = message(&format!("msg_{n}"), &[CUSTOMER], "On time").to_string();
        let key = Some(stack.installed.api_key.as_str());
        let request = stack.front.signed_request_at("POST", &url, key, &order, timestamp);
        let answer = stack.front.post_raw(&request).await;
        assert_eq!(answer.status, Some(200), "{timestamp}: {answer:?}");
    }
    assert_eq!(stack.rows().await.len(), 3);
}

#[tokio::test]
async fn the_largest_body_that_is_allowed_is_taken() {
    let stack = Stack::start().await;
    let mut event: Value = json!({ "type": "large", "payload": { "filling": "" } });
    let missing = 1024 * 1024 - event.to_string().len();
    event["payload"]["filling"] = "x".repeat(missing).into();
    assert_eq!(front_posts(&stack, &event).await.status, Some(200));
}
