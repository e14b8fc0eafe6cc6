//! What we sent comes back in lists and callbacks. It never becomes a second message, on either side.

use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_core::model::{BoundBy, Direction, Parked, Side, Status};
use twinwire_engine::poll;
use twinwire_sandbox::front::Source;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_store::backfills::{self, Kind};
use twinwire_tests::{CUSTOMER, SUPPORT, Setting, Stack, eventually};

async fn stack() -> Stack {
    Stack::with(Setting { settling: Duration::from_millis(700), ..Setting::default() }).await
}

fn lose_callbacks(stack: &Stack) {
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(1000));
}

/// Messages that came into the helpdesk from us.
fn imported(stack: &Stack) -> Vec<String> {
    let all = stack.front.all_messages(&stack.channel);
    all.into_iter().filter(|message| message.source == Source::Sync).map(|message| message.text).collect()
}

/// Reads the provider's list again and again, with hardly a pause, until it is told to stop.
async fn read_for_ever(stack: &Stack, kind: Kind, stop: CancellationToken) -> u32 {
    let account = stack.count("select id from accounts where connector = 'signalwire'").await;
    let mut conn = stack.pool.acquire().await.unwrap();
    let (id, _) = backfills::request(&mut conn, account, None, kind, "test").await.unwrap();
    let reading = backfills::get(&mut *conn, id).await.unwrap().unwrap();
    drop(conn);
    let mut rounds = 0;
    while !stop.is_cancelled() {
        poll::run(stack.engine(), &reading, &CancellationToken::new()).await.unwrap();
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    rounds
}

#[tokio::test]
async fn reading_the_list_while_messages_are_being_sent_imports_none_of_them() {
    let stack = stack().await;
    lose_callbacks(&stack);
    // Taken, and the answer comes late: the list shows the message long before we know its id.
    for n in [3, 7, 12] {
        let late = Fault::TimeoutAfter(Duration::from_millis(400));
        let text = format!("Number {n}.");
        stack.signalwire.faults().add(Rule::new(late).on(Operation::SendMessage).saying(&text));
    }
    let stop = CancellationToken::new();
    let write = async {
        for n in 0..40 {
            let to = format!("+1202555{:04}", 2000 + n % 10);
            stack.front.agent_writes(&stack.channel, &[&to], &format!("Number {n}.")).await.unwrap();
        }
        stack.settle().await;
        stop.cancel();
    };
    let (polls, backfills, ()) = tokio::join!(
        read_for_ever(&stack, Kind::Poll, stop.clone()),
        read_for_ever(&stack, Kind::Incremental, stop.clone()),
        write
    );
    assert!(polls + backfills > 5, "{polls} {backfills}");
    assert_eq!(imported(&stack), Vec::<String>::new());
    assert_eq!(stack.rows().await.len(), 40);
    assert!(stack.signalwire.duplicates().is_empty());
    assert_eq!(stack.signalwire.messages().len(), 40);
}

#[tokio::test]
async fn a_callback_that_comes_before_the_answer_makes_no_second_message() {
    let stack = stack().await;
    stack.signalwire.faults().add(Rule::new(Fault::Early).on(Operation::StatusCallback).times(5));
    for n in 0..5 {
        stack.front.agent_writes(&stack.channel, &[CUSTOMER], &format!("Number {n}")).await.unwrap();
    }
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER).len(), 5);
    assert_eq!(stack.rows().await.len(), 5);
    assert!(imported(&stack).is_empty());
}

#[tokio::test]
async fn lost_callbacks_cost_no_status() {
    let stack = stack().await;
    lose_callbacks(&stack);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Did it arrive?").await.unwrap();
    stack.settle().await;
    eventually("it is delivered", || async {
        stack.signalwire.outbound_to(CUSTOMER).pop().filter(|message| message.status == "delivered")
    })
    .await;
    assert!(stack.rows().await[0].provider_status < Some(Status::Delivered));
    stack.backfill(Kind::Poll).await;
    assert_eq!(stack.rows().await[0].provider_status, Some(Status::Delivered));
    assert!(imported(&stack).is_empty());
}

#[tokio::test]
async fn what_another_application_sent_comes_into_the_helpdesk_once() {
    let stack = stack().await;
    stack.signalwire.foreign_send(SUPPORT, CUSTOMER, "Your code is 1234");
    for _ in 0..3 {
        stack.backfill(Kind::Incremental).await;
    }
    let thread = stack.thread(CUSTOMER);
    assert_eq!(thread.len(), 1);
    assert_eq!(thread[0].text, "Your code is 1234");
    assert!(!thread[0].is_inbound, "our side wrote it");
    let row = stack.rows().await.remove(0);
    assert_eq!((row.origin, row.direction), (Side::Provider, Direction::Outbound));
    assert!(stack.texts_to(CUSTOMER).is_empty(), "and it is not sent again");
}

#[tokio::test]
async fn a_strangers_same_text_beside_an_uncertain_send_is_never_answered_with_a_second_sms() {
    let stack = stack().await;
    // The callback that could tell comes only when the test says so.
    lose_callbacks(&stack);
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorAfter(500)).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "See you!").await.unwrap();
    eventually("it is taken", || async { stack.signalwire.outbound_to(CUSTOMER).pop() }).await;
    stack.signalwire.foreign_send(SUPPORT, CUSTOMER, "See you!");
    let row = eventually("it is put aside", || async {
        Some(stack.rows().await.remove(0)).filter(|row| row.parked.is_some())
    })
    .await;
    assert_eq!(row.parked, Some(Parked::Uncertain));
    assert!(row.last_error.is_some_and(|why| why.contains("more than one")));
    eventually("the agent is told", || async { stack.front.failures(&stack.channel).pop() }).await;
    assert_eq!(stack.texts_to(CUSTOMER).len(), 1);

    stack.signalwire.faults().clear();
    let ours = stack.signalwire.outbound_to(CUSTOMER).remove(0).sid;
    stack.signalwire.advance(&ours, "delivered", None).await;
    stack.settle().await;
    stack.backfill(Kind::Incremental).await;
    let rows = stack.rows().await;
    let own = rows.iter().find(|row| row.origin == Side::Helpdesk).unwrap();
    assert_eq!((own.provider_message_id.as_ref(), own.bound_by), (Some(&ours), Some(BoundBy::Reference)));
    assert_eq!(own.parked, None);
    assert_eq!(stack.texts_to(CUSTOMER).len(), 1);
    assert_eq!(imported(&stack), ["See you!"], "the stranger's is a message of its own");
}

#[tokio::test]
async fn a_list_that_shows_a_message_late_but_in_time_leads_to_no_second_sms() {
    let stack = Stack::start().await;
    lose_callbacks(&stack);
    let late = Fault::DelayedVisibility(Duration::from_millis(700));
    stack.signalwire.faults().add(Rule::new(late).on(Operation::SendMessage));
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorAfter(502)).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hidden for a while").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Hidden for a while"]);
    assert_eq!(stack.rows().await[0].bound_by, Some(BoundBy::Echo));
}

#[tokio::test]
async fn the_helpdesks_own_import_notices_make_no_messages() {
    let stack = stack().await;
    stack.front.faults().add(Rule::new(Fault::Early).on(Operation::MessageImported));
    stack.front.faults().add(Rule::new(Fault::Duplicate(2)).on(Operation::MessageImported).times(3));
    for n in 0..4 {
        stack.signalwire.customer_texts(CUSTOMER, SUPPORT, &format!("Question {n}")).await;
    }
    stack.settle().await;
    eventually("all notices came", || async {
        let about: BTreeSet<String> =
            stack.front.deliveries().into_iter().map(|notice| notice.about).collect();
        (about.len() == 4).then_some(())
    })
    .await;
    assert_eq!(stack.rows().await.len(), 4);
    assert_eq!(imported(&stack).len(), 4);
    assert!(stack.signalwire.outbound_to(CUSTOMER).is_empty());
}
