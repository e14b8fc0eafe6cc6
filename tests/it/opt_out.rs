//! Who does not want to be texted is not texted, the agent knows why, and nobody answers by machine.

use crate::media::cat;
use chrono::{TimeDelta, Utc};
use std::time::Duration;
use twinwire_core::model::{Message, Parked};
use twinwire_engine::setup;
use twinwire_sandbox::front::AgentMessage;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Setting, Stack, answers};

async fn stack() -> Stack {
    Stack::with(Setting { settling: Duration::from_millis(1200), ..Setting::default() }).await
}

async fn customer_says(stack: &Stack, text: &str) {
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
    stack.settle().await;
}

async fn agent_writes(stack: &Stack, to: &str, text: &str) -> Message {
    stack.front.agent_writes(&stack.channel, &[to], text).await.unwrap();
    stack.settle().await;
    stack.rows().await.into_iter().find(|row| row.body == text).unwrap()
}

#[tokio::test]
async fn after_stop_nothing_is_sent_and_the_agent_is_told_why_once() {
    let stack = stack().await;
    customer_says(&stack, " Stop\n").await;
    let row = agent_writes(&stack, CUSTOMER, "One more thing").await;
    assert_eq!(row.parked, Some(Parked::OptedOut));
    assert!(stack.texts_to(CUSTOMER).is_empty(), "neither the message nor an answer by machine");
    let failures = stack.front.failures(&stack.channel);
    assert_eq!(failures.len(), 1);
    assert!(failures[0].error.as_ref().unwrap().contains("opted out"), "{failures:?}");
    let shown = stack.thread_texts(CUSTOMER);
    assert_eq!(shown.len(), 2, "what the customer wrote is there: {shown:?}");
}

#[tokio::test]
async fn a_picture_for_somebody_who_opted_out_is_not_even_fetched() {
    let stack = stack().await;
    customer_says(&stack, "stop").await;
    let fetched =
        || stack.front.requests().iter().filter(|one| one.operation == Some(Operation::DownloadFile)).count();
    let message = |to| AgentMessage::to(&[to]).text("Look").with(cat());
    stack.front.agent_sends(&stack.channel, message(CUSTOMER)).await.unwrap();
    stack.settle().await;
    let row = stack.rows().await.into_iter().find(|row| row.body == "Look").unwrap();
    assert_eq!((row.parked, fetched()), (Some(Parked::OptedOut), 0));
    // Somebody else's is.
    stack.front.agent_sends(&stack.channel, message(OTHER_CUSTOMER)).await.unwrap();
    stack.settle().await;
    assert_eq!(fetched(), 1);
}

#[tokio::test]
async fn after_start_messages_go_out_again() {
    let stack = stack().await;
    customer_says(&stack, "STOP").await;
    agent_writes(&stack, CUSTOMER, "Lost").await;
    customer_says(&stack, "unstop").await;
    let row = agent_writes(&stack, CUSTOMER, "Welcome back").await;
    assert_eq!(row.parked, None);
    assert_eq!(stack.texts_to(CUSTOMER), ["Welcome back"]);
    let words = "select count(*) from consents where word in ('stop', 'start')";
    assert_eq!(stack.count(words).await, 2, "what was said stays written down");
}

#[tokio::test]
async fn everyday_sentences_and_questions_for_help_stop_nothing() {
    let stack = stack().await;
    for text in ["Please stop calling me", "The end.", "HELP", "no"] {
        customer_says(&stack, text).await;
    }
    agent_writes(&stack, CUSTOMER, "Of course").await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Of course"]);
    assert_eq!(stack.count("select count(*) from consents where word = 'help'").await, 1);
}

#[tokio::test]
async fn who_opted_out_of_one_number_is_texted_from_another_and_others_are_from_this_one() {
    let stack = stack().await;
    let phone = "+12015553000";
    stack.signalwire.add_number(phone);
    let made = setup::install(stack.engine(), "front_signalwire", &answers(phone)).await.unwrap();
    let other = stack.front.connect(&made.api_key).await.unwrap().id;
    customer_says(&stack, "quit").await;
    agent_writes(&stack, OTHER_CUSTOMER, "To somebody else").await;
    stack.front.agent_writes(&other, &[CUSTOMER], "From elsewhere").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(OTHER_CUSTOMER), ["To somebody else"]);
    assert_eq!(stack.texts_to(CUSTOMER), ["From elsewhere"]);
}

#[tokio::test]
async fn the_last_word_counts_by_the_time_at_which_it_was_written() {
    let stack = stack().await;
    // The webhook of the older STOP is lost; a poll finds it after the START.
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    let earlier = Utc::now() - TimeDelta::hours(1);
    stack.signalwire.customer_texts_at(CUSTOMER, SUPPORT, "STOP", earlier).await;
    customer_says(&stack, "START").await;
    stack.backfill(Kind::Incremental).await;
    assert_eq!(stack.count("select count(*) from consents").await, 2);
    agent_writes(&stack, CUSTOMER, "Hello again").await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Hello again"]);
}

#[tokio::test]
async fn the_same_stop_by_webhook_and_poll_is_written_down_once() {
    let stack = stack().await;
    stack.signalwire.faults().add(Rule::new(Fault::Duplicate(2)).on(Operation::InboundWebhook));
    customer_says(&stack, "STOP").await;
    stack.backfill(Kind::Incremental).await;
    assert_eq!(stack.count("select count(*) from consents").await, 1);
}
