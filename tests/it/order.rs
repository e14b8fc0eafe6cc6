//! One conversation's messages arrive in the order in which they were written, whatever happens on the way.

use std::time::Duration;
use twinwire_core::model::Parked;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, eventually};

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("Message {n}")).collect()
}

#[tokio::test]
async fn no_fault_of_the_provider_turns_the_order_of_an_agents_messages_round() {
    let stack = Stack::start().await;
    let texts = numbered(30);
    for text in &texts {
        stack.front.agent_writes(&stack.channel, &[CUSTOMER], text).await.unwrap();
        if text == "Message 3" {
            stack.signalwire.faults().randomly(11, 0.12, Fault::survivable());
        }
    }
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), texts);
    assert!(stack.signalwire.faults().struck().len() > 2, "some faults did strike");
}

#[tokio::test]
async fn no_fault_of_the_helpdesk_turns_the_order_of_a_customers_texts_round() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.settle().await;
    let faults = stack.front.faults();
    let strike = |fault, text: &str| faults.add(Rule::new(fault).on(Operation::SyncInbound).saying(text));
    strike(Fault::ServerErrorBefore(500), "Message 4");
    strike(Fault::ServerErrorAfter(500), "Message 8");
    strike(Fault::TooManyRequests { retry_after_secs: 1 }, "Message 13");
    let texts = numbered(20);
    for text in &texts {
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
    }
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER)[1..], texts);
}

#[tokio::test]
async fn texts_that_only_the_list_shows_come_in_the_order_in_which_they_were_written() {
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook).times(100));
    let texts = numbered(12);
    for text in &texts {
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, text).await;
    }
    stack.backfill(Kind::Poll).await;
    assert_eq!(stack.thread_texts(CUSTOMER), texts);
}

#[tokio::test]
async fn a_message_put_aside_lets_the_next_ones_pass() {
    let stack = Stack::start().await;
    let refused = Fault::Refuse { status: 400, code: 21614, message: "Blocked".to_owned() };
    stack.signalwire.faults().add(Rule::new(refused).on(Operation::SendMessage).saying("Message 2"));
    for text in numbered(4) {
        stack.front.agent_writes(&stack.channel, &[CUSTOMER], &text).await.unwrap();
    }
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Message 1", "Message 3", "Message 4"]);
    let parked: Vec<_> = stack.rows().await.into_iter().map(|row| row.parked).collect();
    assert_eq!(parked, [None, Some(Parked::Refused), None, None]);
}

#[tokio::test]
async fn a_slow_conversation_holds_its_own_messages_and_nobody_elses() {
    let stack = Stack::start().await;
    let hang = Fault::TimeoutBefore(Duration::from_secs(3));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::SendMessage).with(CUSTOMER));
    let texts = numbered(5);
    for text in &texts {
        stack.front.agent_writes(&stack.channel, &[CUSTOMER], text).await.unwrap();
        stack.front.agent_writes(&stack.channel, &[OTHER_CUSTOMER], text).await.unwrap();
    }
    eventually("the other conversation is through", || async {
        (stack.texts_to(OTHER_CUSTOMER) == texts).then_some(())
    })
    .await;
    assert!(stack.texts_to(CUSTOMER).is_empty(), "nothing overtakes the one that hangs");
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), texts);
}

#[tokio::test]
async fn the_same_text_written_twelve_times_arrives_twelve_times() {
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    let faults = [
        Fault::ServerErrorAfter(500),
        Fault::ServerErrorBefore(500),
        Fault::ResetAfter,
        Fault::GarbageAnswer,
    ];
    for n in 0..12 {
        stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Thanks!").await.unwrap();
        if n % 3 == 1 {
            stack.settle().await;
            let fault = faults[n / 3].clone();
            stack.signalwire.faults().add(Rule::new(fault).on(Operation::SendMessage));
        }
    }
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER).len(), 12);
    let mut bound: Vec<_> =
        stack.rows().await.into_iter().filter_map(|row| row.provider_message_id).collect();
    bound.sort();
    bound.dedup();
    assert_eq!(bound.len(), 12, "each row has an SMS of its own");
    stack.backfill(Kind::Incremental).await;
    assert_eq!(stack.front.all_messages(&stack.channel).len(), 12);
}
