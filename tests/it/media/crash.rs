//! The real program is killed as by `kill -9` while it fetches files and brings them on. No message is lost for that, none
//! comes twice, and each has its file.

use super::cat;
use crate::PROGRAM;
use std::time::Duration;
use twinwire_sandbox::{AgentMessage, Fault, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, SUPPORT, eventually};

/// Between fetching a file and writing that down, and the same for the delivery of its message.
const POINTS: [&str; 4] = ["after_call", "before_apply", "after_call:2", "before_apply:2"];

/// Connected, with a conversation that Front can be asked about, and then started so that it dies at `point`.
async fn doomed(point: &str) -> Installation {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.program = twinwire.program.with("TWINWIRE_PRIVATE_HOSTS", "yes");
    twinwire.start().await;
    twinwire.connect().await;
    twinwire.insist(&twinwire.order(&[CUSTOMER], "How can we help?")).await;
    twinwire.settle().await;
    twinwire.stop().await;
    twinwire.start_to_die_at(point).await;
    twinwire
}

async fn dies_and_starts_again(twinwire: &mut Installation) {
    twinwire.take_server().dies().await;
    twinwire.start().await;
    twinwire.settle().await;
}

async fn at_each(case: impl AsyncFn(&'static str)) {
    let [first, second, third, fourth] = POINTS;
    // Two processes at a time are enough for a small machine.
    tokio::join!(case(first), case(second));
    tokio::join!(case(third), case(fourth));
}

#[tokio::test]
async fn a_crash_while_a_customers_picture_is_brought_loses_and_doubles_nothing() {
    at_each(async |point| {
        let mut twinwire = doomed(point).await;
        twinwire.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Look", vec![cat()]).await;
        dies_and_starts_again(&mut twinwire).await;
        assert_eq!(twinwire.texts_from(CUSTOMER), ["Look"], "{point}");
        twinwire.assert_nothing_doubled();
        let thread = twinwire.front.messages(&twinwire.front_channel, CUSTOMER);
        let message = thread.iter().find(|message| message.is_inbound).unwrap();
        assert_eq!(&*message.attachments[0].bytes, &*cat().bytes, "{point}");
        assert_eq!(message.attachments.len(), 1, "{point}");
    })
    .await;
}

#[tokio::test]
async fn a_crash_while_an_agents_picture_is_brought_loses_and_doubles_nothing() {
    at_each(async |point| {
        let mut twinwire = doomed(point).await;
        // The provider fetches when the server is up again; what it cannot fetch it fails, and the agent is told.
        let late =
            Rule::new(Fault::Delay(Duration::from_secs(10))).on(Operation::CollectMedia).saying("Look");
        twinwire.signalwire.faults().add(late);
        let message = AgentMessage::to(&[CUSTOMER]).text("Look").with(cat());
        let order = twinwire.front.order_of(&twinwire.front_channel, message).unwrap();
        twinwire.front.post(&order).await.unwrap();
        dies_and_starts_again(&mut twinwire).await;
        twinwire.insist(&order).await;
        twinwire.settle().await;
        assert_eq!(twinwire.texts_to(CUSTOMER), ["How can we help?", "Look"], "{point}");
        let got = eventually("the provider has fetched it", || async {
            twinwire.signalwire.outbound_to(CUSTOMER).pop().filter(|message| !message.media.is_empty())
        })
        .await;
        assert_eq!((got.media.len(), &*got.media[0].bytes), (1, &*cat().bytes), "{point}");
    })
    .await;
}
