//! What `twinwire why` says of the files of a message, of its part of a text, and of its status.

use super::{assert_says, once, why, why_json};
use crate::PROGRAM;
use crate::parts::long;
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{AgentMessage, Fault, FileFault, MediaFile, Operation, Rule};
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, SUPPORT};

async fn installation() -> Installation {
    let mut twinwire = Installation::new(PROGRAM).await;
    twinwire.program = twinwire.program.with("TWINWIRE_PRIVATE_HOSTS", "yes");
    twinwire.start().await;
    twinwire.connect().await;
    twinwire
}

fn cat() -> MediaFile {
    MediaFile::new("cat.png", "image/png", vec![1; 11_500])
}

#[tokio::test]
async fn each_file_of_a_message_is_named_with_what_became_of_it() {
    let twinwire = installation().await;
    let film = MediaFile::new("film.mp4", "video/mp4", &b"x"[..]).but(FileFault::LargerBy(30_000_000));
    twinwire.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Here is my parcel", vec![cat(), film]).await;
    twinwire.settle().await;
    let shown = why(&twinwire, &["1"]).await;
    assert_says(
        &shown,
        &[
            "from the customer …47",
            "files a picture 12 kB kept · a video: missing, it has more than 25.0 MB",
            "tried to fetch a file",
            "tried to put it into the helpdesk",
            "both sides are in step",
        ],
    );
    assert!(!shown.contains("parcel") && !shown.contains(CUSTOMER), "{shown}");
    let media = why_json(&twinwire, &["1"]).await.remove(0)["media"].clone();
    assert_eq!((&media[0]["state"], &media[1]["state"]), (&"kept".into(), &"missing".into()));
}

#[tokio::test]
async fn a_message_that_waits_for_a_file_says_so_and_a_lost_one_says_why() {
    let twinwire = installation().await;
    let down = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::DownloadFile).times(1_000);
    twinwire.front.faults().add(down);
    let message = AgentMessage::to(&[CUSTOMER]).text("Look").with(cat());
    let order = twinwire.front.order_of(&twinwire.front_channel, message).unwrap();
    twinwire.insist(&order).await;
    // Its next try is not so near that it could begin while the command looks.
    once(&twinwire, "failures >= 3 and in_flight is null and wake_at > now() + interval '2 seconds'").await;
    let words = ["files cat.png 12 kB: not fetched yet", "A file of it is asked for again at"];
    assert_says(&why(&twinwire, &["1"]).await, &words);
    twinwire.front.faults().clear();
    let file = twinwire.front.messages(&twinwire.front_channel, CUSTOMER)[0].attachments[0].id.clone();
    assert!(twinwire.front.spoil_file(&file, Some(FileFault::Gone)));
    let ran = twinwire.program.run(&["retry", "1", "--now"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    once(&twinwire, "parked = 'refused' and helpdesk_status = 'failed' and in_flight is null").await;
    assert_says(
        &why(&twinwire, &["1"]).await,
        &[
            "files cat.png 12 kB: missing,",
            "agent told it is marked as failed",
            "trouble a file could not be had",
        ],
    );
}

#[tokio::test]
async fn a_picture_behind_a_text_that_cannot_be_delivered_does_not_wait_for_it() {
    let twinwire = installation().await;
    let down = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::SyncInbound).times(1_000);
    twinwire.front.faults().add(down);
    let away = Rule::new(Fault::ServerErrorBefore(503)).on(Operation::FetchMedia).times(1_000);
    twinwire.signalwire.faults().add(away);
    twinwire.signalwire.customer_texts(CUSTOMER, SUPPORT, "One").await;
    once(&twinwire, "body = 'One' and failures > 0").await;
    twinwire.signalwire.customer_texts_with(CUSTOMER, SUPPORT, "Two", vec![cat()]).await;
    once(
        &twinwire,
        "body = 'Two' and failures >= 3 and in_flight is null and wake_at > now() + interval '2 seconds'",
    )
    .await;
    let shown = why(&twinwire, &["2"]).await;
    assert_says(&shown, &["files a picture: not fetched yet", "A file of it is asked for again at"]);
    twinwire.signalwire.faults().clear();
    let ran = twinwire.program.run(&["retry", "2", "--now"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    once(&twinwire, r#"body = 'Two' and media @? '$[*] ? (@.state == "kept")' and in_flight is null"#).await;
    let shown = why(&twinwire, &["2"]).await;
    assert_says(&shown, &["files a picture 12 kB kept", "It waits for its turn behind 1"]);
}

#[tokio::test]
async fn each_part_of_a_text_says_which_it_is_and_what_became_of_it() {
    let twinwire = Installation::connected(PROGRAM).await;
    let failed = Fate::RefuseSync { status: 422, code: 21_614, message: "Not a mobile".to_owned() };
    twinwire.signalwire.script_saying("(2/3)", failed);
    let order = twinwire.order(&[CUSTOMER], &long(4_000));
    twinwire.insist(&order).await;
    twinwire.settle().await;
    once(&twinwire, "part = 1 and provider_status in ('sent', 'delivered')").await;
    let first = why_json(&twinwire, &["1"]).await.remove(0);
    let whole = first["helpdesk_message_id"].as_str().unwrap().to_owned();
    let all = why(&twinwire, &[&whole]).await;
    assert_says(
        &all,
        &[
            &format!("{whole} is 3 messages: 1, 2, 3."),
            &format!("part 1 of 3 of {whole}"),
            "both sides are in step",
            &format!("part 2 of 3 of {whole}"),
            "agent told it is marked as failed",
            "put aside as refused",
            &format!("part 3 of 3 of {whole}"),
            "agent told of the earlier part that did not go out",
            "put aside as incomplete",
            "twinwire retry 3",
        ],
    );
    assert!(!all.contains("w0001") && !all.contains(CUSTOMER), "{all}");
    assert!(!all.contains("files"), "{all}");
}
