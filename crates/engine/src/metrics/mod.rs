//! What an operator's Prometheus reads at `/metrics`: what this process did, and how the installation stands.
//!
//! * [`names`] — every metric, with what it says.
//! * [`vitals`] — how the installation stands, asked of the database at most every few seconds.
//!
//! Every engine has a recorder of its own, so that several may run in one process. Labels are words of ours or of a
//! connector, never ids of people, channels or messages.

pub mod names;
mod vitals;

pub(crate) use vitals::Last;

use crate::{Connectors, Engine};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use names::Kind;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use twinwire_core::connector::Unverified;
use twinwire_core::model::{Parked, Told};
use twinwire_core::outcome::{Outcome, RefusalKind};

/// Upper ends of what takes parts of a second: a request, a call.
const SHORT: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper ends of what may wait for a vendor: from a webhook to the call.
const LONG: [f64; 13] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0];
/// Different events of one connector that are told apart; a vendor's words are not ours to bound.
const MOST_EVENTS: usize = 24;
/// The reason of what the provider took and did not deliver.
const AT_PROVIDER: &str = "at_provider";
/// Why a webhook may be taken that is not verified.
const LET_THROUGH: [Unverified; 4] =
    [Unverified::Missing, Unverified::Invalid, Unverified::Stale, Unverified::NoKey];
/// The label of what is not told apart.
const OTHER: &str = "other";

/// The metrics of an engine.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    events: Mutex<BTreeSet<(&'static str, String)>>,
    /// How the installation stood when it was last asked.
    pub(crate) last: Last,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut builder = PrometheusBuilder::new();
        for (name, kind, _) in names::ALL {
            let ends: &[f64] = match kind {
                Kind::Short => &SHORT,
                Kind::Long => &LONG,
                Kind::Counter | Kind::Gauge => continue,
            };
            // Refused for no ends at all, and there are some.
            if let Ok(with) = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), ends) {
                builder = with;
            } else {
                builder = PrometheusBuilder::new();
            }
        }
        let recorder = builder.build_recorder();
        let metrics =
            Self { handle: recorder.handle(), recorder, events: Mutex::default(), last: Last::default() };
        metrics.record(describe);
        metrics
    }
}

/// Says of each metric what it is, and begins with zero where the labels are known: what is not there cannot rise.
fn describe() {
    for (name, kind, meaning) in names::ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *meaning),
            Kind::Gauge => metrics::describe_gauge!(*name, *meaning),
            Kind::Short | Kind::Long => metrics::describe_histogram!(*name, *meaning),
        }
    }
    for why in REASONS {
        counter!(names::PARKED_TOTAL, "reason" => parked(why)).absolute(0);
    }
    for reason in REASONS.into_iter().map(parked).chain([AT_PROVIDER]) {
        for told in ["failed", "noted", "untold"] {
            counter!(names::FAILED, "reason" => reason, "told" => told).absolute(0);
        }
    }
    for kind in ["poll", "incremental", "full"] {
        for outcome in ["done", "failed"] {
            counter!(names::READINGS, "kind" => kind, "outcome" => outcome).absolute(0);
        }
    }
}

impl Metrics {
    fn record<T>(&self, emit: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(&self.recorder, emit)
    }

    /// Folds what was observed since: without a reader it would grow.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Begins with zero what connectors may be counted for.
    pub(crate) fn begin(&self, connectors: Connectors) {
        let mut kinds = Vec::new();
        for connector in connectors.0 {
            kinds.extend(LET_THROUGH.map(|reason| (connector.name(), reason.to_string())));
        }
        self.record(|| {
            for (connector, reason) in kinds {
                counter!(names::UNVERIFIED, "connector" => connector, "reason" => reason).absolute(0);
            }
        });
    }

    /// What this process is.
    pub fn is(&self, role: &'static str) {
        let version = env!("CARGO_PKG_VERSION");
        self.record(|| gauge!(names::PROCESS_INFO, "version" => version, "role" => role).set(1.0));
    }

    /// A webhook was taken.
    pub(crate) fn webhook_taken(&self, connector: &'static str, event: &str, took: Duration) {
        let event = self.event(connector, event);
        self.record(|| {
            counter!(names::RECEIVED, "connector" => connector, "event" => event).increment(1);
            histogram!(names::INGEST, "connector" => connector).record(took);
        });
    }

    /// A webhook was refused. `hook` and `reason` are words of ours.
    pub fn webhook_refused(&self, connector: &str, hook: &str, reason: &str) {
        let labels = [("connector", connector), ("hook", hook), ("reason", reason)]
            .map(|(name, word)| (name, word.to_owned()));
        self.record(|| counter!(names::REFUSED, &labels).increment(1));
    }

    /// A webhook was taken that nobody knows to be genuine.
    pub(crate) fn webhook_unverified(&self, connector: &str, reason: &str) {
        let (connector, reason) = (connector.to_owned(), reason.to_owned());
        self.record(|| {
            counter!(names::UNVERIFIED, "connector" => connector, "reason" => reason).increment(1);
        });
    }

    /// A call was made, or could not be.
    pub(crate) fn called(
        &self,
        connector: &'static str,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        self.record(|| {
            counter!(names::CALLS, "connector" => connector, "operation" => operation, "outcome" => outcome)
                .increment(1);
            histogram!(names::CALL, "connector" => connector, "operation" => operation).record(took);
        });
    }

    /// The first call for a message begins, so long after it was first seen.
    pub(crate) fn first_call(&self, connector: &'static str, after: Duration) {
        self.record(|| histogram!(names::LAG, "connector" => connector).record(after));
    }

    /// A message has arrived at its destination.
    pub(crate) fn delivered(&self, connector: &'static str) {
        self.record(|| counter!(names::DELIVERED, "connector" => connector).increment(1));
    }

    /// A message was put aside.
    pub(crate) fn put_aside(&self, why: Parked) {
        self.record(|| counter!(names::PARKED_TOTAL, "reason" => parked(why)).increment(1));
    }

    /// The agent was told that a message did not arrive, or could not be told.
    pub(crate) fn failed(&self, why: Option<Parked>, told: Told) {
        let told = match told {
            Told::StatusRefused => return,
            Told::Failed => "failed",
            Told::Noted => "noted",
            Told::Untold => "untold",
        };
        let reason = why.map_or(AT_PROVIDER, parked);
        self.record(|| counter!(names::FAILED, "reason" => reason, "told" => told).increment(1));
    }

    /// A reading of a provider's list has ended.
    pub(crate) fn read(&self, kind: &'static str, failed: bool) {
        let outcome = if failed { "failed" } else { "done" };
        self.record(|| counter!(names::READINGS, "kind" => kind, "outcome" => outcome).increment(1));
    }

    /// The dispatcher has looked for work, and works that many channels.
    pub(crate) fn looked(&self, channels: usize) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.record(|| {
            gauge!(names::LOOKED).set(now.as_secs_f64());
            gauge!(names::LEASES).set(float(channels));
        });
    }

    /// A vendor's word for an event, as far as words are bounded: letters alone, and only so many.
    fn event(&self, connector: &'static str, event: &str) -> String {
        let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
        if event.is_empty() || event.len() > 32 || !event.chars().all(is_word) {
            return OTHER.to_owned();
        }
        let mut known = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (connector, event.to_owned());
        let few = known.iter().filter(|(of, _)| *of == connector).count() < MOST_EVENTS;
        if known.contains(&key) || few {
            known.insert(key);
            return event.to_owned();
        }
        OTHER.to_owned()
    }
}

/// Everything, in Prometheus's text format.
pub async fn render(engine: &Engine) -> String {
    let answer = vitals::fresh(engine).await;
    let metrics = engine.metrics();
    metrics.record(|| {
        vitals::show(engine, &answer);
        let pool = engine.pool();
        let (all, idle) = (pool.size(), u32::try_from(pool.num_idle()).unwrap_or(u32::MAX));
        gauge!(names::CONNECTIONS, "state" => "idle").set(f64::from(idle));
        gauge!(names::CONNECTIONS, "state" => "used").set(f64::from(all.saturating_sub(idle)));
        gauge!(names::MOST_CONNECTIONS).set(f64::from(pool.options().get_max_connections()));
        gauge!(names::AWAY).set(float(engine.health().resting(engine.now())));
    });
    metrics.handle.render()
}

/// Every reason for which a message is put aside.
const REASONS: [Parked; 6] = [
    Parked::Refused,
    Parked::OptedOut,
    Parked::TooOld,
    Parked::GaveUp,
    Parked::Uncertain,
    Parked::Incomplete,
];

fn parked(why: Parked) -> &'static str {
    match why {
        Parked::Refused => "refused",
        Parked::OptedOut => "opted_out",
        Parked::TooOld => "too_old",
        Parked::GaveUp => "gave_up",
        Parked::Uncertain => "uncertain",
        Parked::Incomplete => "incomplete",
    }
}

/// What came of a call, in a word.
pub(crate) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Unknown(_) => "unknown",
        Outcome::Refused(refusal) => match refusal.kind {
            RefusalKind::Permanent => "refused",
            RefusalKind::OptedOut => "opted_out",
            RefusalKind::Later => "later",
            RefusalKind::Throttled(_) => "throttled",
            RefusalKind::Credentials => "credentials",
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of what a process has are small")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_words_do_not_become_labels_without_end() {
        let metrics = Metrics::default();
        for n in 0..100_u8 {
            let word: String = [b'a' + n / 10, b'a' + n % 10].map(char::from).iter().collect();
            metrics.webhook_taken("front", &word, Duration::from_millis(3));
        }
        for odd in ["+12025550147", "Message", "", &"x".repeat(33)] {
            metrics.webhook_taken("front", odd, Duration::from_millis(3));
        }
        metrics.webhook_taken("signalwire", "inbound", Duration::from_millis(3));
        let text = metrics.handle.render();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(names::RECEIVED)).collect();
        assert_eq!(lines.len(), MOST_EVENTS + 2, "{lines:#?}");
        assert!(lines.contains(&"twinwire_webhooks_received_total{connector=\"front\",event=\"other\"} 80"));
        assert!(!text.contains("2025550147"));
    }

    #[test]
    fn histograms_have_the_buckets_of_their_kind() {
        let metrics = Metrics::default();
        metrics.first_call("signalwire", Duration::from_secs(40));
        metrics.called("signalwire", "deliver", "done", Duration::from_millis(40));
        let text = metrics.handle.render();
        for line in [
            "twinwire_delivery_lag_seconds_bucket{connector=\"signalwire\",le=\"15\"} 0",
            "twinwire_delivery_lag_seconds_bucket{connector=\"signalwire\",le=\"60\"} 1",
            "twinwire_call_seconds_bucket{connector=\"signalwire\",operation=\"deliver\",le=\"0.05\"} 1",
            "twinwire_messages_parked_total{reason=\"uncertain\"} 0",
            // What begins with one has not risen, as Prometheus sees it.
            "twinwire_messages_failed_total{reason=\"refused\",told=\"untold\"} 0",
            "twinwire_messages_failed_total{reason=\"at_provider\",told=\"noted\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in {text}");
        }
    }
}
