//! An operator asks for a new attempt, or says what became of an uncertain message. Nothing is sent twice by it.

use crate::PROGRAM;
use crate::why::{ambiguous, assert_fails, assert_says, number, once, refuse, why};
use nix::sys::signal::Signal;
use std::time::Duration;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::process::Ran;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, SUPPORT};

const TEXT: &str = "Your parcel will come on Tuesday";

/// How often the provider was asked to send.
fn sends(twinwire: &Installation) -> usize {
    let requests = twinwire.signalwire.requests();
    requests.iter().filter(|request| request.operation == Some(Operation::SendMessage)).count()
}

/// How often the helpdesk was told of a failure.
fn marks(twinwire: &Installation) -> usize {
    let requests = twinwire.front.requests();
    requests.iter().filter(|request| request.operation == Some(Operation::UpdateStatus)).count()
}

async fn run(twinwire: &Installation, command: &[&str]) -> Ran {
    twinwire.program.run(command).await
}

/// A message that the provider has refused, and its number.
async fn refused(twinwire: &Installation) -> String {
    twinwire.signalwire.script(CUSTOMER, refuse());
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    once(twinwire, "parked = 'refused' and helpdesk_status = 'failed' and in_flight is null").await;
    number(twinwire, CUSTOMER).await
}

#[tokio::test]
async fn a_refused_message_is_retried_once_with_or_without_a_server() {
    for running in [true, false] {
        let mut twinwire = Installation::connected(PROGRAM).await;
        let number = refused(&twinwire).await;
        twinwire.signalwire.script(CUSTOMER, Fate::Deliver);
        if !running {
            twinwire.stop().await;
        }
        let ran = run(&twinwire, &["retry", &number, "--wait"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_says(&ran.stdout, &["is to be tried", "The agent was told that it failed", "in step"]);
        assert_eq!(twinwire.texts_to(CUSTOMER), [TEXT]);
        assert_eq!((sends(&twinwire), marks(&twinwire)), (2, 1));
        assert_says(
            &why(&twinwire, &[&number]).await,
            &[
                "refused for good: 21614",
                "decided a new attempt is asked for by an operator",
                "tried to send it",
                "both sides are in step",
            ],
        );
        assert_fails(&run(&twinwire, &["retry", &number]).await, 1, &["nothing to retry"]);
        assert_eq!(sends(&twinwire), 2);
    }
}

#[tokio::test]
async fn a_running_server_makes_the_new_attempt_at_once_and_a_second_failure_is_told_anew() {
    let twinwire = Installation::connected(PROGRAM).await;
    let number = refused(&twinwire).await;
    let ran = run(&twinwire, &["retry", &number, "--json"]).await.json();
    assert_eq!(ran["message"].to_string(), number);
    once(&twinwire, "parked = 'refused' and helpdesk_status = 'failed' and in_flight is null").await;
    assert_eq!((sends(&twinwire), marks(&twinwire)), (2, 2));
    let ran = run(&twinwire, &["retry", &number, "--wait"]).await;
    assert_fails(&ran, 1, &["it was not delivered", "21614"]);
    twinwire.settle().await;
    assert_eq!((sends(&twinwire), marks(&twinwire)), (3, 3));
}

#[tokio::test]
async fn what_is_in_flight_or_in_doubt_is_not_retried() {
    let twinwire = Installation::connected(PROGRAM).await;
    let slow = Rule::new(Fault::Slow(Duration::from_secs(30))).on(Operation::SendMessage);
    twinwire.signalwire.faults().add(slow);
    twinwire.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::StatusCallback).times(100));
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    once(&twinwire, "in_flight = 'deliver'").await;
    let first = number(&twinwire, CUSTOMER).await;
    for command in [&["retry", &first][..], &["retry", &first, "--now"]] {
        assert_fails(&run(&twinwire, command).await, 1, &["it is being worked on"]);
    }
    assert_says(&why(&twinwire, &[&first]).await, &["It is sent through SignalWire at this moment"]);
    assert_fails(&run(&twinwire, &["settle", &first, "--not-arrived"]).await, 1, &["only an uncertain"]);
    sqlx::query("update messages set doubt = 'deliver', doubt_at = now() + interval '1 hour', in_flight = null, in_flight_at = null")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    assert_fails(&run(&twinwire, &["retry", &first]).await, 1, &["not known yet", "looked up first"]);
    assert_eq!(twinwire.texts_to(CUSTOMER), [TEXT]);
}

#[tokio::test]
async fn what_the_provider_took_and_failed_is_for_the_agent_to_write_again() {
    let twinwire = Installation::connected(PROGRAM).await;
    let later =
        Fate::FailLater { code: 30003, message: "Unreachable".to_owned(), status: "failed".to_owned() };
    twinwire.signalwire.script(CUSTOMER, later);
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    once(&twinwire, "helpdesk_status = 'failed'").await;
    twinwire.settle().await;
    let number = number(&twinwire, CUSTOMER).await;
    assert_fails(&run(&twinwire, &["retry", &number]).await, 1, &["the agent writes it again"]);
    assert_eq!(sends(&twinwire), 1);
}

#[tokio::test]
async fn a_message_that_was_too_old_is_sent_all_the_same_when_an_operator_says_so() {
    let twinwire = Installation::connected(PROGRAM).await;
    sqlx::query("update channels set state = 'paused'").execute(&twinwire.pool).await.unwrap();
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    sqlx::query("update messages set occurred_at = now() - interval '3 days', wake_at = now()")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    sqlx::query("update channels set state = 'active'").execute(&twinwire.pool).await.unwrap();
    once(&twinwire, "parked = 'too_old'").await;
    twinwire.settle().await;
    assert_eq!(sends(&twinwire), 0);
    let number = number(&twinwire, CUSTOMER).await;
    assert_says(&why(&twinwire, &[&number]).await, &["put aside: too old", "deliver it all the same"]);
    // Among what was put aside somebody looks for what to mend: this is not it.
    for (which, count) in [("--parked", 0), ("--too-old", 1)] {
        let listed = run(&twinwire, &["messages", "list", which, "--json"]).await.json();
        assert_eq!(listed["messages"].as_array().unwrap().len(), count, "{listed}");
        assert!(count == 0 || listed["messages"][0]["state"] == "too_old", "{listed}");
        let shown = run(&twinwire, &["messages", "list", which]).await.stdout;
        assert_eq!(shown.contains("parked: too old"), count == 1, "{shown}");
    }
    assert_eq!(run(&twinwire, &["retry", &number, "--wait"]).await.code, Some(0));
    assert_eq!(twinwire.texts_to(CUSTOMER), [TEXT]);
}

#[tokio::test]
async fn what_waits_for_a_time_waits_no_longer_when_an_operator_says_so() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    sqlx::query("update channels set state = 'paused'").execute(&twinwire.pool).await.unwrap();
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    twinwire.stop().await;
    sqlx::query("update messages set wake_at = now() + interval '1 hour', failures = 9")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    sqlx::query("update channels set state = 'active'").execute(&twinwire.pool).await.unwrap();
    twinwire.start().await;
    let number = number(&twinwire, CUSTOMER).await;
    assert_says(
        &why(&twinwire, &[&number]).await,
        &["It is tried again at", "after 9 attempts in vain", &format!("twinwire retry {number} --now")],
    );
    assert_fails(&run(&twinwire, &["retry", &number]).await, 1, &["--now"]);
    assert_eq!(sends(&twinwire), 0);
    assert_eq!(run(&twinwire, &["retry", &number, "--now", "--wait"]).await.code, Some(0));
    assert_eq!(twinwire.texts_to(CUSTOMER), [TEXT]);
    assert_says(&why(&twinwire, &[&number]).await, &["an operator lets it wait no longer"]);
}

#[tokio::test]
async fn an_uncertain_message_is_settled_by_naming_it_and_only_by_what_can_be_it() {
    let twinwire = Installation::connected(PROGRAM).await;
    twinwire.insist(&twinwire.order(&[OTHER_CUSTOMER], TEXT)).await;
    twinwire.settle().await;
    let bound = twinwire.signalwire.outbound_to(OTHER_CUSTOMER).remove(0).sid;
    let inbound = twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello?").await;
    twinwire.settle().await;
    let (ours, strangers) = ambiguous(&twinwire).await;
    let number = number(&twinwire, CUSTOMER).await;
    assert_fails(&run(&twinwire, &["retry", &number]).await, 1, &["not known", "settle", "--arrived"]);
    let settle = |id: &str| {
        let arguments = ["settle".to_owned(), number.clone(), "--arrived".to_owned(), id.to_owned()];
        let program = twinwire.program.clone();
        async move { program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    let unseen = twinwire.signalwire.foreign_send(SUPPORT, OTHER_CUSTOMER, TEXT);
    for (id, words) in [
        (bound.as_str(), "cannot be it"),
        (&inbound, "message of the customer's"),
        (&unseen, "it went to somebody else"),
        ("SM-nobody", "not known here"),
    ] {
        assert_fails(&settle(id).await, 1, &[id, words]);
    }
    once(&twinwire, "parked = 'uncertain'").await;
    let ran = settle(&ours).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_says(&ran.stdout, &[&format!("is {ours} on the other side"), "in step"]);
    twinwire.settle().await;
    assert_says(
        &why(&twinwire, &[&number]).await,
        &[
            &format!("SignalWire {ours}, by reference"),
            "more than one there may be it",
            &format!("decided bound to {ours} by reference"),
            "said by an operator",
            "both sides are in step",
        ],
    );
    // The stranger's is a message of its own now.
    assert_says(&why(&twinwire, &[&strangers]).await, &["not sent by us", "arrived"]);
    assert_eq!(twinwire.texts_to(CUSTOMER).len(), 1);
    assert_fails(&settle(&strangers).await, 1, &["only an uncertain message can be settled"]);
}

#[tokio::test]
async fn an_uncertain_message_that_did_not_arrive_is_sent_once_more_when_asked_for() {
    for at_once in [true, false] {
        let twinwire = Installation::connected(PROGRAM).await;
        ambiguous(&twinwire).await;
        let number = number(&twinwire, CUSTOMER).await;
        twinwire.signalwire.faults().clear();
        if at_once {
            let command = ["settle", &number, "--not-arrived", "--retry", "--wait"];
            let ran = run(&twinwire, &command).await;
            assert_eq!(ran.code, Some(0), "{ran:?}");
        } else {
            let ran = run(&twinwire, &["settle", &number, "--not-arrived"]).await;
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_says(&ran.stdout, &["did not arrive", "tried anew", &format!("twinwire retry {number}")]);
            twinwire.settle().await;
            assert_eq!(twinwire.texts_to(CUSTOMER).len(), 1, "not before it is asked for");
            assert_eq!(run(&twinwire, &["retry", &number, "--wait"]).await.code, Some(0));
        }
        twinwire.settle().await;
        assert_eq!(twinwire.texts_to(CUSTOMER).len(), 2);
        assert_says(
            &why(&twinwire, &[&number]).await,
            &["an operator says that it did not arrive", "a new attempt is asked for", "in step"],
        );
    }
}

#[tokio::test]
async fn wrong_use_is_said_and_exits_with_2() {
    let twinwire = Installation::connected(PROGRAM).await;
    for wrong in [
        &["retry"][..],
        &["retry", ""],
        &["retry", "1", "--timeout", "soon"],
        &["settle", "1"],
        &["settle", "1", "--arrived"],
        &["settle", "1", "--arrived", ""],
        &["settle", "1", "--arrived", "SM1", "--not-arrived"],
        &["settle", "1", "--arrived", "SM1", "--retry"],
        &["settle", "--not-arrived"],
    ] {
        let ran = run(&twinwire, wrong).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{wrong:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{wrong:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_command_that_waits_and_is_stopped_lets_no_call_go_unfinished() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    sqlx::query("update channels set state = 'paused'").execute(&twinwire.pool).await.unwrap();
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    twinwire.stop().await;
    sqlx::query("update messages set wake_at = now() + interval '1 hour'")
        .execute(&twinwire.pool)
        .await
        .unwrap();
    sqlx::query("update channels set state = 'active'").execute(&twinwire.pool).await.unwrap();
    let slow = Rule::new(Fault::Slow(Duration::from_secs(3))).on(Operation::SendMessage);
    twinwire.signalwire.faults().add(slow);
    let number = number(&twinwire, CUSTOMER).await;
    let waits = twinwire.program.start(&["retry", &number, "--now", "--wait"]);
    once(&twinwire, "in_flight is not null").await;
    waits.signal(Signal::SIGINT);
    let ran = waits.ended().await;
    assert_fails(&ran, 1, &["stopped before the end", "calls in flight are finished"]);
    // What came of the call is known: nothing is in doubt, and no lease is left to run out.
    let known = "select count(*) from messages where in_flight is null and doubt is null and provider_message_id is not null";
    assert_eq!((twinwire.count(known).await, sends(&twinwire)), (1, 1));
}
