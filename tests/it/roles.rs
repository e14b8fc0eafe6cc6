//! A server in parts: some take webhooks, others work.

use crate::PROGRAM;
use std::time::Duration;
use twinwire_tests::installation::Installation;
use twinwire_tests::process::{Serving, lasting_address};
use twinwire_tests::{CUSTOMER, SUPPORT, eventually, never_within};

async fn api(installation: &mut Installation) {
    let server = installation.program.serve_by(&["serve", "--role", "api"]).await;
    installation
        .front
        .set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", server.address));
    installation.server = Some(server);
}

async fn worker(installation: &Installation) -> Serving {
    let elsewhere = installation.program.clone().with("TWINWIRE_LISTEN", "127.0.0.1:0");
    elsewhere.serve_by(&["serve", "--role", "worker"]).await
}

async fn status(server: &Serving, path: &str) -> u16 {
    let asked = reqwest::Client::new().post(format!("http://{}{path}", server.address)).send().await;
    asked.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_message_goes_through_two_processes_and_either_alone_does_its_part_only() {
    let mut installation = Installation::new(PROGRAM).await;
    api(&mut installation).await;
    installation.connect().await;
    let order = installation.order(&[CUSTOMER], "Hello");
    installation.insist(&order).await;
    never_within(Duration::from_secs(3), "an api alone sends nothing", || async {
        !installation.texts_to(CUSTOMER).is_empty()
    })
    .await;
    assert_eq!(installation.count("select count(*) from backfills").await, 0, "and asks for no readings");

    let worker = worker(&installation).await;
    installation.settle().await;
    assert_eq!(installation.texts_to(CUSTOMER), ["Hello"]);
    installation.signalwire.customer_texts(CUSTOMER, SUPPORT, "Hello yourself").await;
    eventually("the customer's text is taken", || async {
        (installation.count("select count(*) from messages where direction = 'inbound'").await == 1)
            .then_some(())
    })
    .await;
    installation.settle().await;
    assert_eq!(installation.texts_from(CUSTOMER), ["Hello yourself"]);

    let channel = installation.channel();
    for path in [
        format!("/v1/hooks/signalwire/{channel}/inbound"),
        format!("/v1/install/front_signalwire/message/{channel}"),
        format!("/v1/admin/channels/{channel}/backfill"),
    ] {
        assert_eq!(status(&worker, &path).await, 404, "{path}");
        assert_eq!(status(installation.server.as_ref().unwrap(), &path).await, 401, "{path}");
    }
    for path in ["healthz", "statusz"] {
        let answer = reqwest::get(format!("http://{}/{path}", worker.address)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    assert_eq!(worker.stop().await.code, Some(0));
    installation.stop().await;
}

#[tokio::test]
async fn several_of_each_share_the_work_and_one_may_die() {
    let mut installation = Installation::new(PROGRAM).await;
    api(&mut installation).await;
    let (first, second) = (worker(&installation).await, worker(&installation).await);
    installation.connect().await;
    let port = lasting_address().to_string();
    let other_api = installation.program.clone().with("TWINWIRE_LISTEN", port);
    let other_api = other_api.serve_by(&["serve", "--role", "api"]).await;
    for n in 0..6 {
        let order = installation.order(&[CUSTOMER], &format!("Number {n}"));
        installation.insist(&order).await;
    }
    first.kill().await;
    installation.take_server().kill().await;
    installation
        .front
        .set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", other_api.address));
    installation.server = Some(other_api);
    installation.settle().await;
    let expected: Vec<String> = (0..6).map(|n| format!("Number {n}")).collect();
    assert_eq!(installation.texts_to(CUSTOMER), expected);
    installation.assert_nothing_doubled();
    assert_eq!(second.stop().await.code, Some(0));
    installation.stop().await;
}
