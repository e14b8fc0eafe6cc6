//! Trouble while files are fetched: the message arrives once and with its file, or says in a line why not.

use super::{cat, noise};
use std::time::Duration;
use twinwire_core::settle::FETCH_TRIES;
use twinwire_sandbox::{AgentMessage, Fault, FileFault, MediaFile, Operation, Rule};
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, SUPPORT, Setting, Stack, eventually};

/// What passes by itself, and says nothing about the file.
fn passing() -> [Fault; 5] {
    [
        Fault::ServerErrorBefore(503),
        Fault::TooManyRequests { retry_after_secs: 1 },
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::TimeoutBefore(Duration::from_millis(300)),
    ]
}

fn customer(nth: usize) -> String {
    format!("+120255501{nth:02}")
}

/// The bytes of the files that stand in a conversation, message by message.
fn shown(on: &OnTwilio, customer: &str) -> Vec<Vec<Vec<u8>>> {
    let thread = on.stack.front.messages(&on.inbox, customer);
    thread.iter().map(|one| one.attachments.iter().map(|file| file.bytes.to_vec()).collect()).collect()
}

#[tokio::test]
async fn whatever_passes_while_a_customers_file_is_fetched_it_arrives_with_its_message_once() {
    let on = OnTwilio::start(NUMBER).await;
    let mut customers = Vec::new();
    for operation in [Operation::ListMedia, Operation::FetchMedia, Operation::FetchStored] {
        for fault in passing() {
            let customer = customer(customers.len());
            if operation == Operation::ListMedia {
                // The webhook names the files; only what a list brought has to be asked for.
                let lost = Rule::new(Fault::Lost).on(Operation::InboundWebhook).with(&customer);
                on.twilio.faults().add(lost);
            }
            on.twilio.faults().add(Rule::new(fault).on(operation).with(&customer));
            on.twilio.customer_texts_with(&customer, NUMBER, "Look", vec![cat()]).await;
            customers.push(customer);
        }
    }
    on.backfill().await;
    for customer in &customers {
        assert_eq!(shown(&on, customer), [[cat().bytes.to_vec()]], "{customer}");
        assert_eq!(on.thread(customer), ["Look"], "{customer}");
    }
    assert_eq!(on.twilio.faults().waiting(), 0, "each of them struck");
    assert_eq!(on.twilio.storage_refused(), 0);
}

#[tokio::test]
async fn whatever_passes_while_an_agents_file_is_fetched_it_goes_out_with_its_message_once() {
    let on = OnTwilio::start(NUMBER).await;
    let mut customers = Vec::new();
    for operation in [Operation::DownloadFile, Operation::FetchStored] {
        for fault in passing() {
            let customer = customer(customers.len());
            on.stack.front.faults().add(Rule::new(fault).on(operation).with(&customer));
            let message = AgentMessage::to(&[&customer]).text("Look").with(cat());
            on.stack.front.agent_sends(&on.inbox, message).await.unwrap();
            customers.push(customer);
        }
    }
    on.stack.settle().await;
    for customer in &customers {
        let got = eventually("Twilio has fetched it", || async {
            Some(on.twilio.outbound_to(customer)).filter(|got| got.iter().all(|one| !one.media.is_empty()))
        })
        .await;
        assert_eq!((got.len(), got[0].body.as_str()), (1, "Look"), "{customer}");
        assert_eq!(&*got[0].media[0].bytes, &*cat().bytes, "{customer}");
    }
    assert_eq!(on.stack.front.faults().waiting(), 0, "each of them struck");
    assert_eq!(on.stack.front.storage_refused(), 0);
    assert!(on.stack.front.failures(&on.inbox).is_empty());
}

#[tokio::test]
async fn files_that_come_during_an_outage_of_the_provider_come_when_it_is_over() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.faults().outage(Some(Fault::ServerErrorBefore(503)));
    for nth in 0..4 {
        on.twilio.customer_texts_with(&customer(nth), NUMBER, "Look", vec![cat()]).await;
    }
    eventually("all of them were tried", || async {
        let tried = "select count(*) from messages where last_error is not null";
        (on.stack.count(tried).await == 4).then_some(())
    })
    .await;
    on.twilio.faults().outage(None);
    on.stack.settle().await;
    for nth in 0..4 {
        assert_eq!(shown(&on, &customer(nth)), [[cat().bytes.to_vec()]]);
    }
}

#[tokio::test]
async fn a_text_whose_picture_cannot_be_had_for_good_arrives_and_says_so() {
    let on = OnTwilio::start(NUMBER).await;
    let down = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::FetchStored).times(1_000);
    on.twilio.faults().add(down);
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "See", vec![cat()]).await;
    on.twilio.customer_texts(CUSTOMER, NUMBER, "Do you?").await;
    eventually("it was tried", || async {
        (on.stack.count("select count(*) from messages where failures > 0").await > 0).then_some(())
    })
    .await;
    assert!(on.thread(CUSTOMER).is_empty(), "it waits for its file, and the next one for it");
    // What takes minutes.
    let often = format!("update messages set failures = {}, wake_at = now()", FETCH_TRIES - 1);
    let often = format!("{often} where failures > 0 and in_flight is null");
    eventually("all tries but one are over", || async {
        let done = sqlx::query(sqlx::AssertSqlSafe(often.clone())).execute(&on.stack.pool).await.unwrap();
        (done.rows_affected() > 0).then_some(())
    })
    .await;
    on.stack.settle().await;
    assert_eq!(
        on.thread(CUSTOMER),
        ["See\n[A picture is not here: it could not be fetched (its storage answered 503)]", "Do you?"],
        "once, and in order"
    );
}

#[tokio::test]
async fn after_an_hour_a_text_does_not_wait_for_its_picture_any_more() {
    let on = OnTwilio::start(NUMBER).await;
    let down = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::FetchStored).times(1_000);
    on.twilio.faults().add(down);
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "See", vec![cat()]).await;
    let later = "update messages set created_at = now() - interval '61 minutes', wake_at = now()
        where failures > 0 and in_flight is null";
    eventually("an hour is over", || async {
        let done = sqlx::query(later).execute(&on.stack.pool).await.unwrap();
        (done.rows_affected() > 0).then_some(())
    })
    .await;
    on.stack.settle().await;
    assert_eq!(on.thread(CUSTOMER), ["See\n[A picture is not here: it could not be fetched in time]"]);
}

#[tokio::test]
async fn a_file_that_is_cut_short_on_its_way_is_not_taken_for_the_whole() {
    let on = OnTwilio::start(NUMBER).await;
    let cut = vec![cat().but(FileFault::CutShort)];
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "Look", cut).await;
    eventually("it was tried", || async {
        (on.stack.count("select count(*) from messages where failures > 0").await > 0).then_some(())
    })
    .await;
    let sid = on.twilio.messages()[0].media[0].sid.clone();
    assert!(on.twilio.spoil_media(&sid, None));
    on.stack.settle().await;
    assert_eq!(shown(&on, CUSTOMER), [[cat().bytes.to_vec()]]);
}

#[tokio::test]
async fn a_picture_behind_a_text_that_front_does_not_take_is_fetched_at_once_and_shown_in_order() {
    let setting = Setting { settling: Duration::from_millis(1200), ..Setting::default() };
    let stack = Stack::with(setting).await;
    let down = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SyncInbound).saying("One").times(2);
    stack.front.faults().add(down);
    stack.signalwire.customer_texts(CUSTOMER, SUPPORT, "One").await;
    eventually("Front did not take it", || async { (stack.front.faults().struck_count() > 0).then_some(()) })
        .await;
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Two", vec![cat()]).await;
    let kept =
        r#"select count(*) from messages where body = 'Two' and media @? '$[*] ? (@.state == "kept")'"#;
    eventually("the file of the second is kept", || async { (stack.count(kept).await == 1).then_some(()) })
        .await;
    assert!(stack.thread(CUSTOMER).is_empty(), "the first is not there yet, and so neither is the second");
    stack.settle().await;
    assert_eq!(stack.thread_texts(CUSTOMER), ["One", "Two"]);
    assert_eq!(&*stack.thread(CUSTOMER)[1].attachments[0].bytes, &*cat().bytes);
}

#[tokio::test]
async fn when_front_takes_no_files_the_text_arrives_without_them_and_says_so() {
    let stack = Stack::start().await;
    let large = Fault::Refuse { status: 413, code: 0, message: "Payload too large".to_owned() };
    stack.front.faults().add(Rule::new(large).on(Operation::SyncInbound));
    let film = MediaFile::new("film.mp4", "video/mp4", noise(40, 40));
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "See", vec![cat(), film]).await;
    stack.settle().await;
    let thread = stack.thread(CUSTOMER);
    assert_eq!((thread.len(), thread[0].attachments.len()), (1, 0));
    let lines: Vec<&str> = thread[0].text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "See"));
    assert!(lines[1].starts_with("[A picture is not here: the helpdesk did not take it: (413)"), "{lines:?}");
    assert!(lines[2].starts_with("[A video is not here"), "{lines:?}");
}
