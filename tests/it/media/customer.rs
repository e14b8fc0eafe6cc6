//! What customers send.

use super::{cat, noise};
use chrono::{TimeDelta, Utc};
use twinwire_core::explain;
use twinwire_core::media::State;
use twinwire_core::model::Parked;
use twinwire_engine::operator;
use twinwire_sandbox::{AgentMessage, CustomerText, Fault, FileFault, MediaFile, Operation, Rule};
use twinwire_store::backfills::Kind;
use twinwire_store::story;
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, SUPPORT, Setting, Stack, eventually};

/// A film of so many bytes that begins with `first`.
fn film(first: u8, bytes: usize) -> MediaFile {
    let mut film = vec![0; bytes];
    film[0] = first;
    MediaFile::new("film.mp4", "video/mp4", film)
}

#[tokio::test]
async fn a_text_that_came_as_a_file_is_shown_as_the_text_beside_its_picture() {
    let stack = Stack::start().await;
    let text = CustomerText::new(CUSTOMER, SUPPORT, "Here it is: \u{1F600}");
    stack.signalwire.customer_sends(text.text_in_a_part().with_layout().with(cat())).await;
    stack.settle().await;
    let thread = stack.thread(CUSTOMER);
    assert_eq!((thread.len(), thread[0].text.as_str()), (1, "Here it is: \u{1F600}"));
    assert_eq!(thread[0].attachments.len(), 1, "neither the text nor the layout is a file");
    assert_eq!(&*thread[0].attachments[0].bytes, &*cat().bytes);
    stack.backfill(Kind::Incremental).await;
    assert_eq!(
        stack.rows().await[0].body,
        "Here it is: \u{1F600}",
        "the list shows no text and takes none away"
    );
}

#[tokio::test]
async fn a_stop_that_came_as_a_file_stops_what_goes_out() {
    let stack = Stack::start().await;
    stack.signalwire.customer_sends(CustomerText::new(CUSTOMER, SUPPORT, "Stop").text_in_a_part()).await;
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Stop"]);
    stack.front.agent_writes(&stack.channel, &[CUSTOMER], "One more thing").await.unwrap();
    stack.settle().await;
    let row = stack.row("body = 'One more thing'").await.unwrap();
    assert_eq!(row.parked, Some(Parked::OptedOut));
    assert!(stack.texts_to(CUSTOMER).is_empty());
    stack.backfill(Kind::Incremental).await;
    assert_eq!(stack.count("select count(*) from consents where word = 'stop'").await, 1);
}

#[tokio::test]
async fn a_phones_layout_is_no_file_by_whichever_way_it_comes() {
    let stack = Stack::start().await;
    for (text, lost) in [("By webhook", false), ("By list", true)] {
        if lost {
            stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
        }
        stack.signalwire.customer_sends(CustomerText::new(CUSTOMER, SUPPORT, text).with_layout()).await;
        stack.settle().await;
    }
    for kind in [Kind::Incremental, Kind::Full] {
        stack.backfill(kind).await;
    }
    assert_eq!(stack.thread_texts(CUSTOMER), ["By webhook", "By list"]);
    assert!(stack.thread(CUSTOMER).iter().all(|message| message.attachments.is_empty()));
    let rows = stack.rows().await;
    assert!(rows.iter().all(|row| explain::files(row).is_none() && row.wake_at.is_none()), "{rows:?}");
}

#[tokio::test]
async fn several_files_keep_their_order() {
    let on = OnTwilio::start(NUMBER).await;
    let pictures: Vec<Vec<u8>> = (20..26).map(|width| noise(width, 20)).collect();
    let files = pictures.iter().map(|bytes| MediaFile::new("a.png", "image/png", bytes.clone())).collect();
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "", files).await;
    on.stack.settle().await;
    let thread = on.stack.front.messages(&on.inbox, CUSTOMER);
    let got: Vec<_> = thread[0].attachments.iter().map(|file| file.bytes.to_vec()).collect();
    assert_eq!(got, pictures);
    let names: Vec<_> = thread[0].attachments.iter().map(|file| file.filename.as_str()).collect();
    assert_eq!(names[..2], ["picture-1.png", "picture-2.png"], "each is called by its place");
}

#[tokio::test]
async fn of_more_than_front_takes_together_what_fits_arrives_and_the_rest_is_a_line() {
    let stack = Stack::start().await;
    let files = vec![film(1, 10_000_000), film(2, 10_000_000), film(3, 10_000_000), cat()];
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "See", files).await;
    stack.settle().await;
    let thread = stack.thread(CUSTOMER);
    assert_eq!(thread.len(), 1);
    let sizes: Vec<_> = thread[0].attachments.iter().map(|file| (file.size, file.bytes[0])).collect();
    assert_eq!(sizes[..2], [(10_000_000, 1), (10_000_000, 2)]);
    assert_eq!(&*thread[0].attachments[2].bytes, &*cat().bytes, "what is small still fits");
    assert_eq!(thread[0].text, "See\n[A video is not here: it is too large for this inbox]");
}

#[tokio::test]
async fn a_file_that_is_gone_at_the_provider_is_a_line_once_it_can_be_no_delay() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "See", vec![cat().but(FileFault::Gone), cat()]).await;
    let older = "update messages set created_at = now() - interval '3 minutes', wake_at = now()
        where failures > 0 and in_flight is null";
    eventually("a file of so young a message may be on its way", || async {
        let done = sqlx::query(older).execute(&on.stack.pool).await.unwrap();
        (done.rows_affected() > 0).then_some(())
    })
    .await;
    on.stack.settle().await;
    assert_eq!(on.thread(CUSTOMER), ["See\n[A picture is not here: it is not there any more]"]);
    assert_eq!(on.stack.front.messages(&on.inbox, CUSTOMER)[0].attachments.len(), 1, "the other is");
}

#[tokio::test]
async fn reading_the_list_after_the_delivery_changes_nothing() {
    let stack = Stack::start().await;
    let text = CustomerText::new(CUSTOMER, SUPPORT, "One").text_in_a_part().with_layout().with(cat());
    stack.signalwire.customer_sends(text).await;
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Two", vec![cat(), cat()]).await;
    stack.settle().await;
    let (shown, media) = (stack.thread_texts(CUSTOMER), media(&stack).await);
    // The list shows a message otherwise than the webhook did: that is news once.
    stack.backfill(Kind::Incremental).await;
    let written = "select (extract(epoch from max(row_updated_at)) * 1000000)::bigint from messages";
    let before = stack.count(written).await;
    for kind in [Kind::Incremental, Kind::Full] {
        stack.backfill(kind).await;
    }
    assert_eq!(stack.count(written).await, before, "no row is written");
    assert_eq!((stack.thread_texts(CUSTOMER), self::media(&stack).await), (shown, media));
    let asked =
        |operation| stack.signalwire.requests().iter().filter(|r| r.operation == Some(operation)).count();
    assert_eq!(asked(Operation::FetchMedia), 4, "each file was fetched once");
    assert_eq!(asked(Operation::ListMedia), 0, "the webhook named them");
}

async fn media(stack: &Stack) -> Vec<Vec<State>> {
    let states = |media: Vec<twinwire_core::media::Medium>| media.into_iter().map(|one| one.state).collect();
    stack.rows().await.into_iter().map(|row| states(row.media)).collect()
}

#[tokio::test]
async fn an_old_message_that_an_operator_wants_after_all_comes_with_its_picture() {
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    let old = CustomerText::new(CUSTOMER, SUPPORT, "Last month").at(Utc::now() - TimeDelta::days(30));
    stack.signalwire.customer_sends(old.with(cat())).await;
    stack.backfill(Kind::Full).await;
    assert_eq!(stack.rows().await[0].parked, Some(Parked::TooOld));
    // The operator sees it the next day.
    sqlx::query("update messages set created_at = now() - interval '1 day'")
        .execute(&stack.pool)
        .await
        .unwrap();
    let found = story::find(&stack.pool, &stack.rows().await[0].external_id, 2).await.unwrap();
    operator::retry(stack.engine(), &found[0], false).await.unwrap();
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["Last month"]);
    assert_eq!(&*stack.thread(CUSTOMER)[0].attachments[0].bytes, &*cat().bytes);
}

fn asked_storage(requests: &[twinwire_sandbox::LoggedRequest]) -> usize {
    requests.iter().filter(|request| request.operation == Some(Operation::FetchStored)).count()
}

#[tokio::test]
async fn an_address_that_leads_into_our_own_network_is_not_followed() {
    let closed = || Setting { private_hosts: false, ..Setting::default() };
    let on = OnTwilio::with(NUMBER, closed()).await;
    let led = ["https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/latest/meta-data"];
    let files =
        led.iter().map(|to| cat().but(FileFault::RedirectTo((*to).to_owned()))).chain([cat()]).collect();
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "See", files).await;
    on.stack.settle().await;
    let text = on.thread(CUSTOMER).remove(0);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    for (line, host) in lines[1..4].iter().zip(["127.0.0.1", "[::1]", "169.254.169.254"]) {
        let words =
            format!("[A picture is not here: its address leads to {host}, where nothing is fetched from]");
        assert_eq!(*line, words);
    }
    // The storage of the double is on this machine, and without TLS.
    assert_eq!(lines[4], "[A picture is not here: its address is not one over TLS at the usual port]");
    assert_eq!(asked_storage(&on.twilio.requests()), 0, "nothing came there");

    let look = AgentMessage::to(&[CUSTOMER]).text("Look").with(cat());
    on.stack.front.agent_sends(&on.inbox, look).await.unwrap();
    on.stack.settle().await;
    assert_eq!(asked_storage(&on.stack.front.requests()), 0);
    let words = on.stack.front.failures(&on.inbox)[0].error.clone().unwrap();
    assert!(words.contains("its address is not one over TLS at the usual port"), "{words}");
    assert!(on.texts_to(CUSTOMER).is_empty());
}
