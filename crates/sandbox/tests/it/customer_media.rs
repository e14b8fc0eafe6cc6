//! Files that customers send: announced by the webhook, listed and given by the API, kept in a storage.

use std::time::Duration;

use serde_json::{Value, json};
use twinwire_sandbox::{
    CustomerText, Fault, FileFault, MediaFile, Operation, Rule, SignalWire, SignalWireOptions, Sms, Twilio,
    TwilioOptions,
};

use crate::fetch::{fetch, location};
use crate::support::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

fn cat() -> MediaFile {
    MediaFile::new("cat.png", "image/png", PNG)
}

async fn twilio(server: &Server) -> Twilio {
    let double = Twilio::start(TwilioOptions { auth_token: KEY.into(), ..TwilioOptions::default() }).await;
    let double = double.unwrap();
    double.set_webhook(OURS, &server.url);
    double
}

async fn signalwire_with(server: &Server, protects_media: bool) -> SignalWire {
    let options =
        SignalWireOptions { signing_key: KEY.into(), protects_media, ..SignalWireOptions::default() };
    let double = SignalWire::start(options).await.unwrap();
    double.set_webhook(OURS, &server.url);
    double
}

async fn get(url: &str, auth: &str) -> Got {
    call("GET", url, auth, "text/plain", "").await.unwrap()
}

fn media_url(double: &Sms, sid: &str) -> String {
    double.message(sid).unwrap().media[0].url.clone()
}

#[tokio::test]
async fn twilio_announces_files_and_sends_the_account_to_a_storage_that_wants_no_credentials() {
    let server = Server::polite().await;
    let double = twilio(&server).await;
    let files = vec![cat(), MediaFile::new("song", "audio/amr", &b"#!AMR"[..])];
    let sid = double.customer_texts_with(ADA, OURS, "Look", files).await;
    let seen = server.seen().remove(0);
    assert!(sid.starts_with("MM") && seen.is_signed_by_twilio(&server.url), "{}", seen.body);
    let of = |name: &str| seen.field(name);
    assert_eq!((of("NumMedia"), of("Body")), ("2".into(), "Look".into()));
    assert_eq!((of("MediaContentType0"), of("MediaContentType1")), ("image/png".into(), "audio/amr".into()));
    assert!(of("MediaUrl1").starts_with(&double.url()) && of("MediaUrl2").is_empty());

    let auth = basic_of(&double.options().account_sid, KEY);
    let link = of("MediaUrl0");
    assert_eq!(fetch(&link, "").await.unwrap().status, 401);
    assert_eq!(fetch(&link, &basic_of("AC1", KEY)).await.unwrap().status, 401);
    let sent = fetch(&link, &auth).await.unwrap();
    assert_eq!(sent.status, 307);
    let stored = location(&sent).to_owned();
    assert!(stored.starts_with(&double.storage_url()) && !stored.starts_with(&double.url()), "{stored}");
    let got = fetch(&stored, "").await.unwrap();
    assert_eq!((got.status, &*got.bytes), (200, PNG));
    assert_eq!(got.headers["content-type"], "image/png");
    assert_eq!(got.headers["content-length"], PNG.len().to_string().as_str());
    let without_query = stored.split('?').next().unwrap();
    assert_eq!(fetch(without_query, "").await.unwrap().status, 403, "the query is the key");
    assert_eq!(double.storage_refused(), 0);
    assert_eq!(fetch(&stored, &auth).await.unwrap().status, 400);
    assert_eq!(double.storage_refused(), 1);
    assert_eq!(double.requests().last().unwrap().operation, Some(Operation::FetchStored));
}

#[tokio::test]
async fn signalwire_gives_files_to_everybody_unless_they_are_protected() {
    let server = Server::polite().await;
    for (protects, stranger) in [(false, 200), (true, 401)] {
        let double = signalwire_with(&server, protects).await;
        let sid = double.customer_texts_with(ADA, OURS, "", vec![cat()]).await;
        let seen = server.seen().pop().unwrap();
        assert!(seen.is_signed_by_signalwire(&server.url));
        let link = seen.field("MediaUrl0");
        assert_eq!((seen.field("NumMedia"), &link), ("1".into(), &media_url(&double, &sid)));
        assert_eq!(fetch(&link, "").await.unwrap().status, stranger);
        let got = fetch(&link, &basic(&double)).await.unwrap();
        assert_eq!((got.status, &*got.bytes), (200, PNG));
        assert_eq!(got.headers["content-type"], "image/png");
        let other = link.replace(&sid, "another");
        assert_eq!(fetch(&other, &basic(&double)).await.unwrap().status, 404);
    }
}

#[tokio::test]
async fn the_files_of_a_message_are_listed_in_the_form_of_the_vendor() {
    let server = Server::polite().await;
    let one = twilio(&server).await;
    let account = one.options().account_sid.clone();
    let other = signalwire_with(&server, false).await;
    let auths = [basic_of(&account, KEY), basic(&other)];
    for (double, auth, owner) in
        [(&*one, &auths[0], &account), (&*other, &auths[1], &other.options().project)]
    {
        let sid = double.customer_texts_with(ADA, OURS, "Look", vec![cat(), cat()]).await;
        let media = double.message(&sid).unwrap().media;
        let path = media[0].url.strip_prefix(&double.url()).unwrap();
        let suffix = if double.url() == one.url() { ".json" } else { "" };
        let list = media[0].url.rsplit_once('/').unwrap().0.to_owned() + suffix;
        assert_eq!(get(&list, "").await.status, 401);
        let got = get(&list, auth).await;
        let row = &got.json["media_list"][0];
        assert_eq!(row["uri"], format!("{path}.json"), "{}", got.text);
        for (name, expected) in [
            ("sid", &media[0].sid),
            ("parent_sid", &sid),
            ("account_sid", owner),
            ("content_type", &"image/png".into()),
        ] {
            assert_eq!(row[name], expected.as_str());
        }
        assert!(chrono::DateTime::parse_from_rfc2822(row["date_created"].as_str().unwrap()).is_ok());
        assert_eq!(got.json["media_list"].as_array().unwrap().len(), 2);
        assert_eq!(got.json["next_page_uri"], Value::Null);
        assert_eq!(got.json["end"], if suffix.is_empty() { Value::Null } else { json!(1) });
        let described = get(&format!("{}{}", double.url(), row["uri"].as_str().unwrap()), auth).await;
        assert_eq!(&described.json, row);
        let gone = list.replace(&sid, "another");
        assert_eq!(get(&gone, auth).await.status, 404);
        let resource = get(&list.replace("/Media", ""), auth).await;
        let count = if suffix.is_empty() { json!(2) } else { json!("2") };
        assert_eq!(resource.json["num_media"], count, "{}", resource.text);
    }
}

#[tokio::test]
async fn a_text_can_come_as_a_file_behind_the_layout_of_the_phone() {
    let server = Server::polite().await;
    let double = signalwire_with(&server, false).await;
    let text = CustomerText::new(ADA, OURS, "Look: ä").with(cat()).text_in_a_part().with_layout();
    let sid = double.customer_sends(text.clone()).await;
    let seen = server.seen().remove(0);
    let kinds: Vec<_> = (0..4).map(|n| seen.field(&format!("MediaContentType{n}"))).collect();
    assert_eq!(kinds, ["application/smil", "text/plain", "image/png", ""]);
    assert_eq!((seen.field("NumMedia"), seen.field("Body")), ("3".into(), String::new()));
    let part = fetch(&seen.field("MediaUrl1"), "").await.unwrap();
    assert_eq!(String::from_utf8(part.bytes).unwrap(), "Look: ä");
    let url = format!("{}/{sid}", messages_url(&double));
    let got = get(&url, &basic(&double)).await;
    assert_eq!((&got.json["body"], &got.json["num_media"]), (&Value::Null, &json!(3)));
    assert_eq!(double.message(&sid).unwrap().body, "Look: ä", "what the customer wrote is known");
    // Twilio knows no such thing.
    let one = twilio(&server).await;
    let sid = one.customer_sends(text).await;
    let message = one.message(&sid).unwrap();
    assert_eq!((message.media.len(), server.seen().pop().unwrap().field("Body")), (1, "Look: ä".into()));
}

#[tokio::test]
async fn another_applications_files_are_there_too() {
    let double = signalwire(true).await;
    let sid = double.foreign_send_with(OURS, ADA, "", vec![cat()]);
    assert_eq!(fetch(&media_url(&double, &sid), "").await.unwrap().bytes, PNG);
    assert_eq!(list(&double, "").await.json["messages"][0]["num_media"], 1);
}

#[tokio::test]
async fn files_go_wrong_each_in_its_way() {
    let server = Server::polite().await;
    let (one, other) = (twilio(&server).await, signalwire_with(&server, false).await);
    let auth = basic_of(&one.options().account_sid, KEY);
    let elsewhere = "http://169.254.169.254/latest".to_owned();
    // The fault; then the status of the API at Twilio, of its storage, and of the API at SignalWire.
    let cases = [
        (FileFault::Gone, 404, 0, 404),
        (FileFault::LargerBy(100_000), 307, 200, 200),
        (FileFault::Endless, 307, 200, 200),
        (FileFault::CutShort, 307, 200, 200),
        (FileFault::TypedAs("text/html".into()), 307, 200, 200),
        (FileFault::RedirectTo(elsewhere.clone()), 307, 0, 302),
        (FileFault::StorageRedirectsTo(elsewhere.clone()), 307, 307, 302),
        (FileFault::RedirectLoop, 307, 0, 302),
    ];
    for (fault, at_twilio, at_storage, at_signalwire) in cases {
        let files = || vec![cat().but(fault.clone())];
        let sid = one.customer_texts_with(ADA, OURS, "", files()).await;
        let link = media_url(&one, &sid);
        let api = fetch(&link, &auth).await.unwrap();
        assert_eq!(api.status, at_twilio, "{fault:?}");
        let mut seen = Vec::new();
        if at_storage != 0 {
            seen.push(fetch(location(&api), "").await.unwrap());
            assert_eq!(seen[0].status, at_storage, "{fault:?}");
        }
        let sid = other.customer_texts_with(ADA, OURS, "", files()).await;
        let own = media_url(&other, &sid);
        seen.push(fetch(&own, "").await.unwrap());
        assert_eq!(seen.last().unwrap().status, at_signalwire, "{fault:?}");
        match &fault {
            FileFault::RedirectTo(to) => assert_eq!(location(&api), to),
            FileFault::RedirectLoop => assert_eq!((location(&api), location(&seen[0])), (&*link, &*own)),
            _ => {}
        }
        for got in seen.iter().filter(|got| got.status != 404 && fault != FileFault::RedirectLoop) {
            let announced = got.headers.contains_key("content-length");
            match &fault {
                FileFault::LargerBy(more) => assert!(got.bytes.len() == PNG.len() + more && !announced),
                FileFault::Endless => assert!(got.bytes.len() >= 2_000_000 && !announced && !got.whole),
                FileFault::CutShort => assert!(got.bytes.len() < PNG.len() && announced && !got.whole),
                FileFault::TypedAs(kind) => assert_eq!(got.headers["content-type"], kind.as_str()),
                _ => assert_eq!(location(got), elsewhere),
            }
        }
        let media = &other.message(&sid).unwrap().media[0].sid;
        assert!(other.spoil_media(media, None));
        assert_eq!(fetch(&own, "").await.unwrap().bytes, PNG, "nothing is wrong any more");
    }
    assert!(!other.spoil_media("nobody's", Some(FileFault::Gone)));
    one.stop().await;
}

#[tokio::test]
async fn asking_for_files_meets_faults_like_any_other_request() {
    let server = Server::polite().await;
    let double = twilio(&server).await;
    let auth = basic_of(&double.options().account_sid, KEY);
    let sid = double.customer_texts_with(ADA, OURS, "Look", vec![cat()]).await;
    let link = media_url(&double, &sid);
    let list = link.rsplit_once('/').unwrap().0.to_owned() + ".json";
    let stored = double.message(&sid).unwrap().media[0].stored_url.clone();
    let down = || Rule::new(Fault::ServerErrorBefore(503)).with(ADA).saying("ook");
    for (operation, url, good) in [
        (Operation::FetchMedia, &link, 307),
        (Operation::ListMedia, &list, 200),
        (Operation::FetchStored, &stored, 200),
    ] {
        let auth = if operation == Operation::FetchStored { "" } else { &auth };
        double.faults().add(down().on(operation));
        assert_eq!(fetch(url, auth).await.unwrap().status, 503, "{operation:?}");
        double.faults().add(Rule::new(Fault::ResetBefore).on(operation));
        assert!(fetch(url, auth).await.is_none());
        double.faults().add(Rule::new(Fault::TooManyRequests { retry_after_secs: 2 }).on(operation));
        let got = fetch(url, auth).await.unwrap();
        assert_eq!(got.status, 429, "{operation:?}");
        assert_eq!(got.headers["retry-after"], "2", "{operation:?}");
        let slow = Duration::from_millis(200);
        double.faults().add(Rule::new(Fault::Slow(slow)).on(operation));
        let began = std::time::Instant::now();
        assert_eq!(fetch(url, auth).await.unwrap().status, good);
        assert!(began.elapsed() >= slow);
    }
    double.shut(true);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(fetch(&stored, "").await.is_none(), "nobody listens at the storage either");
}
