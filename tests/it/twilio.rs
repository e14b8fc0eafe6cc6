//! The main job on Twilio: the same engine, another codec.

use crate::posts::{empty_script, refused, stored};
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
async fn webhooks_that_are_set_to_get_are_taken_like_posted_ones() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    let inbound = on.text("SM0000000000000000000000000000a6e7", "50% off & \u{1F642}?");
    let request = on.twilio.signed_query(&on.hook_url("inbound"), &inbound);
    assert_eq!((request.method.as_str(), request.body.as_str()), ("GET", ""));
    for _ in 0..2 {
        empty_script(&on.twilio.post_raw(&request).await, 200);
    }
    on.stack.settle().await;
    assert_eq!(on.thread(CUSTOMER), ["50% off & \u{1F642}?"]);
    on.agent_writes(CUSTOMER, "Yes").await;
    on.stack.settle().await;
    // Its callback's address has a query of its own, with our id.
    let sent = on.twilio.outbound_to(CUSTOMER).remove(0);
    let status =
        [("MessageStatus", "delivered"), ("MessageSid", &sent.sid), ("To", CUSTOMER), ("From", NUMBER)];
    let url = sent.status_callback.unwrap();
    let answer = on.twilio.post_raw(&on.twilio.signed_query(&url, &fields(&status))).await;
    assert!(answer.is_success(), "{answer:?}");
    let row = on.stack.row("body = 'Yes'").await.unwrap();
    assert_eq!(row.provider_status, Some(Status::Delivered));
    let logged = "select count(*) from webhook_log where method = 'GET' and unverified is null";
    assert_eq!(on.stack.count(logged).await, 3);
}

#[tokio::test]
async fn a_webhook_by_get_that_is_not_signed_for_its_address_is_refused() {
    let on = OnTwilio::start(NUMBER).await;
    let before = stored(&on.stack).await;
    let name = "X-Twilio-Signature";
    for hook in ["inbound", "status"] {
        let mut fields = on.text("SM0000000000000000000000000000a6e8", "Never stored");
        let signed = |fields: &[(String, String)]| on.twilio.signed_query(&on.hook_url(hook), fields);
        let good = signed(&fields);
        let mut changed = good.clone();
        changed.url = changed.url.replace("Never", "Always");
        // A form's signature, for the same fields, is none for the address.
        let posted = on.twilio.signed_form(&on.hook_url(hook), &fields);
        let (_, of_form) = posted.headers.iter().find(|(header, _)| header == name).unwrap().clone();
        fields.iter_mut().filter(|(name, _)| name == "AccountSid").for_each(|(_, sid)| sid.push('0'));
        for (problem, request) in [
            ("a wrong signature", good.clone().with_header(name, "QUFBQUFBQUFBQUFBQUFBQUFBQUE=")),
            ("no signature", good.clone().without_header(name)),
            ("another text", changed),
            ("the signature of a form", good.clone().with_header(name, &of_form)),
            ("another account", signed(&fields)),
        ] {
            let answer = on.twilio.post_raw(&request).await;
            assert_eq!(answer.status, Some(401), "{problem} on {hook}: {answer:?}");
        }
        for method in ["PUT", "DELETE"] {
            let mut request = good.clone();
            method.clone_into(&mut request.method);
            assert_eq!(on.twilio.post_raw(&request).await.status, Some(405), "{method}");
        }
    }
    assert_eq!(stored(&on.stack).await, before);
    assert_eq!(refused(&on.stack, "twilio", "other account", 2).await, 2);
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

fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
