//! What is wrong with a whole account is one matter for the operator, and none for the messages.

use std::time::Duration;
use twinwire_core::model::Status;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::accounts;
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, SUPPORT, Setting, Stack, eventually};

async fn stack() -> Stack {
    Stack::with(Setting { settling: Duration::from_millis(1200), ..Setting::default() }).await
}

fn customer(at: usize) -> String {
    format!("+1201555{:04}", 2000 + at)
}

/// Waits until so many calls were met by an outage that is held against no message.
async fn outage(stack: &Stack, calls: i64) {
    let not_now = "select count(*) from attempts where outcome = 'not_now'";
    eventually("the vendor is taken to be away", || async {
        (stack.count(not_now).await >= calls).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_outage_of_the_provider_is_held_against_no_message_and_no_agent_hears_of_it() {
    let stack = stack().await;
    stack.signalwire.faults().outage(Some(Fault::ServerErrorBefore(503)));
    for at in 0..12 {
        stack.front.agent_writes(&stack.channel, &[&customer(at)], "Hello").await.unwrap();
    }
    outage(&stack, 4).await;
    for row in stack.rows().await {
        assert!(row.parked.is_none() && row.failures <= 3, "{row:?}");
    }
    let resting = "select count(*) from accounts where paused_until is not null or pauses > 0";
    assert_eq!(stack.count(resting).await, 0, "another process may reach what this one does not");
    stack.signalwire.faults().outage(None);
    stack.settle().await;
    for at in 0..12 {
        assert_eq!(stack.texts_to(&customer(at)), ["Hello"]);
    }
    assert!(stack.front.failures(&stack.channel).is_empty());
}

#[tokio::test]
async fn a_helpdesk_that_answers_nobody_gets_every_text_once_when_it_is_back() {
    let stack = stack().await;
    for at in 0..6 {
        stack.front.agent_writes(&stack.channel, &[&customer(at)], "Hello").await.unwrap();
        stack.signalwire.customer_texts(&customer(at), SUPPORT, "Hi").await;
    }
    stack.settle().await;
    stack.front.faults().outage(Some(Fault::ResetBefore));
    for at in 0..6 {
        stack.signalwire.customer_texts(&customer(at), SUPPORT, "Are you there?").await;
    }
    outage(&stack, 4).await;
    stack.front.faults().outage(None);
    stack.settle().await;
    for at in 0..6 {
        assert_eq!(stack.thread_texts(&customer(at)), ["Hello", "Hi", "Are you there?"]);
    }
    assert!(stack.front.duplicates(&stack.channel).is_empty());
}

#[tokio::test]
async fn the_operator_is_alerted_once_however_many_calls_are_refused() {
    let stack = stack().await;
    let account = stack.count("select id from accounts where connector = 'signalwire'").await;
    let now = stack.engine().now();
    let until = now + chrono::TimeDelta::seconds(1);
    let alerted = |reason: &'static str| accounts::pause(&stack.pool, account, now, until, reason);
    assert!(alerted(accounts::REFUSED).await.unwrap());
    for _ in 0..20 {
        assert!(!alerted(accounts::REFUSED).await.unwrap());
    }
    let pauses = stack.count("select pauses::bigint from accounts where connector = 'signalwire'").await;
    assert_eq!(pauses, 1, "calls that were in flight together count as one");
    assert!(!alerted(accounts::THROTTLED).await.unwrap(), "it still has to be mended");
    assert!(alerted(accounts::REFUSED_TO_READ).await.unwrap(), "that is another matter");
}

/// What Front's users see of the channel.
fn shown(stack: &Stack) -> String {
    let channel = stack.front.channels().into_iter().find(|channel| channel.id == stack.channel);
    channel.unwrap().status
}

#[tokio::test]
async fn a_channel_whose_credentials_are_refused_is_shown_as_offline_until_they_work_again() {
    let stack = stack().await;
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage).times(3));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Wait for the new token").await.unwrap();
    eventually("it is shown as offline", || async { (shown(&stack) == "offline").then_some(()) }).await;
    assert!(stack.texts_to(CUSTOMER).is_empty());
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Wait for the new token"]);
    eventually("it is shown as working", || async { (shown(&stack) == "ok").then_some(()) }).await;
}

#[tokio::test]
async fn one_refusal_that_passes_is_not_shown() {
    let stack = stack().await;
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.settle().await;
    let asked = stack.front.requests();
    assert!(asked.iter().all(|request| request.operation != Some(Operation::UpdateChannel)));
}

#[tokio::test]
async fn a_helpdesk_that_cannot_show_it_is_not_asked_for_ever_and_takes_messages_all_the_same() {
    let stack = stack().await;
    stack.front.faults().add(
        Rule::new(Fault::Refuse { status: 404, code: 0, message: "no such route".to_owned() })
            .on(Operation::UpdateChannel),
    );
    rest(&stack).await;
    eventually("it is given up", || async {
        (stack.count("select count(*) from channels where not shown_works").await == 1).then_some(())
    })
    .await;
    assert_eq!(shown(&stack), "ok");
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello?").await;
    eventually("it is there", || async { (stack.thread_texts(CUSTOMER) == ["Hello?"]).then_some(()) }).await;
    let asked = stack.front.requests();
    let shows = asked.iter().filter(|request| request.operation == Some(Operation::UpdateChannel));
    assert_eq!(shows.count(), 1);
}

#[tokio::test]
async fn what_nobody_knows_to_be_shown_is_shown_again() {
    let stack = stack().await;
    stack.front.faults().add(Rule::new(Fault::ResetAfter).on(Operation::UpdateChannel));
    rest(&stack).await;
    eventually("the answer is lost", || async { (shown(&stack) == "offline").then_some(()) }).await;
    // It works again before it was asked again.
    let works = "update accounts set pauses = 0, pause_reason = null";
    sqlx::query(works).execute(&stack.pool).await.unwrap();
    sqlx::query("update channels set show_tried_at = null").execute(&stack.pool).await.unwrap();
    eventually("it is shown as working", || async { (shown(&stack) == "ok").then_some(()) }).await;
}

/// The account rests as after refused credentials, with nothing to send.
async fn rest(stack: &Stack) {
    sqlx::query(
        "update accounts set pause_reason = $1, pauses = 3, paused_until = now() - interval '1 second'
        where connector = 'signalwire'",
    )
    .bind(accounts::REFUSED)
    .execute(&stack.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_quiet_channel_is_shown_as_working_again_by_the_next_poll() {
    let stack = stack().await;
    rest(&stack).await;
    eventually("it is shown as offline", || async { (shown(&stack) == "offline").then_some(()) }).await;
    stack.backfill(Kind::Incremental).await;
    eventually("it is shown as working", || async { (shown(&stack) == "ok").then_some(()) }).await;
}

#[tokio::test]
async fn old_history_is_put_aside_where_it_is_found_and_does_not_hold_up_the_texts_of_today() {
    let stack = Stack::with(Setting { webhooks: false, ..Setting::default() }).await;
    let old = chrono::Utc::now() - chrono::TimeDelta::days(30);
    for at in 0..40 {
        stack.signalwire.customer_texts_at(&customer(at), SUPPORT, "Long ago", old).await;
    }
    stack.backfill(Kind::Full).await;
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row.parked.is_some() && row.wake_at.is_none()));
    assert!(rows.iter().all(|row| row.provider_status == Some(Status::Received)));
    let planned = "select count(*) from attempts where outcome = 'parked'";
    assert_eq!(stack.count(planned).await, 0, "no planner has looked at them");
    assert!(stack.front.all_messages(&stack.channel).is_empty());
}
