//! What happens to messages is told to other programs: once for each transition, signed, and never lost.

mod operators;

use crate::PROGRAM;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use twinwire_core::outgoing::RESTS_AFTER;
use twinwire_engine::outgoing::endpoints::{self, Asked, Made};
use twinwire_engine::outgoing::sign;
use twinwire_sandbox::signalwire::Fate;
use twinwire_store::backfills::Kind;
use twinwire_store::deliveries;
use twinwire_store::endpoints::NewEndpoint;
use twinwire_store::seal::SecretKey;
use twinwire_tests::installation::{Installation, key};
use twinwire_tests::receiver::{Event, Receiver};
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT, Stack, eventually, never_within};

async fn subscribe(stack: &Stack, receiver: &Receiver) -> Made {
    let asked = Asked { url: receiver.url.clone(), ..Asked::default() };
    endpoints::add(stack.engine(), &asked).await.unwrap()
}

/// Waits until nothing waits to be told.
async fn all_told(stack: &Stack) {
    eventually("every event is told", || async {
        (stack.count("select count(*) from deliveries where state = 'pending'").await == 0).then_some(())
    })
    .await;
}

/// What waits is due now, whatever its back-off is.
async fn hurry(stack: &Stack) {
    sqlx::raw_sql(
        "update endpoints set paused_until = null;
        update deliveries set next_at = now() where state = 'pending' and claimed_by is null",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn each_transition_of_a_message_is_told_once_signed_and_without_its_text() {
    let stack = Stack::start().await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.signalwire.customer_texts(OTHER_CUSTOMER, SUPPORT, "Anybody?").await;
    stack.settle().await;
    let expected =
        ["message.created", "message.created", "message.delivered", "message.imported", "message.sent"];
    eventually("the events come", || async { (receiver.taken() == expected).then_some(()) }).await;
    // The same evidence by other ways is no news.
    stack.backfill(Kind::Full).await;
    all_told(&stack).await;
    assert_eq!(receiver.taken(), expected);
    let events = receiver.events();
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), events.len());
    for event in &events {
        assert!(event.is_signed_by(made.shown_secret()) && !event.is_signed_by("whsec_c3RyYW5nZQ=="));
        assert!(event.id.starts_with("evt_"), "{event:?}");
        assert!(event.body["timestamp"].is_string() && event.body["data"]["body"].is_null(), "{event:?}");
        assert_eq!(event.body["data"]["channel"], json!(stack.installed.channel.id));
    }
    // The versions say in which order it happened to a message, whatever the order in which it was told.
    let version = |kind: &str| {
        let of = |event: &&Event| event.kind() == kind && event.body["data"]["direction"] == "outbound";
        events.iter().find(of).unwrap().body["data"]["version"].as_i64().unwrap()
    };
    assert!(version("message.created") < version("message.sent"));
    assert!(version("message.sent") < version("message.delivered"));
    let delivered = events.iter().find(|event| event.kind() == "message.delivered").unwrap();
    let provider_id = delivered.body["data"]["provider_message_id"].as_str().unwrap();
    assert_eq!(stack.signalwire.outbound_to(CUSTOMER)[0].sid, provider_id);
}

#[tokio::test]
async fn a_failure_that_every_way_shows_is_told_once() {
    let stack = Stack::start().await;
    let receiver = Receiver::start().await;
    subscribe(&stack, &receiver).await;
    let fate = Fate::FailLater {
        code: 30003,
        message: "Unreachable handset".to_owned(),
        status: "undelivered".to_owned(),
    };
    stack.signalwire.script(CUSTOMER, fate);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    eventually("the failure is told", || async {
        receiver.taken().contains(&"message.failed".to_owned()).then_some(())
    })
    .await;
    stack.backfill(Kind::Full).await;
    all_told(&stack).await;
    assert_eq!(receiver.taken(), ["message.created", "message.failed", "message.sent"]);
}

#[tokio::test]
async fn an_endpoint_hears_only_what_it_asked_for_and_nothing_is_written_for_nobody() {
    let stack = Stack::start().await;
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Nobody listens").await.unwrap();
    stack.settle().await;
    assert_eq!(stack.count("select count(*) from deliveries").await, 0);
    let receiver = Receiver::start().await;
    let asked = Asked {
        url: receiver.url.clone(),
        events: vec!["message.sent".to_owned()],
        channel: Some(stack.installed.channel.id.clone()),
        with_body: true,
    };
    endpoints::add(stack.engine(), &asked).await.unwrap();
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    stack.settle().await;
    all_told(&stack).await;
    assert_eq!(receiver.taken(), ["message.sent"]);
    assert_eq!(receiver.events()[0].body["data"]["body"], "Hello");
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_later_with_the_same_id() {
    let stack = Stack::start().await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    receiver.answer(500);
    let event = endpoints::trial(stack.engine(), &made.endpoint.endpoint).await.unwrap();
    eventually("it is tried", || async { (!receiver.events().is_empty()).then_some(()) }).await;
    receiver.answer(200);
    // The first wait is five seconds; nobody hurries it.
    all_told(&stack).await;
    let events = receiver.events();
    assert_eq!(events.iter().map(|event| event.answered).collect::<Vec<_>>(), [500, 200]);
    assert!(events.iter().all(|told| told.id == event && told.kind() == "endpoint.test"));
    // The delivery is written down before its endpoint is.
    eventually("the endpoint is well again", || async {
        let seen = endpoints::one(stack.engine(), &made.endpoint.endpoint).await.unwrap();
        ((seen.failures, seen.pending, seen.last_error) == (0, 0, None)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_away_rests_and_gets_everything_when_it_is_back() {
    let stack = Stack::start().await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    let id = made.endpoint.endpoint.as_str();
    receiver.answer(503);
    for _ in 0..RESTS_AFTER {
        endpoints::trial(stack.engine(), id).await.unwrap();
    }
    let resting = eventually("it rests", || async {
        hurry_those_that_failed(&stack).await;
        let seen = endpoints::one(stack.engine(), id).await.unwrap();
        seen.paused_until.is_some().then_some(seen)
    })
    .await;
    assert_eq!((resting.state.as_str(), resting.last_error.as_deref()), ("active", Some("answered 503")));
    let tried = receiver.events().len();
    for _ in 0..5 {
        endpoints::trial(stack.engine(), id).await.unwrap();
    }
    never_within(Duration::from_secs(2), "a resting endpoint is called", || async {
        receiver.events().len() > tried
    })
    .await;
    receiver.answer(200);
    endpoints::resume(stack.engine(), id).await.unwrap();
    all_told(&stack).await;
    assert_eq!(receiver.taken().len(), usize::try_from(RESTS_AFTER).unwrap() + 5);
}

/// What was tried and failed is due again, while the endpoint's own rest stays.
async fn hurry_those_that_failed(stack: &Stack) {
    sqlx::raw_sql("update deliveries set next_at = now() where state = 'pending' and claimed_by is null")
        .execute(&stack.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_leads_elsewhere_is_not_called_on_and_on() {
    let stack = Stack::start().await;
    let (gone, elsewhere) = (Receiver::start().await, Receiver::start().await);
    gone.answer(410);
    elsewhere.answer(307);
    let (first, second) = (subscribe(&stack, &gone).await, subscribe(&stack, &elsewhere).await);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Hello").await.unwrap();
    let seen = eventually("the endpoint is disabled", || async {
        let seen = endpoints::one(stack.engine(), &first.endpoint.endpoint).await.unwrap();
        (seen.state == "disabled").then_some(seen)
    })
    .await;
    assert!(seen.state_reason.unwrap().contains("410"));
    stack.settle().await;
    // What was being written while it was disabled goes with the next tidying up.
    deliveries::cancel_of_gone(&stack.pool).await.unwrap();
    assert_eq!(endpoints::one(stack.engine(), &first.endpoint.endpoint).await.unwrap().pending, 0);
    let called = gone.events().len();
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "Again").await.unwrap();
    stack.settle().await;
    let moved = eventually("the redirect is a failure", || async {
        endpoints::one(stack.engine(), &second.endpoint.endpoint).await.unwrap().last_error
    })
    .await;
    assert!(moved.contains("redirect"), "{moved}");
    assert_eq!(gone.events().len(), called);
    hurry(&stack).await;
    assert!(elsewhere.taken().is_empty());
}

#[tokio::test]
async fn two_servers_never_tell_the_same_event_side_by_side() {
    let stack = Stack::start().await;
    let second = stack.second_server().await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    receiver.take_time(Duration::from_millis(50));
    let mut told = BTreeSet::new();
    for _ in 0..60 {
        told.insert(endpoints::trial(stack.engine(), &made.endpoint.endpoint).await.unwrap());
    }
    all_told(&stack).await;
    let ids: Vec<String> = receiver.events().into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 60, "none twice");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), told);
    assert!(receiver.most_at_once() > 1, "several are told at once");
    second.stop().await;
}

/// `kill -9` between the commit of a change and the call that tells of it, and between the call and its outcome.
#[tokio::test]
async fn an_event_survives_the_death_of_the_process_that_was_to_tell_it() {
    for (point, times) in [("before_event", 1), ("after_event", 2)] {
        let mut twinwire = Installation::new(PROGRAM).await;
        twinwire.program = twinwire.program.with("TWINWIRE_PRIVATE_HOSTS", "yes");
        twinwire.start().await;
        twinwire.connect().await;
        let receiver = Receiver::start().await;
        let key = SecretKey::from_text(&key(7).into()).unwrap();
        let asked = ["message.created".to_owned()];
        let new = NewEndpoint {
            public_id: "ep_1",
            url: &receiver.url,
            events: &asked,
            channel: None,
            with_body: false,
        };
        let secret = sign::secret([1; 32]);
        twinwire_store::endpoints::insert(&twinwire.pool, &key, new, &secret).await.unwrap();
        twinwire.stop().await;
        twinwire.start_to_die_at(point).await;
        let order = twinwire.order(&[CUSTOMER], "Hello");
        twinwire.front.post(&order).await.unwrap();
        twinwire.take_server().dies().await;
        assert_eq!(
            twinwire.count("select count(*) from deliveries where state = 'pending'").await,
            1,
            "{point}"
        );
        // The claim of the dead ends by itself after 40 seconds; here it need not be waited for.
        sqlx::query("update deliveries set next_at = now()").execute(&twinwire.pool).await.unwrap();
        twinwire.start().await;
        twinwire.insist(&order).await;
        twinwire.settle().await;
        eventually("the event is told", || async {
            let told = "select count(*) from deliveries where state = 'delivered'";
            (twinwire.count(told).await == 1).then_some(())
        })
        .await;
        let events = receiver.events();
        assert_eq!(events.len(), times, "{point}");
        assert!(events.iter().all(|event| event.id == events[0].id), "{point}: a repetition has the same id");
        let log = twinwire.take_server().stop().await;
        assert!(!log.stderr.contains("whsec_"), "{log:?}");
    }
}

#[tokio::test]
async fn events_of_an_endpoint_are_counted_up_to_a_point() {
    let stack = Stack::start().await;
    let receiver = Receiver::start().await;
    let made = subscribe(&stack, &receiver).await;
    sqlx::query(
        "insert into deliveries (endpoint_id, event_type, state, next_at, finished_at)
        select id, 'message.sent', 'failed', null, now() from endpoints, generate_series(1, 10050)",
    )
    .execute(&stack.pool)
    .await
    .unwrap();
    let seen = endpoints::one(stack.engine(), &made.endpoint.endpoint).await.unwrap();
    assert_eq!((seen.pending, seen.failed), (0, 10_001));
}
