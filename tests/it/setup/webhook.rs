//! The number's webhook: set where nobody has it, and taken over only from whom it was shown to be.

use super::*;
use twinwire_sandbox::{Twilio, TwilioOptions};
use twinwire_tests::{eventually, on_twilio};

const OTHER: &str = "https://crm.example.com/sms";

fn ours(stack: &Stack, shown: &Value) -> String {
    format!("{}/v1/hooks/signalwire/{}/inbound", stack.url(), shown["channel"].as_str().unwrap())
}

#[tokio::test]
async fn another_applications_webhook_is_shown_and_taken_over_only_by_that_word() {
    let stack = Stack::start().await;
    stack.signalwire.set_webhook(SECOND, OTHER);
    let (client, shown) = Client::answered(&stack).await;
    assert_eq!(
        (&shown["step"], &shown["now"]),
        (&json!("confirm"), &json!({ "goes": "elsewhere", "to": OTHER }))
    );
    assert_eq!(shown["url"], ours(&stack, &shown));
    let (status, refused) = client.says(&json!({ "webhook": "set" })).await;
    assert!(status == 400 && refused.to_string().contains("another application"), "{refused}");
    assert_eq!(stack.signalwire.webhook(SECOND).as_deref(), Some(OTHER));
    let shown = client.say(json!({ "webhook": "take_over" })).await;
    assert_eq!(shown["step"], "show", "{shown}");
    assert_eq!(stack.signalwire.webhook(SECOND), Some(ours(&stack, &shown)));
    // What is done need not be told.
    assert!(!shown["todo"].to_string().contains("SignalWire"), "{shown}");
}

#[tokio::test]
async fn left_as_it_is_it_stays_and_the_person_is_told_what_to_paste() {
    let stack = Stack::start().await;
    stack.signalwire.set_webhook(SECOND, OTHER);
    let (client, _) = Client::answered(&stack).await;
    let shown = client.say(json!({ "webhook": "leave" })).await;
    assert_eq!(shown["step"], "show");
    assert!(shown["todo"].to_string().contains(&ours(&stack, &shown)), "{shown}");
    assert_eq!(stack.signalwire.webhook(SECOND).as_deref(), Some(OTHER));
}

#[tokio::test]
async fn who_took_the_webhook_after_it_was_shown_is_asked_about_anew() {
    let stack = Stack::start().await;
    let (client, shown) = Client::answered(&stack).await;
    assert_eq!(shown["now"], json!({ "goes": "nowhere" }), "{shown}");
    stack.signalwire.set_webhook(SECOND, OTHER);
    let shown = client.say(json!({ "webhook": "set" })).await;
    assert_eq!((&shown["step"], &shown["now"]["to"]), (&json!("confirm"), &json!(OTHER)), "{shown}");
    assert_eq!(stack.signalwire.webhook(SECOND).as_deref(), Some(OTHER));
}

#[tokio::test]
async fn an_application_at_the_number_is_another_one_and_is_taken_off_with_its_consent() {
    let stack = Stack::start().await;
    stack.signalwire.set_application(SECOND, "a1b2");
    let (client, shown) = Client::answered(&stack).await;
    assert_eq!(shown["now"]["to"], "the application a1b2", "{shown}");
    let shown = client.say(json!({ "webhook": "take_over" })).await;
    assert_eq!(stack.signalwire.webhook(SECOND), Some(ours(&stack, &shown)));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_up_and_one_that_is_refused_is_said() {
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::ResetAfter).on(Operation::UpdateNumber).times(1));
    let (client, _) = Client::answered(&stack).await;
    let shown = client.say(json!({ "webhook": "set" })).await;
    assert_eq!(shown["step"], "show", "{shown}");
    assert!(!shown["todo"].to_string().contains("SignalWire"), "{shown}");
    stack.signalwire.set_webhook(SECOND, "");
    // What passes is tried anew.
    stack
        .signalwire
        .faults()
        .add(Rule::new(Fault::ServerErrorBefore(503)).on(Operation::ListNumbers).times(1));
    let (client, shown) = Client::answered(&stack).await;
    assert!(shown["todo"].to_string().contains("could not be set from here"), "{shown}");
    eventually("the number is looked at again", || async {
        (client.look().await["step"] == "confirm").then_some(())
    })
    .await;
    // A token without the scope for numbers.
    stack.signalwire.faults().add(Rule::new(Fault::Forbidden).on(Operation::ListNumbers));
    let (_, shown) = Client::answered(&stack).await;
    assert_eq!(shown["step"], "show", "{shown}");
    assert!(shown["todo"].to_string().contains("could not be set from here"), "{shown}");
    assert!(shown["todo"].to_string().contains(&ours(&stack, &shown)), "{shown}");
}

#[tokio::test]
async fn at_twilio_a_number_is_set_with_tries_and_a_whatsapp_sender_or_a_service_is_told_instead() {
    let twilio = Twilio::start(TwilioOptions::default()).await.unwrap();
    let stack = Stack::with(Setting { twilio_url: Some(twilio.url()), ..Setting::default() }).await;
    let service = twilio.add_service(&["+12015553001"]);
    let whatsapp = "whatsapp:+12015553002";
    twilio.add_number(whatsapp);
    twilio.set_webhook(on_twilio::NUMBER, "https://demo.twilio.com/welcome/sms/reply/");
    let begin = async |number: &str, service: &str| {
        let mut answers: serde_json::Map<_, _> = on_twilio::answers(&twilio, number)
            .iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        answers.insert("messaging_service_sid".to_owned(), json!(service));
        Client::begin(&stack, json!({ "pair": "front_twilio", "answers": answers })).await
    };
    for (number, service) in [(whatsapp, ""), ("+12015553001", service.as_str())] {
        let (_, shown) = begin(number, service).await;
        assert_eq!(shown["step"], "show", "{shown}");
        assert!(shown["todo"].to_string().contains("is set in Twilio's console"), "{shown}");
    }
    let (client, shown) = begin(on_twilio::NUMBER, "").await;
    assert_eq!(shown["now"], json!({ "goes": "nowhere" }), "the demonstration is nobody's: {shown}");
    let shown = client.say(json!({ "webhook": "set" })).await;
    let url = twilio.webhook(on_twilio::NUMBER).unwrap();
    assert!(
        url.contains(shown["channel"].as_str().unwrap()) && url.ends_with("/inbound#rc=5&rp=all"),
        "{url}"
    );
    stack.front.set_server_url(&format!("{}/v1/install/front_twilio/authorization", stack.url()));
    let inbox = stack.front.connect(&key(&shown)).await.unwrap().id;
    twilio.customer_texts(CUSTOMER, on_twilio::NUMBER, "Hello").await;
    stack.settle().await;
    assert_eq!(stack.front.messages(&inbox, CUSTOMER).len(), 1);
    assert!(twilio.complaints().is_empty(), "{:?}", twilio.complaints());
}
