//! Whatever a vendor does wrong, a message ends on the other side once.

use chrono::TimeDelta;
use std::time::Duration;
use twinwire_core::model::{BoundBy, Parked};
use twinwire_sandbox::front::Source;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, LoggedRequest, Operation, Rule, SignalWire, SignalWireOptions};
use twinwire_store::backfills::Kind;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Setting, Stack, eventually};

/// Outcomes settle soon: the doubles have accepted before they answer.
async fn stack() -> Stack {
    Stack::with(Setting { settling: Duration::from_millis(1200), ..Setting::default() }).await
}

/// Requests of one kind that the provider got.
fn asked(stack: &Stack, operation: Operation) -> Vec<LoggedRequest> {
    stack.signalwire.requests().into_iter().filter(|request| request.operation == Some(operation)).collect()
}

/// Whether an account rests, for this reason.
async fn rests(stack: &Stack, connector: &str, reason: &str) -> bool {
    let sql = format!(
        "select count(*) from accounts where connector = '{connector}' and paused_until > now() and pause_reason = '{reason}'"
    );
    stack.count(&sql).await == 1
}

/// Many customers.
fn customers(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("+1202555{:04}", 1000 + n)).collect()
}

/// How long after `since` the provider took the first message to a customer.
fn taken_after(stack: &Stack, customer: &str, since: chrono::DateTime<chrono::Utc>) -> Option<TimeDelta> {
    stack.signalwire.outbound_to(customer).first().map(|message| message.date_created - since)
}

#[tokio::test]
async fn a_throttled_account_is_left_alone_until_its_time_and_then_delivers_once() {
    let stack = stack().await;
    // Twice: a client that asks again too early is throttled again, as by the vendor.
    let throttled = Fault::TooManyRequests { retry_after_secs: 2 };
    stack.signalwire.faults().add(Rule::new(throttled).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "One").await.unwrap();
    eventually("the account rests", || async {
        rests(&stack, "signalwire", "throttled").await.then_some(())
    })
    .await;
    stack.front.agent_writes(&stack.channel, &[OTHER_CUSTOMER], "Two").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["One"]);
    assert_eq!(stack.texts_to(OTHER_CUSTOMER), ["Two"]);
    let sends = asked(&stack, Operation::SendMessage);
    assert_eq!(sends.len(), 3, "one refused, two taken");
    assert!(sends[1..].iter().all(|send| send.at - sends[0].at >= TimeDelta::seconds(2)), "{sends:?}");
    let resting = "select count(*) from accounts where paused_until is not null or pauses > 0";
    assert_eq!(stack.count(resting).await, 0, "what works again does not rest");
}

#[tokio::test]
async fn a_throttled_helpdesk_is_left_alone_and_gets_the_customers_text_once() {
    let stack = stack().await;
    let throttled = Fault::TooManyRequests { retry_after_secs: 1 };
    stack.front.faults().add(Rule::new(throttled).on(Operation::SyncInbound));
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello?").await;
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Hello?"]);
    let syncs: Vec<_> = stack.front.requests();
    let syncs: Vec<_> =
        syncs.iter().filter(|request| request.operation == Some(Operation::SyncInbound)).collect();
    assert_eq!(syncs.len(), 2);
    assert!(syncs[1].at - syncs[0].at >= TimeDelta::seconds(1));
}

#[tokio::test]
async fn an_answer_lost_after_the_provider_took_the_message_sends_no_second_sms() {
    let stack = stack().await;
    let faults = [
        Fault::ServerErrorAfter(500),
        Fault::ServerErrorAfter(503),
        Fault::ResetAfter,
        Fault::GarbageAnswer,
        Fault::TimeoutAfter(Duration::from_millis(300)),
    ];
    let to = customers(faults.len());
    // Without callbacks: only the look-up can tell.
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    for (customer, fault) in to.iter().zip(&faults) {
        stack.signalwire.faults().add(Rule::new(fault.clone()).on(Operation::SendMessage).with(customer));
        stack.front.agent_writes(&stack.channel, &[customer], "Only once, please").await.unwrap();
    }
    stack.settle().await;
    for (customer, fault) in to.iter().zip(&faults) {
        assert_eq!(stack.texts_to(customer), ["Only once, please"], "{fault:?}");
    }
    assert_eq!(asked(&stack, Operation::SendMessage).len(), faults.len());
    for row in stack.rows().await {
        let there = stack.signalwire.outbound_to(&row.recipient).remove(0);
        assert_eq!(row.provider_message_id, Some(there.sid));
        assert_eq!(row.bound_by, Some(BoundBy::Echo));
        assert!(row.doubt.is_none() && row.parked.is_none());
    }
    stack.backfill(Kind::Incremental).await;
    assert_eq!(
        stack.front.all_messages(&stack.channel).len(),
        faults.len(),
        "nothing came back as an import"
    );
}

#[tokio::test]
async fn a_callback_settles_an_uncertain_send_before_anything_is_looked_up() {
    let stack = Stack::with(Setting { settling: Duration::from_secs(20), ..Setting::default() }).await;
    stack.signalwire.faults().add(Rule::new(Fault::ServerErrorAfter(500)).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Certain by reference").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER).len(), 1);
    let looked = |request: &LoggedRequest| request.path.contains("To=");
    assert!(!asked(&stack, Operation::ListMessages).iter().any(looked));
    assert_eq!(stack.rows().await[0].bound_by, Some(BoundBy::Reference));
}

#[tokio::test]
async fn a_message_that_the_provider_never_took_is_not_lost() {
    let stack = stack().await;
    let faults = [
        Fault::ServerErrorBefore(500),
        Fault::ServerErrorBefore(503),
        Fault::TimeoutBefore(Duration::from_millis(300)),
    ];
    let to = customers(faults.len());
    for (customer, fault) in to.iter().zip(&faults) {
        stack.signalwire.faults().add(Rule::new(fault.clone()).on(Operation::SendMessage).with(customer));
        stack.front.agent_writes(&stack.channel, &[customer], "Do arrive").await.unwrap();
    }
    stack.settle().await;
    for (customer, fault) in to.iter().zip(&faults) {
        assert_eq!(stack.texts_to(customer), ["Do arrive"], "{fault:?}");
        let looked = asked(&stack, Operation::ListMessages);
        let number = customer.trim_start_matches('+');
        assert!(looked.iter().any(|look| look.path.contains(number)), "sent again without a look: {fault:?}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_gets_the_message_once_it_can() {
    let mut stack = stack().await;
    let address = stack.signalwire.url().trim_start_matches("http://").parse().unwrap();
    let options = SignalWireOptions { listen: Some(address), ..stack.signalwire.options().clone() };
    stack.signalwire.stop().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Are you there?").await.unwrap();
    eventually("it was tried", || async {
        Some(stack.rows().await.remove(0)).filter(|row| row.failures > 0 && row.in_flight.is_none())
    })
    .await;
    stack.signalwire = SignalWire::start(options).await.unwrap();
    stack.signalwire.add_number(SUPPORT);
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Are you there?"]);
    let row = stack.rows().await.remove(0);
    assert_eq!((row.failures, row.last_error), (0, None));
}

#[tokio::test]
async fn a_customers_text_shows_once_when_the_helpdesks_answer_is_lost_in_a_known_conversation() {
    let stack = stack().await;
    let faults = [
        Fault::ServerErrorAfter(500),
        Fault::ResetAfter,
        Fault::GarbageAnswer,
        Fault::TimeoutAfter(Duration::from_millis(300)),
        Fault::ServerErrorBefore(503),
        Fault::TimeoutBefore(Duration::from_millis(300)),
    ];
    let from = customers(faults.len());
    stack.front.faults().add(Rule::new(Fault::Lost).on(Operation::MessageImported).times(100));
    for customer in &from {
        stack.front.agent_writes(&stack.channel, &[customer], "How can we help?").await.unwrap();
    }
    stack.settle().await;
    for (customer, fault) in from.iter().zip(&faults) {
        stack.front.faults().add(Rule::new(fault.clone()).on(Operation::SyncInbound).with(customer));
        stack.signalwire.customer_texts(customer, SUPPORT, "My order is late").await;
    }
    stack.settle().await;
    for (customer, fault) in from.iter().zip(&faults) {
        assert_eq!(stack.thread_texts(customer), ["How can we help?", "My order is late"], "{fault:?}");
    }
    assert!(stack.front.duplicates(&stack.channel).is_empty());
}

#[tokio::test]
async fn refused_credentials_stop_the_account_and_no_message_is_given_up_for_it() {
    let stack = stack().await;
    stack.signalwire.faults().add(Rule::new(Fault::Unauthorized).on(Operation::SendMessage).times(2));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Wait for the new token").await.unwrap();
    let reason = "credentials refused";
    eventually("the account rests", || async { rests(&stack, "signalwire", reason).await.then_some(()) })
        .await;
    let row = stack.rows().await.remove(0);
    assert_eq!((row.parked, row.failures), (None, 0));
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["Wait for the new token"]);
    let sends = asked(&stack, Operation::SendMessage);
    assert_eq!(sends.len(), 3);
    assert!(sends[1].at - sends[0].at >= TimeDelta::seconds(1), "it asks again only after a rest");
    assert!(sends[2].at - sends[1].at >= TimeDelta::seconds(2), "and rests longer the second time");
    assert!(stack.front.failures(&stack.channel).is_empty());
}

#[tokio::test]
async fn a_refused_message_is_not_asked_about_for_ever() {
    let stack = stack().await;
    let fate = Fate::RefuseSync { status: 422, code: 21614, message: "Blocked by the recipient".to_owned() };
    let to = customers(3);
    for customer in &to {
        stack.signalwire.script(customer, fate.clone());
        stack.front.agent_writes(&stack.channel, &[customer], "Our offer").await.unwrap();
    }
    stack.settle().await;
    let requests = || (stack.signalwire.requests().len(), stack.front.requests().len());
    assert_eq!(asked(&stack, Operation::SendMessage).len(), to.len());
    let (before, jobs) = (requests(), stack.count("select count(*) from apalis.jobs").await);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(requests(), before);
    assert_eq!(stack.count("select count(*) from apalis.jobs").await, jobs);
    assert!(stack.rows().await.iter().all(|row| row.parked == Some(Parked::Refused)));
}

#[tokio::test]
async fn a_send_that_is_taken_after_a_refusal_is_written_down_and_not_imported_again() {
    let stack = stack().await;
    let later = Fault::Refuse { status: 400, code: 30008, message: "Try again".to_owned() };
    stack.signalwire.faults().add(Rule::new(later).on(Operation::SendMessage).times(2));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Third time lucky").await.unwrap();
    stack.settle().await;
    assert_eq!(asked(&stack, Operation::SendMessage).len(), 3);
    let row = stack.rows().await.remove(0);
    let there = stack.signalwire.outbound_to(CUSTOMER);
    assert_eq!(there.len(), 1);
    assert_eq!(row.provider_message_id.as_ref(), Some(&there[0].sid));
    stack.backfill(Kind::Full).await;
    assert_eq!(stack.rows().await.len(), 1);
    assert_eq!(stack.thread_texts(CUSTOMER), ["Third time lucky"]);
}

#[tokio::test]
async fn one_message_that_cannot_be_sent_does_not_stop_the_others() {
    let stack = stack().await;
    let to = customers(6);
    let refuse = |code| Fate::RefuseSync { status: 422, code, message: "No".to_owned() };
    stack.signalwire.script(&to[0], refuse(21614));
    stack.signalwire.script(&to[1], refuse(99_999));
    let broken = Rule::new(Fault::ServerErrorBefore(500)).on(Operation::SendMessage).with(&to[2]).times(1000);
    stack.signalwire.faults().add(broken);
    for customer in &to {
        stack.front.agent_writes(&stack.channel, &[customer], "To all").await.unwrap();
    }
    eventually("the others got it", || async {
        to[3..].iter().all(|customer| stack.texts_to(customer) == ["To all"]).then_some(())
    })
    .await;
    assert!(to[..3].iter().all(|customer| stack.texts_to(customer).is_empty()));
}

#[tokio::test]
async fn recipients_of_one_message_keep_their_own_ids_and_fates() {
    let stack = stack().await;
    let to = customers(3);
    let refused = Fate::RefuseSync { status: 422, code: 21614, message: "Blocked".to_owned() };
    stack.signalwire.script(&to[0], refused);
    let names: Vec<&str> = to.iter().map(String::as_str).collect();
    stack.front.agent_writes(&stack.channel, &names, "To three").await.unwrap();
    stack.settle().await;
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let there: Vec<_> =
            stack.signalwire.outbound_to(&row.recipient).into_iter().map(|message| message.sid).collect();
        assert_eq!(row.provider_message_id.iter().cloned().collect::<Vec<_>>(), there);
        assert_eq!(row.conversation, row.recipient);
        let refused = row.recipient == to[0];
        assert_eq!(row.parked.is_some(), refused);
        assert_eq!(there.len(), usize::from(!refused));
    }
    stack.backfill(Kind::Full).await;
    assert_eq!(stack.rows().await.len(), 3);
    let imported = stack.front.all_messages(&stack.channel);
    assert!(imported.iter().all(|message| message.source == Source::Agent));
}

#[tokio::test]
async fn one_hanging_recipient_delays_nobody_else() {
    let stack = stack().await;
    let to = customers(12);
    let hang = Fault::TimeoutBefore(Duration::from_secs(20));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::SendMessage).with(CUSTOMER));
    let start = chrono::Utc::now();
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "This one hangs").await.unwrap();
    for customer in &to {
        stack.front.agent_writes(&stack.channel, &[customer], "Side by side").await.unwrap();
    }
    eventually("the others got it", || async {
        to.iter().all(|customer| stack.texts_to(customer).len() == 1).then_some(())
    })
    .await;
    assert!(to.iter().all(|to| taken_after(&stack, to, start) < Some(TimeDelta::seconds(20))));
    assert!(stack.texts_to(CUSTOMER).is_empty());
}

#[tokio::test]
async fn a_message_that_comes_while_another_is_being_sent_is_not_left_waiting() {
    let stack = stack().await;
    let hang = Fault::TimeoutBefore(Duration::from_secs(20));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::SendMessage).with(CUSTOMER));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "This one hangs").await.unwrap();
    let mut waits = Vec::new();
    for customer in customers(4) {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let start = chrono::Utc::now();
        stack.front.agent_writes(&stack.channel, &[&customer], "And me?").await.unwrap();
        waits.push(
            eventually("it is sent", || async { taken_after(&stack, &customer, start) })
                .await
                .num_milliseconds(),
        );
    }
    // The quickest of a few: the machine may be busy, but nothing waits for a tick of a clock.
    assert!(waits.iter().any(|wait| *wait < 500), "{waits:?} ms");
    assert!(waits.iter().all(|wait| *wait < 5000), "{waits:?} ms");
}

#[tokio::test]
async fn a_mass_of_texts_to_send_does_not_hold_up_what_a_customer_writes() {
    let stack = stack().await;
    // All at once, however slow the machine: the channel starts when they are all there.
    sqlx::query("update channels set state = 'paused'").execute(&stack.pool).await.unwrap();
    for customer in customers(70) {
        stack.front.agent_writes(&stack.channel, &[&customer], "We are closed on Monday").await.unwrap();
    }
    sqlx::query("update channels set state = 'active'").execute(&stack.pool).await.unwrap();
    sqlx::query("update messages set wake_at = now()").execute(&stack.pool).await.unwrap();
    eventually("the burst is out", || async {
        (asked(&stack, Operation::SendMessage).len() >= 30).then_some(())
    })
    .await;
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Help").await;
    eventually("the text shows", || async { (stack.thread_texts(CUSTOMER) == ["Help"]).then_some(()) }).await;
    // Three a second: first come, first served would have sent all but the last sixteen by now.
    let sent = asked(&stack, Operation::SendMessage).len();
    assert!(sent < 50, "{sent} went first");
}

#[tokio::test]
async fn a_provider_that_hangs_does_not_keep_customers_texts_from_the_agents() {
    let stack = stack().await;
    let hang = Fault::TimeoutBefore(Duration::from_secs(20));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::SendMessage).times(100));
    for customer in customers(20) {
        stack.front.agent_writes(&stack.channel, &[&customer], "It hangs").await.unwrap();
    }
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "Help").await;
    let start = std::time::Instant::now();
    eventually("the text shows", || async { (stack.thread_texts(CUSTOMER) == ["Help"]).then_some(()) }).await;
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_fresh_installation_really_sends() {
    let stack = stack().await;
    for customer in ["+442079460123", "+50687124011", "+15005550006"] {
        stack.front.agent_writes(&stack.channel, &[customer], "Anyone").await.unwrap();
    }
    stack.settle().await;
    let rows = stack.rows().await;
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(stack.texts_to(&row.recipient), ["Anyone"]);
        let there = stack.signalwire.message(&row.provider_message_id.unwrap());
        assert_eq!(there.unwrap().to, row.recipient, "an id that the provider really gave");
    }
}
