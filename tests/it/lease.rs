//! A channel is worked by one process at a time, and a process that lost it writes nothing.

use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use twinwire_engine::setup;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, Setting, Stack, answers, eventually};

async fn stack() -> Stack {
    let setting = Setting {
        settling: Duration::from_millis(1500),
        lease: Duration::from_secs(2),
        ..Setting::default()
    };
    Stack::with(setting).await
}

/// Who made each act, and when it began and ended.
async fn acts(stack: &Stack) -> Vec<(i64, String, DateTime<Utc>, bool)> {
    sqlx::query_as(
        "select channel_id, owner, at, step = 'begin' from attempts where owner is not null order by at, id",
    )
    .fetch_all(&stack.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn two_servers_never_work_one_channel_at_the_same_time() {
    // Longer than a busy machine stops a process for: one that has run out is taken over in the middle of a call, which
    // is as it should be, and another test.
    let stack = Stack::with(Setting { lease: Duration::from_secs(15), ..Setting::default() }).await;
    let second = stack.second_server().await;
    let mut channels = vec![stack.channel.clone()];
    for n in 0..5 {
        let phone = format!("+1201555{:04}", 3000 + n);
        stack.signalwire.add_number(&phone);
        let made = setup::install(stack.engine(), "front_signalwire", &answers(&phone)).await.unwrap();
        channels.push(stack.front.connect(&made.api_key).await.unwrap().id);
    }
    for round in 0..4 {
        for channel in &channels {
            for customer in [CUSTOMER, OTHER_CUSTOMER] {
                let text = format!("Round {round}");
                let sent = stack.front.agent_writes(channel, &[customer], &text).await.unwrap();
                assert!(sent.answer.is_success(), "{sent:?}");
            }
        }
        // Long enough for the leases to be given back now and then.
        let pause = if round == 1 { 2500 } else { 100 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER).len(), 24);
    assert_eq!(stack.texts_to(OTHER_CUSTOMER).len(), 24);
    let acts = acts(&stack).await;
    assert!(!acts.is_empty());
    for channel in acts.iter().map(|(channel, ..)| *channel).collect::<BTreeSet<_>>() {
        let mut open: Vec<&str> = Vec::new();
        for (_, owner, _, begins) in acts.iter().filter(|(of, ..)| *of == channel) {
            assert!(open.iter().all(|other| other == owner), "two at once in channel {channel}");
            if *begins {
                open.push(owner);
            } else {
                open.pop();
            }
        }
    }
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_in_order_hands_its_channel_over_at_once() {
    let mut stack = stack().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "First").await.unwrap();
    stack.settle().await;
    let second = stack.second_server().await;
    // The first server stops while a call of its own hangs; the second takes an order meanwhile.
    let hang = Fault::TimeoutBefore(Duration::from_secs(1));
    stack.signalwire.faults().add(Rule::new(hang).on(Operation::SendMessage).with(CUSTOMER));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "It hangs").await.unwrap();
    let in_flight = "select count(*) from messages where in_flight is not null";
    eventually("it is in flight", || async { (stack.count(in_flight).await == 1).then_some(()) }).await;
    let order = stack.front.message_request(&stack.channel, None, &[OTHER_CUSTOMER], "Second").unwrap();
    let mut request = order.request;
    request.url = request.url.replace(&stack.url(), &format!("http://{}", second.address));
    let (first, front) = (stack.server.take().unwrap(), stack.front.clone());
    let stopping = tokio::spawn(first.stop());
    assert!(front.post_raw(&request).await.is_success());
    assert!(stack.texts_to(OTHER_CUSTOMER).is_empty(), "the first still holds the channel");
    stopping.await.unwrap();
    let stopped = Instant::now();
    eventually("it is sent", || async { (stack.texts_to(OTHER_CUSTOMER) == ["Second"]).then_some(()) }).await;
    assert!(stopped.elapsed() < Duration::from_millis(1500), "{:?}", stopped.elapsed());
    second.stop().await;
}

/// Takes the lease away, as another process would after it ran out.
async fn take_over(stack: &Stack, secs: i32) {
    let taken = sqlx::query(
        "update channel_leases set owner = 'another', fence = fence + 1, until = now() + make_interval(secs => $1)",
    )
    .bind(f64::from(secs))
    .execute(&stack.pool)
    .await
    .unwrap();
    assert_eq!(taken.rows_affected(), 1);
}

#[tokio::test]
async fn a_process_that_lost_its_lease_during_a_call_writes_nothing_and_nothing_is_sent_twice() {
    let stack = stack().await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    // One that is taken, one that is refused, one whose answer is lost.
    let (taken, refused, lost) = (CUSTOMER, OTHER_CUSTOMER, "+12025550149");
    let faults = stack.signalwire.faults();
    let late = |fault, to| faults.add(Rule::new(fault).on(Operation::SendMessage).with(to));
    // Long enough for a busy machine to have begun all of them before the first ends.
    late(Fault::TimeoutAfter(Duration::from_secs(8)), taken);
    late(Fault::TimeoutBefore(Duration::from_secs(8)), refused);
    late(Fault::TimeoutAfter(Duration::from_millis(8_200)), lost);
    for customer in [taken, refused, lost] {
        stack.front.agent_writes(&stack.channel, &[customer], "Once").await.unwrap();
    }
    let in_flight = "select count(*) from messages where in_flight = 'deliver'";
    eventually("all are in flight", || async { (stack.count(in_flight).await == 3).then_some(()) }).await;
    let written = "select count(*) from attempts where step = 'apply'";
    let before = stack.count(written).await;
    take_over(&stack, 12).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(stack.count(in_flight).await, 3, "the calls are over and nothing was written");
    assert_eq!(stack.count(written).await, before);
    stack.settle().await;
    for customer in [taken, refused, lost] {
        assert_eq!(stack.texts_to(customer), ["Once"]);
    }
    let fences = "select count(*) from attempts where step = 'apply' and fence < 3";
    assert_eq!(stack.count(fences).await, before);
    assert!(stack.front.all_messages(&stack.channel).len() == 3);
}

#[tokio::test]
async fn a_message_settled_by_a_callback_while_its_process_was_gone_does_not_look_in_flight_for_ever() {
    let stack = stack().await;
    let late = Fault::TimeoutAfter(Duration::from_millis(1500));
    stack.signalwire.faults().add(Rule::new(late).on(Operation::SendMessage));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Once").await.unwrap();
    eventually("the callback told its id", || async {
        Some(stack.rows().await.remove(0)).filter(|row| row.provider_message_id.is_some())
    })
    .await;
    take_over(&stack, 2).await;
    stack.settle().await;
    let tidied = "select count(*) from attempts where outcome = 'tidied_up'";
    assert_eq!(stack.count(tidied).await, 1, "its own process did not write any more");
    assert_eq!(stack.texts_to(CUSTOMER), ["Once"]);
    assert_eq!(stack.rows().await[0].failures, 0);
}

#[tokio::test]
async fn a_lease_is_kept_for_as_long_as_a_call_takes() {
    let stack = stack().await;
    let second = stack.second_server().await;
    let long = Fault::TimeoutAfter(Duration::from_millis(4500));
    stack.signalwire.faults().add(Rule::new(long).on(Operation::SendMessage));
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "It takes its time").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.texts_to(CUSTOMER), ["It takes its time"]);
    let owners: BTreeSet<String> = acts(&stack).await.into_iter().map(|(_, owner, ..)| owner).collect();
    assert_eq!(owners.len(), 1, "the call took longer than a lease, and nobody else came");
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_keeps_its_lease_however_its_many_calls_end() {
    // Longer than a busy machine stands still.
    let setting = Setting { lease: Duration::from_secs(5), ..Setting::default() };
    let mut stack = Stack::with(setting).await;
    let second = stack.second_server().await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    // They end one after the other, more often than a lease is looked at, and go on for longer than it lasts.
    let people: Vec<String> = (10..50).map(|n| format!("+120255501{n}")).collect();
    for (n, person) in (0..).zip(&people) {
        let ends = Duration::from_secs(8) + Duration::from_millis(200) * n;
        stack.signalwire.faults().add(Rule::new(Fault::Slow(ends)).on(Operation::SendMessage).with(person));
        stack.front.agent_writes(&stack.channel, &[person], "Hello").await.unwrap();
    }
    let in_flight = "select count(*) from messages where in_flight is not null";
    eventually("many are in flight", || async { (stack.count(in_flight).await >= 25).then_some(()) }).await;
    let fence = stack.count("select max(fence) from channel_leases").await;
    let stopping = tokio::spawn(stack.server.take().unwrap().stop());
    // As it is at one moment: with the last call the lease is given back.
    let held = format!(
        "select ({in_flight}), count(*), max(fence) from channel_leases where owner is not null and until > now()"
    );
    loop {
        let (flying, holders, now): (i64, i64, Option<i64>) =
            sqlx::query_as(sqlx::AssertSqlSafe(held.clone())).fetch_one(&stack.pool).await.unwrap();
        if flying == 0 {
            break;
        }
        assert_eq!(
            (holders, now),
            (1, Some(fence)),
            "it holds the channel while {flying} calls are in flight"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stopping.await.unwrap();
    stack.settle().await;
    for person in &people {
        assert_eq!(stack.texts_to(person), ["Hello"]);
    }
    second.stop().await;
}
