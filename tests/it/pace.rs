//! Vendors are not called faster than they allow, by all processes together.

use chrono::TimeDelta;
use sqlx::PgPool;
use std::time::Duration;
use twinwire_engine::setup;
use twinwire_sandbox::Operation;
use twinwire_store::paces;
use twinwire_tests::{SUPPORT, Setting, Stack, answers};

fn customer(at: usize) -> String {
    format!("+1201555{:04}", 2000 + at)
}

/// A place in a budget with one every ten seconds, three at once, and none further ahead than three minutes.
async fn reserve(pool: &PgPool, key: &str) -> Option<Duration> {
    let (every, ahead) = (Duration::from_secs(10), Duration::from_secs(175));
    paces::reserve(pool, key, every, 3, ahead).await.unwrap()
}

#[tokio::test]
async fn places_in_a_budget_are_given_once_and_evenly() {
    let stack = Stack::start().await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let pool = stack.pool.clone();
        asked.spawn(async move { reserve(&pool, "one").await.unwrap() });
    }
    let mut waits: Vec<u64> = asked
        .join_all()
        .await
        .into_iter()
        .map(|wait| (wait + Duration::from_millis(500)).as_secs())
        .collect();
    waits.sort_unstable();
    assert_eq!(waits[..3], [0, 0, 0], "as many as may go at once");
    for (at, wait) in waits[3..].iter().enumerate() {
        let due = 10 * (at as u64 + 1);
        assert!((due.saturating_sub(2)..=due).contains(wait), "{waits:?}");
    }
    assert_eq!(reserve(&stack.pool, "another").await, Some(Duration::ZERO));
    assert_eq!(reserve(&stack.pool, "one").await, None, "none is given that is too far ahead to be kept");
}

#[tokio::test]
async fn two_processes_and_two_channels_share_the_requests_that_front_takes_in_a_minute() {
    // 60 a minute: six at once, and then 55 in the rest of it.
    let stack = Stack::with(Setting { front_per_minute: "60", ..Setting::default() }).await;
    let second = stack.second_server().await;
    let phone = "+12015553000";
    stack.signalwire.add_number(phone);
    let made = setup::install(stack.engine(), "front_signalwire", &answers(phone)).await.unwrap();
    stack.front.connect(&made.api_key).await.unwrap();
    stack.signalwire.set_webhook(phone, &made.channel.provider_url(&stack.url(), "signalwire", "inbound"));
    for at in 0..5 {
        for number in [SUPPORT, phone] {
            stack.signalwire.customer_texts(&customer(at), number, "Hi").await;
        }
    }
    stack.settle().await;
    second.stop().await;
    let asked = stack.front.requests();
    let mut syncs: Vec<_> = asked
        .iter()
        .filter(|request| request.operation == Some(Operation::SyncInbound))
        .map(|request| request.at)
        .collect();
    syncs.sort_unstable();
    assert_eq!(syncs.len(), 10);
    assert!(syncs[9] - syncs[0] > TimeDelta::seconds(3), "{syncs:?}");
}

#[tokio::test]
async fn a_number_sends_as_fast_as_its_setting_says() {
    let stack = Stack::start().await;
    let mut slow = answers(SUPPORT);
    slow.set("segments_per_second", "1");
    setup::install(stack.engine(), "front_signalwire", &slow).await.unwrap();
    // Thirty may go at once; until the thirty-fourth goes, four seconds have passed.
    for at in 0..34 {
        stack.front.agent_writes(&stack.channel, &[&customer(at)], "Hello").await.unwrap();
    }
    stack.settle().await;
    let asked = stack.signalwire.requests();
    let sends: Vec<_> =
        asked.iter().filter(|request| request.operation == Some(Operation::SendMessage)).collect();
    assert_eq!(sends.len(), 34);
    assert!(sends[33].at - sends[0].at > TimeDelta::seconds(2));
}
