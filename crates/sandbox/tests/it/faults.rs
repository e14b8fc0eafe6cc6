//! Every kind of misbehaviour does what it says.

use std::time::{Duration, Instant};

use twinwire_sandbox::{Fault, Faults, Operation, Rule, SignalWire, SignalWireOptions};

use crate::support::*;

const SOON: Duration = Duration::from_millis(150);

fn refusal() -> Fault {
    Fault::Refuse { status: 422, code: 21614, message: "Not a mobile number".into() }
}

/// The fault, the status that the client sees, and whether the message was accepted all the same.
fn answer_faults() -> Vec<(Fault, Option<u16>, bool)> {
    vec![
        (Fault::TooManyRequests { retry_after_secs: 3 }, Some(429), false),
        (Fault::ServerErrorBefore(503), Some(503), false),
        (Fault::ServerErrorAfter(500), Some(500), true),
        (Fault::TimeoutBefore(SOON), None, false),
        (Fault::TimeoutAfter(SOON), None, true),
        (Fault::ResetAfter, None, true),
        (refusal(), Some(422), false),
        (Fault::Unauthorized, Some(401), false),
        (Fault::Forbidden, Some(403), false),
    ]
}

#[tokio::test]
async fn answers_of_signalwire_go_wrong_as_told() {
    let server = Server::polite().await;
    for (fault, status, accepted) in answer_faults() {
        let double = signalwire(true).await;
        double.faults().add(Rule::new(fault.clone()));
        let began = Instant::now();
        let got = text_ada(&double, &server, "Hello").await;
        assert_eq!(got.as_ref().map(|got| got.status), status, "{fault:?}");
        assert_eq!(double.messages().len(), usize::from(accepted), "{fault:?}");
        let slow = matches!(fault, Fault::TimeoutBefore(_) | Fault::TimeoutAfter(_));
        // Not the other way round: a machine may be slow where the double is not.
        assert!(!slow || began.elapsed() >= SOON, "{fault:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "{fault:?}");
        let log = double.requests();
        assert_eq!((log[0].status, log[0].fault.as_ref()), (status, Some(&fault)));
        if let Fault::TooManyRequests { .. } = fault {
            assert_eq!(got.unwrap().headers["retry-after"], "3");
        }
        assert_eq!(text_ada(&double, &server, "Hello").await.unwrap().status, 201, "after {fault:?}");
        double.stop().await;
    }
}

#[tokio::test]
async fn answers_of_front_go_wrong_as_told() {
    let server = Server::polite().await;
    for (fault, status, accepted) in answer_faults() {
        let (front, channel) = front(&server).await;
        front.faults().add(Rule::new(fault.clone()).on(Operation::SyncInbound).with(ADA).saying("ell"));
        let got = sync_inbound(&front, &channel.id, "a", "Hello").await;
        assert_eq!(got.as_ref().map(|got| got.status), status, "{fault:?}");
        assert!(got.is_none_or(|got| got.json["_error"]["message"].is_string()));
        assert_eq!(front.all_messages(&channel.id).len(), usize::from(accepted), "{fault:?}");
        front.stop().await;
    }
}

#[tokio::test]
async fn a_garbage_answer_hides_an_accepted_message() {
    let server = Server::polite().await;
    let double = signalwire(true).await;
    double.faults().add(Rule::new(Fault::GarbageAnswer));
    let got = text_ada(&double, &server, "Hello").await.unwrap();
    assert_eq!((got.status, got.text.starts_with("<html>")), (201, true));
    assert_eq!(double.messages().len(), 1);
}

#[tokio::test]
async fn rules_wait_for_the_request_they_name() {
    let server = Server::polite().await;
    let double = signalwire(true).await;
    let rule = Rule::new(Fault::ServerErrorBefore(500)).on(Operation::SendMessage);
    double.faults().add(rule.clone().with("+15550100008"));
    double.faults().add(rule.saying("twice").times(2));
    assert_eq!(list(&double, "").await.status, 200);
    let mut statuses = Vec::new();
    for text in ["once", "twice", "twice", "twice"] {
        statuses.push(text_ada(&double, &server, text).await.unwrap().status);
    }
    assert_eq!(statuses, [201, 500, 500, 201]);
    assert_eq!((double.faults().waiting(), double.faults().struck().len()), (1, 2));
    double.faults().clear();
    assert_eq!(double.faults().waiting(), 0);
}

#[tokio::test]
async fn callbacks_come_twice_late_reordered_early_or_never() {
    let cases: [(Fault, &[&str]); 5] = [
        (Fault::Duplicate(2), &["sent", "sent", "sent", "delivered"]),
        (Fault::Delay(Duration::from_millis(300)), &["delivered", "sent"]),
        (Fault::Reordered, &["delivered", "sent"]),
        (Fault::Early, &["sent", "delivered"]),
        (Fault::Lost, &["delivered"]),
    ];
    for (fault, expected) in cases {
        let server = Server::polite().await;
        let double = signalwire(false).await;
        double.faults().add(Rule::new(fault.clone()).on(Operation::StatusCallback));
        text_ada(&double, &server, "Hello").await.unwrap();
        assert_eq!(server.statuses().is_empty(), fault != Fault::Early, "{fault:?}");
        until("all callbacks", || server.statuses().len() >= expected.len()).await;
        assert_eq!(server.statuses(), expected, "{fault:?}");
        assert_eq!(double.messages()[0].status, "delivered");
        double.stop().await;
    }
}

#[tokio::test]
async fn a_callback_held_for_the_next_one_goes_out_alone_when_none_comes() {
    let server = Server::polite().await;
    let double = signalwire(true).await;
    let got = text_ada(&double, &server, "Hello").await.unwrap();
    double.faults().add(Rule::new(Fault::Reordered));
    assert!(double.advance(got.json["sid"].as_str().unwrap(), "sent", None).await.is_empty());
    until("the held callback", || server.statuses() == ["sent"]).await;
}

#[tokio::test]
async fn notices_of_front_come_twice_early_or_never() {
    let cases = [(Fault::Duplicate(1), 2), (Fault::Lost, 0), (Fault::Early, 1)];
    for (fault, expected) in cases {
        let server = Server::polite().await;
        let (front, channel) = front(&server).await;
        front.faults().add(Rule::new(fault.clone()).on(Operation::MessageImported));
        sync_inbound(&front, &channel.id, "a", "Hello").await.unwrap();
        let arrived = server.of_type("message_imported").len();
        assert_eq!(arrived, usize::from(fault == Fault::Early), "{fault:?}");
        until("the delivery", || {
            front.deliveries().iter().map(|d| d.answers.len()).sum::<usize>() >= expected
        })
        .await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(server.of_type("message_imported").len(), expected, "{fault:?}");
    }
}

#[tokio::test]
async fn an_agents_message_can_reach_the_server_twice_or_never() {
    let server = Server::polite().await;
    let (front, channel) = front(&server).await;
    front.faults().add(Rule::new(Fault::Duplicate(1)).on(Operation::AgentMessage));
    front.faults().add(Rule::new(Fault::Lost).on(Operation::AgentMessage));
    assert_eq!(front.agent_writes(&channel.id, &[ADA], "Twice").await.unwrap().message.error, None);
    assert!(front.agent_writes(&channel.id, &[ADA], "Never").await.unwrap().message.error.is_some());
    assert_eq!(server.of_type("message").len(), 2);
}

#[tokio::test]
async fn a_text_can_be_lost_on_the_way_and_be_late_in_the_list() {
    // Longer than a busy machine takes for the requests before.
    let late = Duration::from_millis(700);
    let server = Server::polite().await;
    let double = signalwire(false).await;
    double.set_webhook(OURS, &server.url);
    double.faults().add(Rule::new(Fault::Lost).on(Operation::InboundWebhook));
    double.faults().add(Rule::new(Fault::DelayedVisibility(late)));
    let sid = double.customer_texts(ADA, OURS, "Hi").await;
    assert!(server.seen().is_empty());
    assert_eq!(bodies(&list(&double, "").await.json), Vec::<String>::new());
    let url = format!("{}/{sid}", messages_url(&double));
    assert_eq!(call("GET", &url, &basic(&double), "text/plain", "").await.unwrap().status, 200);
    tokio::time::sleep(late).await;
    assert_eq!(bodies(&list(&double, "").await.json), ["Hi"]);
}

#[tokio::test]
async fn chance_repeats_itself_with_the_same_seed() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let faults = Faults::random_among(
            seed,
            0.5,
            vec![
                Fault::ServerErrorAfter(500),
                Fault::Forbidden,
                Fault::TooManyRequests { retry_after_secs: 1 },
            ],
        );
        let options = SignalWireOptions { faults, manual: true, ..SignalWireOptions::default() };
        let double = SignalWire::start(options).await.unwrap();
        double.add_number(OURS);
        let mut statuses = Vec::new();
        for _ in 0..24 {
            statuses.push(send(&double, &[("To", ADA), ("From", OURS), ("Body", "x")]).await.unwrap().status);
        }
        for status in [201, 500, 403, 429] {
            assert!(statuses.contains(&status), "{status} in {statuses:?}");
        }
        runs.push(statuses);
        double.stop().await;
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn every_kind_can_be_drawn_by_chance_and_the_doubles_live_through_it() {
    let server = Server::polite().await;
    let options = SignalWireOptions { faults: Faults::random(1, 0.6), ..SignalWireOptions::default() };
    let double = SignalWire::start(options).await.unwrap();
    double.set_webhook(OURS, &server.url);
    for n in 0..12 {
        let text = n.to_string();
        tokio::join!(text_ada(&double, &server, &text), double.customer_texts(ADA, OURS, &text));
    }
    assert!(double.faults().struck().len() > 5);
    double.faults().clear();
    assert_eq!(list(&double, "").await.status, 200);
    double.stop().await;
}

#[tokio::test]
async fn stopping_ends_requests_that_hang_and_frees_the_port() {
    let server = Server::polite().await;
    let double = signalwire(false).await;
    double.faults().add(Rule::new(Fault::TimeoutAfter(Duration::from_secs(60))));
    let mut watch = double.subscribe();
    let client = tokio::spawn({
        let (double, server) = (double.clone(), server.clone());
        async move { text_ada(&double, &server, "Hello").await.map(|got| got.status) }
    });
    until("accepted", || double.messages().len() == 1).await;
    tokio::time::timeout(Duration::from_secs(2), double.stop()).await.unwrap();
    assert_eq!(client.await.unwrap(), None);
    assert_eq!(watch.recv().await.unwrap().kind, "message");
    let address = double.url().replace("http://", "");
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn an_outage_meets_everybody_until_it_is_over() {
    let double = signalwire(true).await;
    double.faults().outage(Some(Fault::ServerErrorBefore(503)));
    for _ in 0..2 {
        assert_eq!(list(&double, "").await.status, 503);
    }
    double.faults().outage(Some(Fault::ResetBefore));
    assert!(send(&double, &[("To", ADA), ("From", OURS), ("Body", "x")]).await.is_none());
    double.faults().outage(None);
    assert_eq!(list(&double, "").await.status, 200);
    assert_eq!((double.messages().len(), double.faults().struck_count()), (0, 3));
}

#[tokio::test]
async fn a_shut_door_refuses_connections_and_opens_again_in_the_same_place() {
    let double = signalwire(true).await;
    let address = double.url().replace("http://", "");
    double.shut(true);
    let mut refused = false;
    for _ in 0..100 {
        refused |= tokio::net::TcpStream::connect(&address).await.is_err();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused);
    double.shut(false);
    let mut open = false;
    for _ in 0..100 {
        open |= tokio::net::TcpStream::connect(&address).await.is_ok();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(open);
    assert_eq!(list(&double, "").await.status, 200);
}

#[tokio::test]
async fn what_was_accepted_takes_its_course_although_the_sender_hangs_up() {
    let server = Server::polite().await;
    let double = signalwire(false).await;
    double.faults().add(Rule::new(Fault::Early).on(Operation::StatusCallback));
    let asking = tokio::spawn({
        let (double, server) = (double.clone(), server.clone());
        async move { text_ada(&double, &server, "Hello").await.map(|got| got.status) }
    });
    until("accepted", || double.messages().len() == 1).await;
    asking.abort();
    until("delivered", || double.messages()[0].status == "delivered").await;
}
