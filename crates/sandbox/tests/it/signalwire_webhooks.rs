//! `SignalWire`'s callbacks and inbound webhooks.

use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Answer, Fault, Rule, SignalWire, SignalWireOptions};

use crate::support::*;

fn fail(status: &str) -> Fate {
    Fate::FailLater { code: 30005, message: "Unknown number".into(), status: status.into() }
}

#[tokio::test]
async fn status_callbacks_follow_the_life_of_a_message_and_are_signed() {
    let server = Server::polite().await;
    let double = signalwire(false).await;
    let got = text_ada(&double, &server, "Ünïcödé 👩 + 50% & more").await.unwrap();
    until("two callbacks", || server.seen().len() == 2).await;
    assert_eq!(server.statuses(), ["sent", "delivered"]);
    for seen in server.seen() {
        assert_eq!(seen.path, "/status?ref=1");
        assert_eq!(seen.field("MessageSid"), got.json["sid"].as_str().unwrap());
        assert!(seen.is_signed_by_signalwire(&format!("{}/status?ref=1", server.url)));
    }
    assert_eq!(double.outbound_to(ADA)[0].status, "delivered");
    double.stop().await;
}

#[tokio::test]
async fn every_fate_ends_as_it_says() {
    let cases = [
        (fail("failed"), vec!["failed"], "failed"),
        (fail("undelivered"), vec!["sent", "undelivered"], "undelivered"),
        (Fate::Silent, vec![], "sent"),
    ];
    for (fate, callbacks, end) in cases {
        let server = Server::polite().await;
        let double = signalwire(false).await;
        double.script(ADA, fate);
        text_ada(&double, &server, "Hello").await.unwrap();
        until(end, || double.messages()[0].status == end && server.seen().len() == callbacks.len()).await;
        assert_eq!(server.statuses(), callbacks);
        let code = if end == "sent" { "" } else { "30005" };
        assert_eq!(server.seen().last().map(|seen| seen.field("ErrorCode")).unwrap_or_default(), code);
        double.stop().await;
    }
}

#[tokio::test]
async fn a_callback_is_tried_three_times_and_then_lost() {
    let server = Server::start(|_| (503, "text/plain", String::new())).await;
    let double = signalwire(true).await;
    let got = text_ada(&double, &server, "Hello").await.unwrap();
    let sid = got.json["sid"].as_str().unwrap();
    assert_eq!(double.advance(sid, "sent", None).await.len(), 3);
    server.react(|_| (204, "text/plain", String::new()));
    let answers = double.advance(sid, "delivered", None).await;
    assert!(answers.iter().all(Answer::is_success) && answers.len() == 1);
    assert_eq!(server.statuses(), ["sent", "sent", "sent", "delivered"]);
    assert_eq!(double.deliveries().len(), 2);
}

#[tokio::test]
async fn a_customers_text_is_posted_signed_and_the_answer_must_be_empty_twiml() {
    let server = Server::polite().await;
    let double = signalwire(false).await;
    let hook = format!("{}/inbound", server.url);
    double.set_webhook(OURS, &format!("{hook}#ct=500"));
    let sid = double.customer_texts(ADA, OURS, "Hi there").await;
    let seen = server.seen().remove(0);
    assert!(seen.is_signed_by_signalwire(&hook));
    assert_eq!((seen.field("MessageSid"), seen.field("Body")), (sid.clone(), "Hi there".into()));
    assert_eq!(
        (seen.field("From"), seen.field("To"), seen.field("NumMedia")),
        (ADA.into(), OURS.into(), "0".into())
    );
    assert_eq!(double.complaints(), Vec::<String>::new());
    let answers = [
        (200, "text/plain", "OK"),
        (200, "text/xml", "<Response><Message>Hi</Message></Response>"),
        (200, "text/xml", "<Response>"),
        (503, "text/xml", "<Response/>"),
    ];
    for (status, kind, body) in answers {
        server.react(move |_| (status, kind, body.to_owned()));
        double.customer_texts(ADA, OURS, "Again").await;
    }
    assert_eq!(double.complaints().len(), answers.len());
    server.react(|_| {
        (200, "text/xml; charset=utf-8", "<?xml version=\"1.0\"?>\n<Response></Response>\n".into())
    });
    double.customer_texts(ADA, OURS, "Again").await;
    assert_eq!(double.complaints().len(), answers.len());
}

#[tokio::test]
async fn other_applications_messages_are_listed_but_not_called_back() {
    let server = Server::polite().await;
    let double = signalwire(false).await;
    double.set_webhook(OURS, &server.url);
    double.foreign_send(OURS, ADA, "From elsewhere");
    assert_eq!(bodies(&list(&double, "").await.json), ["From elsewhere"]);
    assert!(server.seen().is_empty() && double.outbound_to(ADA).is_empty());
    for _ in 0..2 {
        send(&double, &[("To", ADA), ("From", OURS), ("Body", "From elsewhere")]).await.unwrap();
    }
    assert_eq!(double.duplicates().len(), 1);
    assert_eq!(double.duplicates()[0].len(), 2);
    let page = double.snapshot();
    assert_eq!(page["conversations"][0]["contact"], ADA);
    assert_eq!(page["conversations"][0]["messages"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_signature_can_go_under_the_compatible_name() {
    let server = Server::polite().await;
    let options = SignalWireOptions { twilio_header: true, ..SignalWireOptions::default() };
    let double = SignalWire::start(options).await.unwrap();
    double.set_webhook(OURS, &server.url);
    double.customer_texts(ADA, OURS, "Hi").await;
    let seen = server.seen().remove(0);
    assert_eq!((seen.header("x-twilio-signature").len(), seen.header("x-signalwire-signature")), (28, ""));
}

#[tokio::test]
async fn a_text_with_files_gets_no_delivery_receipt() {
    let (server, files) = (Server::polite().await, FileHost::start().await);
    let double = signalwire(false).await;
    let cat = files.holds("cat.gif", "image/gif", b"GIF89a".to_vec());
    let fields = [("To", ADA), ("From", OURS), ("MediaUrl", &*cat), ("StatusCallback", &server.url)];
    send(&double, &fields).await.unwrap();
    until("the callback", || !server.seen().is_empty()).await;
    tokio::time::sleep(std::time::Duration::from_millis(80)).await;
    assert_eq!(server.statuses(), ["sent"]);
    assert_eq!(server.seen()[0].field("MediaUrl0"), cat);
}

#[tokio::test]
async fn it_is_known_whose_announcement_was_taken_and_only_so_much_is_remembered() {
    let server = Server::polite().await;
    let options = SignalWireOptions { remembers: Some(4), ..SignalWireOptions::default() };
    let double = SignalWire::start(options).await.unwrap();
    double.set_webhook(OURS, &server.url);
    let mut sids = Vec::new();
    for n in 0..10 {
        if n == 3 {
            double.faults().add(Rule::new(Fault::Lost));
        }
        sids.push(double.customer_texts(ADA, OURS, &n.to_string()).await);
    }
    let taken: Vec<bool> = sids.iter().map(|sid| double.taken_at(sid).is_some()).collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 9);
    assert!(!taken[3]);
    assert!(double.deliveries().len() <= 4);
    assert_eq!(double.deliveries().last().unwrap().about, sids[9]);
}

#[tokio::test]
async fn a_text_can_decide_what_becomes_of_a_message() {
    let double = signalwire(true).await;
    let refused = Fate::RefuseSync { status: 422, code: 21610, message: "Opted out".into() };
    double.script_saying("(to be refused)", refused);
    for (text, status) in [("Hello", 201), ("Hello (to be refused)", 422)] {
        let got = send(&double, &[("To", ADA), ("From", OURS), ("Body", text)]).await.unwrap();
        assert_eq!(got.status, status);
    }
}
