//! Spans out to an OpenTelemetry collector, over OTLP/HTTP. Off unless the environment names one.
//!
//! The engine says what to trace ([`twinwire_engine::trace`]); nothing else gets out, no log line and no library's span.

use anyhow::Context;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use twinwire_engine::Engine;
use twinwire_engine::trace::{Kind, Span, Spans};

/// What names a collector, for traces or for everything.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Spans that may wait. More are left out: a collector that hangs must not cost memory, and never a message.
const MOST_WAITING: usize = 4096;
/// Spans in one request.
const AT_ONCE: usize = 512;
/// How often they are sent.
const EVERY: Duration = Duration::from_secs(2);
/// How long the last ones may take when the server stops.
const PATIENCE: Duration = Duration::from_secs(5);

/// Spans on their way out.
pub(crate) struct Traces {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

struct Queue {
    spans: Sender<SpanData>,
    scope: InstrumentationScope,
    left_out: Arc<AtomicU64>,
}

impl Spans for Queue {
    fn ended(&self, span: Span) {
        if self.spans.try_send(data(span, self.scope.clone())).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Begins to trace, if the environment names a collector.
///
/// # Errors
/// When what it names is no address.
pub(crate) fn start(engine: &Engine) -> anyhow::Result<Option<Traces>> {
    let named = |name: &str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let Some(variable) = ENDPOINTS.into_iter().find(|name| named(name)) else { return Ok(None) };
    if std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let client = reqwest::Client::builder().build()?;
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .build()
        .with_context(|| format!("traces cannot be sent to where {variable} says"))?;
    let resource = Resource::builder();
    let resource = if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource.with_service_name("twinwire")
    } else {
        resource
    };
    // Which process it was.
    let instance = KeyValue::new("service.instance.id", engine.owner().to_owned());
    exporter.set_resource(&resource.with_attribute(instance).build());
    let (spans, waiting) = mpsc::channel(MOST_WAITING);
    let (stop, left_out) = (CancellationToken::new(), Arc::<AtomicU64>::default());
    let scope = InstrumentationScope::builder("twinwire").with_version(env!("CARGO_PKG_VERSION")).build();
    engine.trace_to(Arc::new(Queue { spans, scope, left_out: left_out.clone() }));
    tracing::info!("traces are sent to the collector of {variable}");
    let task = tokio::spawn(send(exporter, waiting, left_out, stop.clone()));
    Ok(Some(Traces { task, stop }))
}

impl Traces {
    /// Sends what waits, and ends.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, self.task).await.is_err() {
            tracing::warn!("the last traces could not be sent in time");
        }
    }
}

async fn send(
    exporter: SpanExporter,
    mut waiting: Receiver<SpanData>,
    left_out: Arc<AtomicU64>,
    stop: CancellationToken,
) {
    let mut works = true;
    loop {
        let over = stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none();
        loop {
            let batch: Vec<SpanData> = std::iter::from_fn(|| waiting.try_recv().ok()).take(AT_ONCE).collect();
            if batch.is_empty() {
                break;
            }
            let spans = batch.len();
            let sent = exporter.export(batch).await;
            match &sent {
                Ok(()) if !works => tracing::info!("traces can be sent again"),
                Ok(()) => {}
                // Once, not every two seconds.
                Err(error) if works => {
                    tracing::warn!(%error, spans, "traces cannot be sent and are left out");
                }
                Err(error) => tracing::debug!(%error, spans, "traces cannot be sent and are left out"),
            }
            works = sent.is_ok();
        }
        let missed = left_out.swap(0, Ordering::Relaxed);
        if missed > 0 {
            tracing::warn!(spans = missed, "traces were left out: the collector is too slow");
        }
        if over {
            return;
        }
    }
}

fn data(span: Span, instrumentation_scope: InstrumentationScope) -> SpanData {
    let context = SpanContext::new(
        TraceId::from_bytes(span.trace),
        SpanId::from_bytes(span.id),
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    SpanData {
        span_context: context,
        parent_span_id: span.parent.map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote: false,
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Internal => SpanKind::Internal,
        },
        name: span.name.into(),
        start_time: span.began,
        end_time: span.ended,
        attributes: span.attributes.into_iter().map(|(name, word)| KeyValue::new(name, word)).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if span.failed { Status::error("") } else { Status::Unset },
        instrumentation_scope,
    }
}
