//! The main job: agents write, customers answer.

use twinwire_tests::{CUSTOMER, SUPPORT, Stack, eventually};

#[tokio::test]
async fn an_agents_message_reaches_the_customer_once_and_the_row_has_both_ids() {
    let stack = Stack::start().await;
    let sent = stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello from support").await.unwrap();
    assert_eq!(sent.answer.status, Some(200));
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Hello from support"]);
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].helpdesk_message_id.is_some() && rows[0].provider_message_id.is_some());
    let json = sent.answer.json;
    assert_eq!(json["type"], "success");
    assert_eq!(json["external_id"], rows[0].external_id);
    assert_eq!(json["external_conversation_id"], CUSTOMER);
}

#[tokio::test]
async fn a_customers_text_arrives_in_the_conversation_of_the_agent() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "How can we help?").await.unwrap();
    stack.settle().await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "My order is late").await;
    stack.settle().await;
    let texts = eventually("the text shows", || async {
        Some(stack.thread_texts(CUSTOMER)).filter(|texts| texts.len() == 2)
    })
    .await;
    assert_eq!(texts, ["How can we help?", "My order is late"]);
    assert!(stack.signalwire.complaints().is_empty());
}
