//! What a provider itself says about who does not want to be texted is written down, once, and believed.

use std::time::Duration;
use twinwire_core::model::{Parked, Status};
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Setting, Stack, eventually};

const STOPS: &str = "select count(*) from consents where word = 'stop'";

fn refused(status: u16) -> Fate {
    Fate::RefuseSync { status, code: 21_610, message: "Attempt to send to unsubscribed recipient".to_owned() }
}

fn fails_later() -> Fate {
    Fate::FailLater { code: 21_610, message: "Unsubscribed".to_owned(), status: "failed".to_owned() }
}

async fn stack() -> Stack {
    Stack::with(Setting { settling: Duration::from_millis(1200), ..Setting::default() }).await
}

async fn agent_writes(stack: &Stack, text: &str) {
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], text).await.unwrap();
    stack.settle().await;
}

fn sends(stack: &Stack) -> usize {
    let requests = stack.signalwire.requests();
    requests.iter().filter(|request| request.operation == Some(Operation::SendMessage)).count()
}

#[tokio::test]
async fn what_twilio_refuses_for_an_opt_out_is_written_down_once_and_told() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.script(CUSTOMER, refused(400));
    for text in ["One", "Two"] {
        on.agent_writes(CUSTOMER, text).await;
    }
    on.agent_writes(OTHER_CUSTOMER, "To somebody else").await;
    on.stack.settle().await;
    for text in ["One", "Two"] {
        let row = on.stack.row(&format!("body = '{text}'")).await.unwrap();
        assert_eq!(row.parked, Some(Parked::OptedOut));
    }
    assert_eq!(on.stack.count("select count(*) from consents").await, 1);
    let whose =
        format!("{STOPS} and external_conversation_id = '{CUSTOMER}' and provider_message_id is null");
    assert_eq!(on.stack.count(&whose).await, 1);
    let failures = on.stack.front.failures(&on.inbox);
    assert_eq!(failures.len(), 2);
    assert!(failures.iter().all(|one| one.error.as_ref().unwrap().contains("21610")), "{failures:?}");
    assert_eq!(on.texts_to(OTHER_CUSTOMER), ["To somebody else"]);
}

#[tokio::test]
async fn a_word_of_the_accounts_own_that_twilio_takes_for_stop_is_believed() {
    let on = OnTwilio::start(NUMBER).await;
    for (nth, (body, said)) in
        [("ARRET", "STOP"), ("Encore", "START"), ("AIDE", "HELP")].into_iter().enumerate()
    {
        let sid = format!("SM{nth:032x}");
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [
            field("MessageSid", &sid),
            field("AccountSid", &on.twilio.options().account_sid),
            field("From", CUSTOMER),
            field("To", NUMBER),
            field("Body", body),
            field("NumMedia", "0"),
            field("OptOutType", said),
        ];
        for _ in 0..2 {
            let answer = on.twilio.post_raw(&on.twilio.signed_form(&on.inbound_url, &fields)).await;
            assert!(answer.is_success(), "{answer:?}");
        }
    }
    on.stack.settle().await;
    let words: Vec<String> = sqlx::query_scalar("select word || ' ' || text from consents order by id")
        .fetch_all(&on.stack.pool)
        .await
        .unwrap();
    assert_eq!(words, ["stop ARRET", "start Encore", "help AIDE"]);
    assert_eq!(on.thread(CUSTOMER), ["ARRET", "Encore", "AIDE"], "agents see what was written");
}

#[tokio::test]
async fn a_message_that_fails_later_for_an_opt_out_is_written_down_once() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.script(CUSTOMER, fails_later());
    on.twilio.faults().add(Rule::new(Fault::Duplicate(2)).on(Operation::StatusCallback).times(10));
    on.agent_writes(CUSTOMER, "Hello?").await;
    let row =
        eventually("the agent is told", || async { on.stack.row("helpdesk_status is not null").await }).await;
    assert_eq!((row.provider_status, row.parked), (Some(Status::Failed), None));
    on.backfill().await;
    let sid = row.provider_message_id.unwrap();
    assert_eq!(on.stack.count(&format!("{STOPS} and provider_message_id = '{sid}' and text = ''")).await, 1);
    assert_eq!(on.stack.count("select count(*) from consents").await, 1);
}

#[tokio::test]
async fn an_opt_out_that_signalwire_knows_of_holds_for_as_long_as_signalwire_says_so() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, refused(422));
    agent_writes(&stack, "One").await;
    assert_eq!((stack.row("body = 'One'").await.unwrap().parked, sends(&stack)), (Some(Parked::OptedOut), 1));
    agent_writes(&stack, "Two").await;
    assert_eq!((stack.row("body = 'Two'").await.unwrap().parked, sends(&stack)), (Some(Parked::OptedOut), 2));
    let before: Vec<String> = consents(&stack).await;
    // Whoever lifted it there told nobody: to refuse by ourselves would be for ever.
    stack.signalwire.script(CUSTOMER, Fate::Deliver);
    agent_writes(&stack, "Two again").await;
    assert_eq!(stack.row("body = 'Two again'").await.unwrap().parked, None);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "START").await;
    stack.settle().await;
    agent_writes(&stack, "Three").await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Two again", "Three"]);
    let after = consents(&stack).await;
    assert_eq!((before.len(), after.len()), (1, 2));
    assert_eq!(after[0], before[0], "what was written down stays");
    assert_eq!(stack.front.failures(&stack.channel).len(), 2);
}

async fn consents(stack: &Stack) -> Vec<String> {
    sqlx::query_scalar("select to_jsonb(c)::text from consents c order by id")
        .fetch_all(&stack.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_failure_that_is_heard_of_late_does_not_undo_what_the_customer_wrote_since() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, fails_later());
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(10));
    agent_writes(&stack, "Are you there?").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "START").await;
    stack.settle().await;
    stack.backfill(Kind::Incremental).await;
    assert_eq!(stack.count(STOPS).await, 1, "the failure was found by the reading");
    stack.signalwire.script(CUSTOMER, Fate::Deliver);
    agent_writes(&stack, "Welcome back").await;
    let row = stack.row("body = 'Welcome back'").await.unwrap();
    assert_eq!((row.parked, row.provider_message_id.is_some()), (None, true));
}
