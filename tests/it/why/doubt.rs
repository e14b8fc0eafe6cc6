//! What is told of messages whose state is not certain: crashes, guesses, and texts that may be one of several.

use super::{TEXT, ambiguous, assert_says, lose_callbacks, number, number_of, once, why, why_json};
use crate::PROGRAM;
use std::time::Duration;
use twinwire_sandbox::{Fault, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, SUPPORT, eventually};

#[tokio::test]
async fn a_crash_in_the_middle_of_a_send_is_told_while_it_lasts_and_when_it_is_looked_up() {
    let mut twinwire = Installation::connected(PROGRAM).await;
    lose_callbacks(&twinwire);
    twinwire.stop().await;
    twinwire.start_to_die_at("after_call").await;
    twinwire.front.post(&twinwire.order(&[CUSTOMER], TEXT)).await.unwrap();
    twinwire.take_server().dies().await;
    let number = number(&twinwire, CUSTOMER).await;
    // Nobody can know that it died before its lease is over.
    let shown = eventually("its lease is over", || async {
        Some(why(&twinwire, &[&number]).await).filter(|shown| shown.contains("No process works"))
    })
    .await;
    assert_says(
        &shown,
        &["tried to send it", "A process began to deliver it at", "lost the channel", "SignalWire is asked"],
    );
    twinwire.start().await;
    twinwire.settle().await;
    assert_eq!(twinwire.texts_to(CUSTOMER), [TEXT]);
    let sid = twinwire.signalwire.outbound_to(CUSTOMER).remove(0).sid;
    assert_says(
        &why(&twinwire, &[&number]).await,
        &[
            "by echo",
            "tried to send it process",
            "tried to look it up process",
            &format!("came back bound to {sid} by echo"),
            "found by the look-up",
            "came back it is there",
            "both sides are in step",
        ],
    );
}

#[tokio::test]
async fn an_uncertain_message_is_told_with_what_it_may_be() {
    let twinwire = Installation::connected(PROGRAM).await;
    let (ours, strangers) = ambiguous(&twinwire).await;
    let number = number(&twinwire, CUSTOMER).await;
    let shown = why(&twinwire, &[&number]).await;
    assert_says(
        &shown,
        &[
            "put aside as uncertain",
            "trouble more than one message there may be this one",
            "tried to send it",
            "nobody knows whether it happened",
            "tried to look it up",
            "more than one there may be it",
            "Look at SignalWire whether it went out, and say so:",
            &format!("twinwire settle {number} --arrived"),
            &format!("twinwire settle {number} --not-arrived"),
            "SignalWire has these, of which it may be one:",
        ],
    );
    assert_says(&shown, &["of which it may be one:", &ours]);
    assert_says(&shown, &["of which it may be one:", &strangers]);
    let row = why_json(&twinwire, &[&number]).await.remove(0);
    assert_eq!(row["candidates"].as_array().unwrap().len(), 2);
    // The provider's message is no message of ours, and is told what it is.
    let ran = twinwire.program.run(&["why", &strangers]).await;
    assert!(ran.code == Some(1) && ran.stderr.contains("The provider has it"), "{ran:?}");
}

#[tokio::test]
async fn a_guess_that_proved_wrong_is_told_with_what_took_its_place() {
    let twinwire = Installation::connected(PROGRAM).await;
    lose_callbacks(&twinwire);
    let faults = twinwire.signalwire.faults();
    let hidden = Fault::DelayedVisibility(Duration::from_secs(3600));
    faults.add(Rule::new(hidden).on(Operation::SendMessage));
    faults.add(Rule::new(Fault::ServerErrorAfter(500)).on(Operation::SendMessage));
    twinwire.insist(&twinwire.order(&[CUSTOMER], TEXT)).await;
    let ours = eventually("it is taken", || async { twinwire.signalwire.outbound_to(CUSTOMER).pop() }).await;
    let strangers = twinwire.signalwire.foreign_send(SUPPORT, CUSTOMER, TEXT);
    once(&twinwire, "provider_bound_by = 'echo'").await;
    twinwire.settle().await;
    twinwire.signalwire.faults().clear();
    twinwire.signalwire.advance(&ours.sid, "delivered", None).await;
    twinwire.settle().await;
    let number = number_of(&twinwire, &ours.sid).await;
    assert_says(
        &why(&twinwire, &[&number]).await,
        &[
            &format!("SignalWire {}, by reference", ours.sid),
            &format!("bound to {strangers} by echo"),
            "found by the look-up",
            &format!("callback bound to {} by reference instead of {strangers}", ours.sid),
            "webhook",
        ],
    );
    let own = number_of(&twinwire, &strangers).await;
    assert_says(&why(&twinwire, &[&own]).await, &["not sent by us", "put into the helpdesk"]);
}
