//! The main job on Twilio: the same engine, another codec.

use twinwire_core::model::{Parked, Status, Told};
use twinwire_core::setting::Settings;
use twinwire_engine::setup;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, eventually};

#[tokio::test]
async fn a_conversation_goes_both_ways_once_and_in_order() {
    let on = OnTwilio::start(NUMBER).await;
    for text in ["One", "Two", "Three"] {
        on.agent_writes(CUSTOMER, text).await;
    }
    on.stack.settle().await;
    on.twilio.customer_texts(CUSTOMER, NUMBER, "Four").await;
    on.stack.settle().await;
    assert_eq!(on.texts_to(CUSTOMER), ["One", "Two", "Three"]);
    assert_eq!(on.thread(CUSTOMER), ["One", "Two", "Three", "Four"]);
    eventually("they are delivered", || async {
        let rows = "select count(*) from messages where provider_status = 'delivered'";
        (on.stack.count(rows).await == 3).then_some(())
    })
    .await;
    assert!(on.twilio.complaints().is_empty(), "{:?}", on.twilio.complaints());
    let view = "select count(*) from front_twilio_message_channel_app_v1 where twilio_sid is not null";
    assert_eq!(on.stack.count(view).await, 4);
    assert_eq!(on.stack.count("select count(*) from twilio_message_v1").await, 4);
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_is_looked_up_and_not_repeated() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    on.twilio.faults().add(Rule::new(Fault::ResetAfter).on(Operation::SendMessage));
    on.agent_writes(CUSTOMER, "Once").await;
    on.stack.settle().await;
    assert_eq!(on.texts_to(CUSTOMER), ["Once"]);
    assert_eq!(on.thread(CUSTOMER), ["Once"]);
}

#[tokio::test]
async fn a_message_that_fails_later_is_told_with_twilios_code() {
    let on = OnTwilio::start(NUMBER).await;
    let later =
        Fate::FailLater { code: 30003, message: "Unreachable".to_owned(), status: "undelivered".to_owned() };
    on.twilio.script(CUSTOMER, later);
    on.agent_writes(CUSTOMER, "Hello?").await;
    let row =
        eventually("the agent is told", || async { on.stack.row("helpdesk_status is not null").await }).await;
    assert_eq!((row.provider_status, row.helpdesk_status), (Some(Status::Undelivered), Some(Told::Failed)));
    let failures = on.stack.front.failures(&on.inbox);
    assert!(failures[0].error.as_ref().unwrap().contains("30003"), "{failures:?}");
}

#[tokio::test]
async fn a_lost_text_is_found_by_the_backfill() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    on.twilio.customer_texts(CUSTOMER, NUMBER, "Anybody there?").await;
    on.backfill().await;
    assert_eq!(on.thread(CUSTOMER), ["Anybody there?"]);
}

#[tokio::test]
async fn who_wrote_stop_is_refused_by_twilio_itself_and_the_agent_is_told() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.customer_texts(CUSTOMER, NUMBER, "STOP").await;
    on.stack.settle().await;
    on.agent_writes(CUSTOMER, "One more thing").await;
    on.agent_writes(OTHER_CUSTOMER, "To somebody else").await;
    on.stack.settle().await;
    let row = on.stack.row("body = 'One more thing'").await.unwrap();
    assert_eq!((row.parked, row.provider_error_code.as_deref()), (Some(Parked::OptedOut), Some("21610")));
    assert_eq!(on.texts_to(OTHER_CUSTOMER), ["To somebody else"]);
    assert_eq!(on.stack.count("select count(*) from consents where word = 'stop'").await, 1);
}

#[tokio::test]
async fn whatsapp_is_a_conversation_of_its_own() {
    let number = "whatsapp:+12015553000";
    let on = OnTwilio::start(number).await;
    let customer = format!("whatsapp:{CUSTOMER}");
    on.twilio.customer_texts(&customer, number, "Hi").await;
    on.stack.settle().await;
    on.agent_writes(&customer, "Hello").await;
    on.stack.settle().await;
    assert_eq!(on.texts_to(&customer), ["Hello"]);
    assert_eq!(on.thread(&customer), ["Hi", "Hello"]);
}

#[tokio::test]
async fn a_send_that_smart_encoding_changed_is_found_again_and_not_repeated() {
    let on = OnTwilio::start(NUMBER).await;
    let options = on.twilio.options();
    let answers = Settings::from_iter([
        ("phone", NUMBER),
        ("account_sid", options.account_sid.as_str()),
        ("auth_token", options.auth_token.as_str()),
        ("smart_encoded", "yes"),
    ]);
    setup::install(on.stack.engine(), "front_twilio", &answers).await.unwrap();
    on.twilio.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    on.twilio.faults().add(Rule::new(Fault::ResetAfter).on(Operation::SendMessage));
    let text = "It\u{2019}s here \u{2013} \u{201C}now\u{201D}\u{2026}";
    on.agent_writes(CUSTOMER, text).await;
    on.stack.settle().await;
    assert_eq!(on.texts_to(CUSTOMER), ["It's here - \"now\"..."]);
    assert_eq!(on.thread(CUSTOMER), [text], "it is not taken for somebody else's");
}
