//! What agents send.

use super::{agent_sends, cat, noise, only_row};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use twinwire_core::model::{Parked, Status};
use twinwire_engine::operator;
use twinwire_sandbox::front::AgentMessage;
use twinwire_sandbox::signalwire::SmsMessage;
use twinwire_sandbox::{Fault, FileFault, MediaFile, Operation, Rule};
use twinwire_store::story;
use twinwire_tests::{CUSTOMER, OTHER_CUSTOMER, Setting, Stack, eventually};

/// What this person got, once its files are there.
async fn got(stack: &Stack, customer: &str) -> Vec<SmsMessage> {
    eventually("the provider has fetched the files", || async {
        let got = stack.signalwire.outbound_to(customer);
        (!got.is_empty() && got.iter().all(|one| !one.media.is_empty())).then_some(got)
    })
    .await
}

#[tokio::test]
async fn a_picture_to_two_people_reaches_both() {
    let stack = Stack::start().await;
    let message = AgentMessage::to(&[CUSTOMER, OTHER_CUSTOMER]).text("Look").with(cat());
    stack.front.agent_sends(&stack.channel, message).await.unwrap();
    stack.settle().await;
    assert_eq!(stack.rows().await.len(), 2);
    let mut addresses = Vec::new();
    for customer in [CUSTOMER, OTHER_CUSTOMER] {
        let got = got(&stack, customer).await;
        assert_eq!((got.len(), got[0].body.as_str()), (1, "Look"));
        assert_eq!(&*got[0].media[0].bytes, &*cat().bytes);
        addresses.push(got[0].media_urls[0].clone());
    }
    assert_ne!(addresses[0], addresses[1]);
}

#[tokio::test]
async fn more_files_than_a_text_can_have_are_refused_in_words_and_none_is_sent() {
    let stack = Stack::start().await;
    let files = (0..11).map(|nth| MediaFile::new("a.png", "image/png", noise(10 + nth, 10))).collect();
    agent_sends(&stack, "All of them", files).await;
    let row = only_row(&stack).await;
    assert_eq!(row.parked, Some(Parked::Refused));
    let words = stack.front.failures(&stack.channel)[0].error.clone().unwrap();
    assert!(words.contains("the message has 11 files, and SignalWire takes 8 files"), "{words}");
    assert!(words.contains("send them in several messages"), "{words}");
    assert!(stack.signalwire.outbound_to(CUSTOMER).is_empty());
}

#[tokio::test]
async fn a_file_that_front_has_no_more_stops_the_message_until_somebody_asks_for_it_anew() {
    let stack = Stack::start().await;
    agent_sends(&stack, "Look", vec![cat(), cat().but(FileFault::Gone)]).await;
    let row = only_row(&stack).await;
    assert_eq!(row.parked, Some(Parked::Refused));
    assert!(stack.signalwire.outbound_to(CUSTOMER).is_empty(), "nothing goes out in pieces");
    let failures = stack.front.failures(&stack.channel);
    let words = failures[0].error.clone().unwrap();
    assert!(words.contains("a file could not be had from the helpdesk"), "{words}");

    // It is there again, and an operator retries.
    let file = stack.thread(CUSTOMER)[0].attachments[1].id.clone();
    assert!(stack.front.spoil_file(&file, None));
    let found = story::find(&stack.pool, &row.external_id, 2).await.unwrap();
    operator::retry(stack.engine(), &found[0], false).await.unwrap();
    stack.settle().await;
    let got = got(&stack, CUSTOMER).await;
    assert_eq!((got.len(), got[0].media.len()), (1, 2));
    assert_eq!(&*got[0].media[1].bytes, &*cat().bytes);
    let downloads = stack.front.requests();
    let downloads = downloads.iter().filter(|r| r.operation == Some(Operation::DownloadFile)).count();
    assert_eq!(downloads, 3, "what was there is not fetched a second time");
}

#[tokio::test]
async fn a_provider_may_fetch_a_file_late_and_more_than_once() {
    let stack = Stack::start().await;
    for (text, strange) in [("Late", Fault::Delay(Duration::from_secs(2))), ("Often", Fault::Duplicate(2))] {
        stack.signalwire.faults().add(Rule::new(strange).on(Operation::CollectMedia).saying(text));
        agent_sends(&stack, text, vec![cat()]).await;
    }
    stack.settle().await;
    let got = got(&stack, CUSTOMER).await;
    assert_eq!(got.iter().map(|one| one.body.as_str()).collect::<Vec<_>>(), ["Late", "Often"]);
    assert!(got.iter().all(|one| *one.media[0].bytes == *cat().bytes));
    assert_eq!(stack.signalwire.faults().waiting(), 0);
}

#[tokio::test]
async fn an_agent_learns_that_the_provider_could_not_fetch_the_file() {
    let media = Arc::new(TempDir::new().unwrap());
    let stack = Stack::with(Setting { media: media.clone(), ..Setting::default() }).await;
    let late = Rule::new(Fault::Delay(Duration::from_secs(1))).on(Operation::CollectMedia);
    stack.signalwire.faults().add(late);
    agent_sends(&stack, "Look", vec![cat()]).await;
    stack.settle().await;
    empty(media.path());
    let failed =
        eventually("the agent is told", || async { stack.front.failures(&stack.channel).pop() }).await;
    assert!(failed.error.as_ref().unwrap().contains("63019"), "{failed:?}");
    stack.settle().await;
    assert_eq!(stack.rows().await[0].provider_status, Some(Status::Failed));
}

fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
}

#[tokio::test]
async fn what_we_kept_and_lost_is_no_reason_to_send_half_a_message() {
    let media = Arc::new(TempDir::new().unwrap());
    let stack = Stack::with(Setting { media: media.clone(), ..Setting::default() }).await;
    // A photo that has to be made smaller is read again before it goes out. The account rests between the two.
    let away = Fault::TooManyRequests { retry_after_secs: 2 };
    stack.signalwire.faults().add(Rule::new(away).on(Operation::SendMessage));
    agent_sends(&stack, "", vec![MediaFile::new("photo.png", "image/png", noise(600, 400))]).await;
    eventually("the account rests", || async {
        (stack.count("select count(*) from accounts where pauses > 0").await > 0).then_some(())
    })
    .await;
    empty(media.path());
    let row = only_row(&stack).await;
    assert_eq!(row.parked, Some(Parked::Refused));
    let words = stack.front.failures(&stack.channel)[0].error.clone().unwrap();
    assert!(words.contains("photo.png is not kept any more"), "{words}");
    assert!(stack.signalwire.outbound_to(CUSTOMER).is_empty());
}
