//! Files of messages that a vendor is asked to send: it fetches them, or the message fails.

use std::time::{Duration, Instant};

use serde_json::json;
use twinwire_sandbox::twilio::SmsMessage;
use twinwire_sandbox::{Fault, Operation, Rule, Sms, Twilio, TwilioOptions};

use crate::support::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

async fn twilio() -> Twilio {
    let double = Twilio::start(TwilioOptions { auth_token: KEY.into(), ..TwilioOptions::default() }).await;
    let double = double.unwrap();
    double.add_number(OURS);
    double
}

async fn send_by_twilio(double: &Twilio, fields: &[(&str, &str)]) -> Got {
    let account = &double.options().account_sid;
    let url = format!("{}/2010-04-01/Accounts/{account}/Messages.json", double.url());
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let kind = "application/x-www-form-urlencoded";
    call("POST", &url, &basic_of(account, KEY), kind, &body).await.unwrap()
}

/// To Ada, with these files, and called back to the server.
fn with_files<'a>(server: &'a Server, links: &[&'a str]) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![("To", ADA), ("From", OURS), ("StatusCallback", server.url.as_str())];
    fields.extend(links.iter().map(|link| ("MediaUrl", *link)));
    fields
}

async fn ended(double: &Sms) -> SmsMessage {
    let end = |status: &str| ["sent", "delivered", "failed"].contains(&status);
    until("the end", || double.messages().last().is_some_and(|message| end(&message.status))).await;
    double.messages().pop().unwrap()
}

#[tokio::test]
async fn files_are_fetched_without_credentials_and_kept_with_their_type() {
    let (server, files) = (Server::polite().await, FileHost::start().await);
    let cat = files.holds("cat.png", "image/png", PNG.to_vec());
    let with_password = cat.replace("http://", "http://ada:secret@");
    let card = files.holds("card", "text/vcard; charset=utf-8", b"BEGIN:VCARD".to_vec());
    let double = twilio().await;
    let got = send_by_twilio(&double, &with_files(&server, &[&with_password, &card])).await;
    assert_eq!((got.status, &got.json["num_media"]), (201, &json!("2")), "{}", got.text);
    let link = got.json["subresource_uris"]["media"].as_str().unwrap();
    assert!(link.ends_with("/Media.json"), "{link}");
    let message = ended(&double).await;
    assert_eq!(message.media_problem, None);
    let kept: Vec<_> = message.media.iter().map(|m| (m.content_type.as_str(), &*m.bytes, &*m.url)).collect();
    let card_kind = "text/vcard; charset=utf-8";
    assert_eq!(kept, [("image/png", PNG, &*with_password), (card_kind, b"BEGIN:VCARD", &*card)]);
    assert!(message.media.iter().all(|media| media.sid.len() == 34 && media.sid.starts_with("ME")));
    // Twilio looks first, with HEAD.
    let methods: Vec<_> = files.asked().iter().map(|asked| asked.0.clone()).collect();
    assert_eq!(methods, ["HEAD", "GET", "HEAD", "GET"]);
    assert!(files.asked().iter().all(|(_, _, headers)| !headers.contains_key("authorization")));

    let double = signalwire(false).await;
    let got = send(&double, &with_files(&server, &[&cat])).await.unwrap();
    assert_eq!((got.status, &got.json["num_media"]), (201, &json!(1)));
    assert_eq!(&*ended(&double).await.media[0].bytes, PNG);
    assert_eq!(files.asked()[4].0, "GET");
}

#[tokio::test]
async fn a_file_that_cannot_be_fetched_fails_the_message_with_the_code_of_the_vendor() {
    let files = FileHost::start().await;
    let image = |size: usize| vec![b'x'; size];
    let gone = format!("{}/gone", files.url);
    let page = files.holds("page", "text/html", b"<html>".to_vec());
    let untyped = files.holds("untyped", "", b"x".to_vec());
    let text = files.holds("text", "text/plain", b"Hi".to_vec());
    let pdf = files.holds("pdf", "application/pdf", image(500_001));
    let good_pdf = files.holds("good.pdf", "application/pdf", image(500_000));
    let half = files.holds("half", "image/jpeg", image(2_500_001));
    let full = files.holds("full", "image/jpeg", image(5_000_000));
    let huge = files.holds("huge", "image/jpeg", image(5_000_001));
    let many = files.holds("many", "image/png", image(600_001));
    let small = files.holds("small", "image/png", image(600_000));
    let (three, four) = (files.behind(3, "small"), files.behind(4, "small"));
    let nobody = "http://127.0.0.1:1/x".to_owned();
    // The files, then the code of Twilio and of SignalWire; none where the message goes out.
    let cases: Vec<(Vec<&str>, Option<&str>, Option<&str>)> = vec![
        (vec![&gone], Some("21620"), Some("63019")),
        (vec![&nobody], Some("21620"), Some("63019")),
        (vec![&page], Some("12300"), Some("21612")),
        (vec![&untyped], Some("12300"), Some("21612")),
        (vec![&text], Some("12300"), None),
        (vec![&pdf], Some("11751"), Some("21612")),
        (vec![&good_pdf], None, Some("21612")),
        (vec![&half, &half], Some("11751"), Some("21620")),
        (vec![&full], None, Some("21620")),
        (vec![&huge], Some("11751"), Some("21620")),
        (vec![&many, &many], None, Some("21620")),
        (vec![&small, &small], None, None),
        (vec![&small, &gone], Some("21620"), Some("63019")),
        (vec![&three], None, None),
        (vec![&four], Some("21620"), Some("53603")),
    ];
    let (one, other) = (twilio().await, signalwire(false).await);
    for (links, at_twilio, at_signalwire) in cases {
        for (double, code) in [(&*one, at_twilio), (&*other, at_signalwire)] {
            let server = Server::polite().await;
            let fields = with_files(&server, &links);
            let status = if double.url() == one.url() {
                send_by_twilio(&one, &fields).await.status
            } else {
                send(&other, &fields).await.unwrap().status
            };
            assert_eq!(status, 201, "it is accepted all the same");
            let message = ended(double).await;
            assert_eq!(message.error_code.as_deref(), code, "{links:?} {:?}", message.media_problem);
            assert_eq!(message.status == "failed", code.is_some(), "{links:?}");
            assert_eq!(message.media.len(), if code.is_some() { 0 } else { links.len() });
            until("called back", || !server.statuses().is_empty()).await;
            assert_eq!(server.seen()[0].field("ErrorCode"), code.unwrap_or_default(), "{links:?}");
        }
    }
}

#[tokio::test]
async fn the_text_counts_towards_the_largest_message() {
    let (server, files) = (Server::polite().await, FileHost::start().await);
    let full = files.holds("full", "image/jpeg", vec![b'x'; 5_000_000 - 5]);
    let double = twilio().await;
    for (text, status) in [("Hello", false), ("Hello!", true)] {
        let mut fields = with_files(&server, &[&full]);
        fields.push(("Body", text));
        send_by_twilio(&double, &fields).await;
        assert_eq!(ended(&double).await.status == "failed", status, "{text}");
    }
}

#[tokio::test]
async fn only_so_many_files_are_taken() {
    let (server, files) = (Server::polite().await, FileHost::start().await);
    let cat = files.holds("cat.png", "image/png", PNG.to_vec());
    let (one, other) = (twilio().await, signalwire(false).await);
    for (count, at_twilio, at_signalwire) in [(8, 201, 201), (9, 201, 422), (10, 201, 422), (11, 400, 422)] {
        let fields = with_files(&server, &vec![&*cat; count]);
        let (by_one, by_other) = (send_by_twilio(&one, &fields).await, send(&other, &fields).await.unwrap());
        assert_eq!((by_one.status, by_other.status), (at_twilio, at_signalwire), "{count}");
        assert!(at_twilio == 201 || by_one.json["code"] == 21623);
        assert!(at_signalwire == 201 || by_other.json["code"] == "21623");
    }
}

#[tokio::test]
async fn a_slow_file_does_not_hold_up_the_answer_and_may_be_asked_for_late_or_twice() {
    let (server, files) = (Server::polite().await, FileHost::start().await);
    let cat = files.holds("cat.png", "image/png", PNG.to_vec());
    let double = signalwire(false).await;
    let late = Fault::Delay(Duration::from_millis(400));
    double.faults().add(Rule::new(late).on(Operation::CollectMedia));
    double.faults().add(Rule::new(Fault::Duplicate(2)).on(Operation::CollectMedia));
    let began = Instant::now();
    send(&double, &with_files(&server, &[&cat])).await.unwrap();
    assert_eq!((double.messages()[0].status.as_str(), files.asked().len()), ("queued", 0));
    assert_eq!(&*ended(&double).await.media[0].bytes, PNG);
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(files.asked().len(), 1);
    send(&double, &with_files(&server, &[&cat])).await.unwrap();
    ended(&double).await;
    assert_eq!(files.asked().len(), 4);
}

#[tokio::test]
async fn messages_with_other_files_are_no_duplicates() {
    let (server, files) = (Server::polite().await, FileHost::start().await);
    let double = signalwire(false).await;
    let link = |name: &str, byte: u8| files.holds(name, "image/png", vec![byte]);
    // The same bytes under another address are the same file.
    for (link, groups) in [(link("a", 1), 0), (link("b", 2), 0), (link("c", 1), 1)] {
        send(&double, &with_files(&server, &[&link])).await.unwrap();
        ended(&double).await;
        assert_eq!(double.duplicates().len(), groups, "{link}");
    }
}
