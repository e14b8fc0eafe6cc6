//! Files go both ways, whole, to the right people, and never lose a message.

mod address;
mod agent;
mod crash;
mod customer;
mod trouble;

use image::{DynamicImage, ImageFormat, RgbImage};
use std::io::Cursor;
use twinwire_core::media::State;
use twinwire_core::model::{Message, Parked};
use twinwire_sandbox::front::{AgentMessage, AgentSend};
use twinwire_sandbox::{FileFault, MediaFile};
use twinwire_tests::on_twilio::{NUMBER, OnTwilio};
use twinwire_tests::{CUSTOMER, SUPPORT, Stack, eventually};

/// A picture that does not compress well.
pub(crate) fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let image = RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, a, b, c] = state.to_be_bytes();
        image::Rgb([a, b, c])
    });
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

pub(crate) fn cat() -> MediaFile {
    MediaFile::new("cat.png", "image/png", noise(20, 20))
}

async fn agent_sends(stack: &Stack, text: &str, files: Vec<MediaFile>) -> AgentSend {
    let mut message = AgentMessage::to(&[CUSTOMER]);
    if !text.is_empty() {
        message = message.text(text);
    }
    let message = files.into_iter().fold(message, AgentMessage::with);
    stack.front.agent_sends(&stack.channel, message).await.unwrap()
}

async fn only_row(stack: &Stack) -> Message {
    stack.settle().await;
    let mut rows = stack.rows().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

#[tokio::test]
async fn an_agents_picture_reaches_the_customer_as_it_is() {
    let stack = Stack::start().await;
    let sent = agent_sends(&stack, "Look", vec![cat()]).await;
    assert!(sent.answer.is_success(), "{sent:?}");
    stack.settle().await;
    let got = eventually("the provider has fetched it", || async {
        stack.signalwire.outbound_to(CUSTOMER).into_iter().find(|message| !message.media.is_empty())
    })
    .await;
    assert_eq!((got.body.as_str(), got.media.len()), ("Look", 1));
    assert_eq!((got.media[0].content_type.as_str(), &*got.media[0].bytes), ("image/png", &*cat().bytes));
    assert_eq!(stack.front.storage_refused(), 0, "Front's token went to Front alone");
    assert!(stack.signalwire.complaints().is_empty(), "{:?}", stack.signalwire.complaints());
}

#[tokio::test]
async fn a_customers_picture_reaches_the_agent_as_it_is() {
    let stack = Stack::start().await;
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Look", vec![cat()]).await;
    let row = only_row(&stack).await;
    assert!(matches!(row.media[0].state, State::Kept { .. }), "{row:?}");
    let thread = stack.thread(CUSTOMER);
    assert_eq!((thread.len(), thread[0].text.as_str()), (1, "Look"));
    assert_eq!(&*thread[0].attachments[0].bytes, &*cat().bytes);
    assert_eq!(thread[0].attachments[0].content_type, "image/png");
}

#[tokio::test]
async fn files_go_both_ways_on_twilio_and_its_credentials_stay_with_it() {
    let on = OnTwilio::start(NUMBER).await;
    on.twilio.customer_texts_with(CUSTOMER, NUMBER, "", vec![cat(), cat()]).await;
    on.stack.settle().await;
    let thread = on.stack.front.messages(&on.inbox, CUSTOMER);
    let files: Vec<_> = thread[0].attachments.iter().map(|file| file.bytes.to_vec()).collect();
    assert_eq!(files, [cat().bytes.to_vec(), cat().bytes.to_vec()]);
    let reply = AgentMessage::to(&[CUSTOMER]).text("Thanks").with(cat());
    on.stack.front.agent_sends(&on.inbox, reply).await.unwrap();
    on.stack.settle().await;
    let got = eventually("Twilio has fetched it", || async {
        on.twilio.outbound_to(CUSTOMER).into_iter().find(|message| !message.media.is_empty())
    })
    .await;
    assert_eq!(&*got.media[0].bytes, &*cat().bytes);
    assert_eq!((on.twilio.storage_refused(), on.stack.front.storage_refused()), (0, 0));
    assert!(on.twilio.complaints().is_empty(), "{:?}", on.twilio.complaints());
}

#[tokio::test]
async fn a_picture_found_by_the_backfill_alone_is_fetched_as_well() {
    use twinwire_sandbox::{Fault, Operation, Rule};
    let stack = Stack::start().await;
    stack.signalwire.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Lost and found", vec![cat()]).await;
    stack.backfill(twinwire_store::backfills::Kind::Incremental).await;
    let thread = stack.thread(CUSTOMER);
    assert_eq!(&*thread[0].attachments[0].bytes, &*cat().bytes);
}

#[tokio::test]
async fn a_page_in_place_of_a_file_and_half_a_file_are_not_taken_for_it() {
    use twinwire_sandbox::{Fault, Operation, Rule};
    let stack = Stack::start().await;
    for fault in [Fault::GarbageAnswer, Fault::CutShort] {
        stack.signalwire.faults().add(Rule::new(fault.clone()).on(Operation::FetchMedia));
        stack.front.faults().add(Rule::new(fault).on(Operation::FetchStored));
    }
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Look", vec![cat()]).await;
    agent_sends(&stack, "I see", vec![cat()]).await;
    let got = eventually("both have it", || async {
        let sent = stack.signalwire.outbound_to(CUSTOMER).into_iter().find(|sms| !sms.media.is_empty())?;
        let shown = stack.thread(CUSTOMER).into_iter().find(|message| message.text == "Look")?;
        Some((sent.media[0].bytes.clone(), shown.attachments[0].bytes.clone()))
    })
    .await;
    assert_eq!((&*got.0, &*got.1), (&*cat().bytes, &*cat().bytes));
}

#[tokio::test]
async fn a_photo_that_is_too_large_for_a_text_is_made_smaller() {
    let stack = Stack::start().await;
    let photo = noise(700, 500);
    assert!(photo.len() > 1_000_000);
    agent_sends(&stack, "", vec![MediaFile::new("photo.png", "image/png", photo)]).await;
    stack.settle().await;
    let got = eventually("the provider has fetched it", || async {
        stack.signalwire.outbound_to(CUSTOMER).into_iter().find(|message| !message.media.is_empty())
    })
    .await;
    assert_eq!(got.media[0].content_type, "image/jpeg");
    assert!(got.media[0].bytes.len() <= 500_000);
    assert!(image::load_from_memory(&got.media[0].bytes).is_ok());
}

#[tokio::test]
async fn what_a_provider_does_not_take_is_not_sent_and_the_agent_knows_why() {
    let stack = Stack::start().await;
    agent_sends(
        &stack,
        "The contract",
        vec![MediaFile::new("contract.pdf", "application/pdf", &b"%PDF"[..])],
    )
    .await;
    let row = only_row(&stack).await;
    assert_eq!(row.parked, Some(Parked::Refused));
    assert!(stack.signalwire.outbound_to(CUSTOMER).is_empty(), "not without the file either");
    let failures = stack.front.failures(&stack.channel);
    assert_eq!(failures.len(), 1);
    let words = failures[0].error.as_ref().unwrap();
    assert!(words.contains("SignalWire does not take files such as contract.pdf"), "{words}");
}

#[tokio::test]
async fn a_customers_file_that_cannot_be_had_is_a_line_in_the_text() {
    let stack = Stack::start().await;
    let gone = cat().but(FileFault::RedirectLoop);
    let huge = MediaFile::new("film.mp4", "video/mp4", &b"x"[..]).but(FileFault::LargerBy(30_000_000));
    stack.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "See", vec![cat(), huge, gone]).await;
    let thread = eventually("it arrives", || async {
        Some(stack.thread(CUSTOMER)).filter(|thread| !thread.is_empty())
    })
    .await;
    assert_eq!(thread[0].attachments.len(), 1);
    assert!(
        thread[0].text.starts_with("See\n[A video is not here: it has more than 25.0 MB]"),
        "{}",
        thread[0].text
    );
    assert!(
        thread[0].text.ends_with("\n[A picture is not here: its address leads on and on]"),
        "{}",
        thread[0].text
    );
}
