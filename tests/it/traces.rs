//! A message's life is one trace, whichever processes it passes through; the spans hold ids alone.

use crate::PROGRAM;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use twinwire_tests::installation::Installation;
use twinwire_tests::{CUSTOMER, SUPPORT, eventually};

const WORDS: &str = "Confidential";

/// A collector, which keeps what it gets.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/traces", post(Self::take)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (collector, address)
    }

    #[expect(clippy::needless_pass_by_value, reason = "as axum hands them over")]
    fn take(State(collector): State<Self>, headers: HeaderMap, body: Bytes) -> Ready<()> {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        collector.0.lock().unwrap().push(body);
        ready(())
    }

    /// Each span, with the process that it comes from.
    fn spans(&self) -> Vec<(String, Span)> {
        let mut spans = Vec::new();
        for body in self.0.lock().unwrap().iter() {
            for of in ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans {
                let resource = of.resource.unwrap();
                let attribute = |name: &str| {
                    let found = resource.attributes.iter().find(|attribute| attribute.key == name).unwrap();
                    format!("{:?}", found.value)
                };
                assert!(attribute("service.name").contains("twinwire"));
                let process = attribute("service.instance.id");
                let all = of.scope_spans.into_iter().flat_map(|of| of.spans);
                spans.extend(all.map(|span| (process.clone(), span)));
            }
        }
        spans
    }

    /// The spans by trace.
    fn traces(&self) -> BTreeMap<Vec<u8>, Vec<(String, Span)>> {
        let mut traces: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (process, span) in self.spans() {
            traces.entry(span.trace_id.clone()).or_default().push((process, span));
        }
        traces
    }

    fn heard(&self) -> Vec<u8> {
        self.0.lock().unwrap().concat()
    }
}

fn names(spans: &[(String, Span)]) -> BTreeSet<&str> {
    spans.iter().map(|(_, span)| span.name.as_str()).collect()
}

async fn installation(collector: &str) -> Installation {
    let mut installation = Installation::new(PROGRAM).await;
    installation.program = installation.program.with("OTEL_EXPORTER_OTLP_ENDPOINT", collector);
    let server = installation.program.serve_by(&["serve", "--role", "api"]).await;
    installation
        .front
        .set_server_url(&format!("http://{}/v1/install/front_signalwire/authorization", server.address));
    installation.server = Some(server);
    installation.connect().await;
    installation
}

#[tokio::test]
async fn the_spans_of_a_messages_life_are_one_trace_across_processes_and_a_crash() {
    let (collector, address) = Collector::start().await;
    let mut installation = installation(&address).await;
    let elsewhere = installation.program.clone().with("TWINWIRE_LISTEN", "127.0.0.1:0");
    let dying = elsewhere.clone().with("TWINWIRE_CRASH_AT", "after_begin");
    let dying = dying.serve_by(&["serve", "--role", "worker"]).await;
    let order = installation.order(&[CUSTOMER], WORDS);
    installation.insist(&order).await;
    dying.dies().await;
    let worker = elsewhere.serve_by(&["serve", "--role", "worker"]).await;
    installation.settle().await;
    assert_eq!(installation.texts_to(CUSTOMER), [WORDS]);
    eventually("the provider's last word comes", || async {
        let delivered = "select count(*) from messages where provider_status = 'delivered'";
        (installation.count(delivered).await == 1).then_some(())
    })
    .await;
    assert_eq!(worker.stop().await.code, Some(0));
    installation.stop().await;

    let traces = collector.traces();
    assert_eq!(traces.len(), 1, "one message is one trace: {traces:#?}");
    let (_, spans) = traces.first_key_value().unwrap();
    // The call that the dead one had begun was looked up, and then made.
    let expected = ["apply", "call", "callback", "converge", "ingest", "message"];
    assert!(expected.iter().all(|name| names(spans).contains(name)), "{:?}", names(spans));
    let calls = spans.iter().filter(|(_, span)| span.name == "call");
    let calls: Vec<String> = calls.map(|(_, span)| format!("{:?}", span.attributes)).collect();
    for operation in ["look_up", "deliver"] {
        assert!(calls.iter().any(|call| call.contains(operation)), "{operation} is not among {calls:#?}");
    }
    let ids: BTreeSet<_> = spans.iter().map(|(_, span)| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "every span has an id of its own");
}

#[tokio::test]
async fn a_trace_shows_the_way_from_webhook_to_call_and_nothing_private() {
    let (collector, address) = Collector::start().await;
    let mut installation = installation(&address).await;
    let elsewhere = installation.program.clone().with("TWINWIRE_LISTEN", "127.0.0.1:0");
    let worker = elsewhere.serve_by(&["serve", "--role", "worker"]).await;
    let order = installation.order(&[CUSTOMER], WORDS);
    installation.insist(&order).await;
    installation.signalwire.customer_texts(CUSTOMER, SUPPORT, WORDS).await;
    eventually("both arrive", || async {
        let both = "select count(*) from messages where provider_message_id is not null and helpdesk_message_id is not null";
        (installation.count(both).await == 2).then_some(())
    })
    .await;
    installation.settle().await;
    assert_eq!(worker.stop().await.code, Some(0));
    installation.stop().await;

    let traces = collector.traces();
    assert_eq!(traces.len(), 2, "two messages are two traces: {traces:#?}");
    for spans in traces.values() {
        let all = ["apply", "call", "converge", "ingest", "message"];
        assert!(all.iter().all(|name| names(spans).contains(name)), "{:?}", names(spans));
        let processes: BTreeSet<_> = spans.iter().map(|(process, _)| process).collect();
        assert_eq!(processes.len(), 2, "one took the webhook, another made the call");
        let one = |name: &str| &spans.iter().find(|(_, span)| span.name == name).unwrap().1;
        let (whole, call) = (one("message"), one("call"));
        let converge = &spans.iter().find(|(_, span)| span.span_id == call.parent_span_id).unwrap().1;
        assert_eq!((converge.name.as_str(), &converge.parent_span_id), ("converge", &whole.span_id));
        assert!(whole.parent_span_id.is_empty());
        assert_eq!(one("ingest").parent_span_id, whole.span_id);
        assert_eq!(one("apply").parent_span_id, converge.span_id);
        assert!(whole.start_time_unix_nano <= one("call").start_time_unix_nano);
    }
    let heard = collector.heard();
    let answers = twinwire_tests::answers(SUPPORT);
    let secrets = ["token", "project", "signing_key"].map(|name| answers.get(name).unwrap());
    let private = [WORDS, &CUSTOMER[2..], &SUPPORT[2..]].into_iter().chain(secrets);
    for private in private {
        let found = heard.windows(private.len()).any(|window| window == private.as_bytes());
        assert!(!found, "{private:?} was sent to the collector");
    }
}

#[tokio::test]
async fn a_message_that_is_put_aside_without_a_call_ends_there() {
    let (collector, address) = Collector::start().await;
    let mut installation = installation(&address).await;
    let elsewhere = installation.program.clone().with("TWINWIRE_LISTEN", "127.0.0.1:0");
    let worker = elsewhere.serve_by(&["serve", "--role", "worker"]).await;
    installation.signalwire.customer_texts(CUSTOMER, SUPPORT, "STOP").await;
    installation.settle().await;
    let order = installation.order(&[CUSTOMER], WORDS);
    installation.insist(&order).await;
    eventually("it is put aside and the agent is told", || async {
        let told = "select count(*) from messages where parked = 'opted_out' and helpdesk_status = 'failed'";
        (installation.count(told).await == 1).then_some(())
    })
    .await;
    assert_eq!(worker.stop().await.code, Some(0));
    installation.stop().await;
    let traces = collector.traces();
    assert_eq!(traces.len(), 2, "{traces:#?}");
    let whole: Vec<_> = collector.spans().into_iter().filter(|(_, span)| span.name == "message").collect();
    assert_eq!(whole.len(), 2, "each of the two has come to its end once: {whole:#?}");
    let failed = whole.iter().filter(|(_, span)| span.status.as_ref().is_some_and(|status| status.code == 2));
    assert_eq!(failed.count(), 1, "{whole:#?}");
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_no_message_and_is_told_of_once() {
    let mut installation = Installation::new(PROGRAM).await;
    installation.program = installation
        .program
        .with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
        .with("TWINWIRE_LOG", "info");
    installation.start().await;
    installation.connect().await;
    for text in ["One", "Two"] {
        let order = installation.order(&[CUSTOMER], text);
        installation.insist(&order).await;
        installation.settle().await;
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    }
    assert_eq!(installation.texts_to(CUSTOMER), ["One", "Two"]);
    let ran = installation.take_server().stop().await;
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.stderr.matches("traces cannot be sent").count(), 1, "{}", ran.stderr);
}
