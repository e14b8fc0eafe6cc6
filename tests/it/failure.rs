//! An agent learns of every message that did not arrive: once, at the message itself, and with the reason.

use std::time::Duration;
use twinwire_core::model::{Parked, Status, Told};
use twinwire_sandbox::front::Message;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, Setting, Stack, eventually};

const TEXT: &str = "Your parcel will come on Tuesday";

async fn stack() -> Stack {
    Stack::with(Setting { settling: Duration::from_millis(1200), ..Setting::default() }).await
}

fn unreachable() -> Fate {
    Fate::FailLater {
        code: 30003,
        message: "Unreachable handset".to_owned(),
        status: "undelivered".to_owned(),
    }
}

/// How often the helpdesk was asked to do this.
fn asked(stack: &Stack, operation: Operation) -> usize {
    let requests = stack.front.requests();
    requests.iter().filter(|request| request.operation == Some(operation)).count()
}

/// The message that the agent sees as failed.
async fn told(stack: &Stack) -> Message {
    eventually("the agent is told", || async { stack.front.failures(&stack.channel).pop() }).await
}

#[tokio::test]
async fn a_refused_message_is_marked_as_failed_once_and_no_text_is_made_up_for_the_customer() {
    let stack = stack().await;
    let fate = Fate::RefuseSync { status: 422, code: 21610, message: "Blocked by the recipient".to_owned() };
    stack.signalwire.script(CUSTOMER, fate);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], TEXT).await.unwrap();
    stack.settle().await;
    let reason = told(&stack).await.error.unwrap();
    assert!(reason.contains("21610") && reason.contains("Blocked by the recipient"), "{reason}");
    stack.backfill(Kind::Incremental).await;
    assert_eq!(asked(&stack, Operation::UpdateStatus), 1);
    assert_eq!(stack.thread_texts(CUSTOMER), [TEXT]);
    assert!(stack.thread(CUSTOMER).iter().all(|message| !message.is_inbound));
}

#[tokio::test]
async fn a_message_that_fails_later_is_told_once_however_often_the_provider_says_so() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, unreachable());
    stack.signalwire.faults().add(Rule::new(Fault::Duplicate(3)).on(Operation::StatusCallback).times(10));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], TEXT).await.unwrap();
    let reason = told(&stack).await.error.unwrap();
    assert!(reason.contains("30003"), "{reason}");
    stack.settle().await;
    stack.backfill(Kind::Incremental).await;
    let sid = stack.signalwire.outbound_to(CUSTOMER).remove(0).sid;
    stack.signalwire.advance(&sid, "failed", Some((30003, "Unreachable handset"))).await;
    stack.settle().await;
    assert_eq!(asked(&stack, Operation::UpdateStatus), 1);
    assert_eq!(stack.thread_texts(CUSTOMER), [TEXT]);
    assert_eq!(stack.rows().await[0].helpdesk_status, Some(Told::Failed));
}

#[tokio::test]
async fn a_late_failure_without_a_callback_is_found_though_the_list_does_not_show_the_message() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, Fate::Silent);
    // Out of every list for good: as a message is that many newer ones have pushed down.
    let hidden = Fault::DelayedVisibility(Duration::from_secs(3600));
    stack.signalwire.faults().add(Rule::new(hidden).on(Operation::SendMessage));
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(10));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], TEXT).await.unwrap();
    stack.settle().await;
    let sid = stack.signalwire.outbound_to(CUSTOMER).remove(0).sid;
    eventually("it is sent", || async {
        stack.signalwire.message(&sid).filter(|message| message.status == "sent")
    })
    .await;
    assert!(stack.signalwire.advance(&sid, "undelivered", Some((30005, "Unknown number"))).await.is_empty());
    sqlx::query(
        "update provider_messages set created_at = now() - interval '3 hours', date_created = now() - interval '3 hours'",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    stack.backfill(Kind::Poll).await;
    let reason = told(&stack).await.error.unwrap();
    assert!(reason.contains("30005"), "{reason}");
    stack.backfill(Kind::Poll).await;
    assert_eq!(asked(&stack, Operation::UpdateStatus), 1);
}

#[tokio::test]
async fn an_open_message_is_not_read_again_by_every_poll() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, Fate::Silent);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], TEXT).await.unwrap();
    stack.settle().await;
    sqlx::query("update provider_messages set created_at = now() - interval '3 hours'")
        .execute(&stack.pool)
        .await
        .unwrap();
    for _ in 0..3 {
        stack.backfill(Kind::Poll).await;
    }
    let fetched = stack.signalwire.requests();
    let fetched = fetched.iter().filter(|request| request.operation == Some(Operation::FetchMessage)).count();
    assert_eq!(fetched, 1);
}

#[tokio::test]
async fn a_failure_that_the_helpdesk_will_not_mark_ends_as_one_note() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, unreachable());
    let refused = Fault::Refuse { status: 404, code: 0, message: "Message not found".to_owned() };
    stack.front.faults().add(Rule::new(refused).on(Operation::UpdateStatus).times(100));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], TEXT).await.unwrap();
    eventually("the note is there", || async { (stack.thread(CUSTOMER).len() == 2).then_some(()) }).await;
    stack.settle().await;
    stack.backfill(Kind::Incremental).await;
    // A callback brings the code alone; the words for it are ours.
    let note =
        "SMS failed to send. Error (30003): the phone could not be reached\nYour parcel will come on T";
    assert_eq!(stack.thread_texts(CUSTOMER), [TEXT, note]);
    assert_eq!(stack.rows().await[0].helpdesk_status, Some(Told::Noted));
    // In the first seconds a refusal may only mean that Front has not read our answer yet.
    assert!(asked(&stack, Operation::UpdateStatus) >= 1);
}

#[tokio::test]
async fn a_note_whose_answer_is_lost_is_not_placed_twice() {
    let stack = stack().await;
    stack.signalwire.script(CUSTOMER, unreachable());
    let refused = Fault::Refuse { status: 404, code: 0, message: "Message not found".to_owned() };
    stack.front.faults().add(Rule::new(refused).on(Operation::UpdateStatus).times(100));
    stack.front.faults().add(Rule::new(Fault::ServerErrorAfter(500)).on(Operation::SyncInbound));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], TEXT).await.unwrap();
    eventually("the note is there", || async { (stack.thread(CUSTOMER).len() == 2).then_some(()) }).await;
    stack.settle().await;
    assert_eq!(stack.thread(CUSTOMER).len(), 2);
    assert_eq!(stack.rows().await[0].helpdesk_status, Some(Told::Noted));
}

#[tokio::test]
async fn the_failure_of_a_second_recipient_stands_in_their_own_conversation() {
    let stack = stack().await;
    stack.signalwire.script(OTHER_CUSTOMER, unreachable());
    stack.front.agent_writes(&stack.channel, &[CUSTOMER, OTHER_CUSTOMER], TEXT).await.unwrap();
    let noted = eventually("the note is there", || async {
        let note = |message: &Message| message.text.starts_with("SMS failed to send. Error (30003)");
        stack.thread(OTHER_CUSTOMER).into_iter().find(note)
    })
    .await;
    stack.settle().await;
    assert_eq!(noted.contact(), OTHER_CUSTOMER);
    assert_eq!(stack.thread_texts(CUSTOMER), [TEXT], "the first recipient got it, and nothing is said there");
    assert!(stack.front.failures(&stack.channel).is_empty());
    assert_eq!(stack.front.all_messages(&stack.channel).len(), 2);
}

#[tokio::test]
async fn a_failure_is_told_for_four_days_and_not_after() {
    let stack = stack().await;
    for customer in [CUSTOMER, OTHER_CUSTOMER] {
        stack.front.agent_writes(&stack.channel, &[customer], TEXT).await.unwrap();
    }
    stack.settle().await;
    // The last callback must be in: it would bring today's date back.
    eventually("both are delivered", || async {
        let rows = stack.rows().await;
        rows.iter().all(|row| row.provider_status == Some(Status::Delivered)).then_some(())
    })
    .await;
    for (customer, ago) in [(CUSTOMER, "4 days 1 hour"), (OTHER_CUSTOMER, "3 days 23 hours")] {
        sqlx::query(
            "update messages set provider_status = 'failed', provider_error_code = '30008',
                provider_updated_at = now() - $2::interval, wake_at = now() where recipient = $1",
        )
        .bind(customer)
        .bind(ago)
        .execute(&stack.pool)
        .await
        .unwrap();
    }
    stack.settle().await;
    let failed = stack.front.failures(&stack.channel);
    assert_eq!(failed.iter().map(Message::contact).collect::<Vec<_>>(), [OTHER_CUSTOMER]);
}

#[tokio::test]
async fn a_message_two_days_old_is_not_sent_any_more_and_the_agent_knows() {
    let stack = stack().await;
    sqlx::query("update channels set state = 'paused'").execute(&stack.pool).await.unwrap();
    for customer in [CUSTOMER, OTHER_CUSTOMER] {
        stack.front.agent_writes(&stack.channel, &[customer], TEXT).await.unwrap();
    }
    for (customer, ago) in [(CUSTOMER, "48 hours 1 minute"), (OTHER_CUSTOMER, "47 hours")] {
        sqlx::query("update messages set occurred_at = now() - $2::interval where recipient = $1")
            .bind(customer)
            .bind(ago)
            .execute(&stack.pool)
            .await
            .unwrap();
    }
    sqlx::query("update channels set state = 'active'").execute(&stack.pool).await.unwrap();
    sqlx::query("update messages set wake_at = now()").execute(&stack.pool).await.unwrap();
    stack.settle().await;
    assert!(stack.texts_to(CUSTOMER).is_empty());
    assert_eq!(stack.texts_to(OTHER_CUSTOMER), [TEXT]);
    let told = stack.front.failures(&stack.channel);
    assert_eq!(told.iter().map(Message::contact).collect::<Vec<_>>(), [CUSTOMER]);
    let row = stack.rows().await.into_iter().find(|row| row.recipient == CUSTOMER).unwrap();
    assert_eq!(row.parked, Some(Parked::TooOld));
}
