//! Every metric, with what it says. docs/OPERATIONS.md, the dashboard and the alerts name them; a test compares.

/// How a metric is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, as this process counts.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How long something took, parts of a second usually.
    Short,
    /// How long something took that may wait for hours.
    Long,
}

pub(super) const RECEIVED: &str = "twinwire_webhooks_received_total";
pub(super) const REFUSED: &str = "twinwire_webhooks_refused_total";
pub(super) const UNVERIFIED: &str = "twinwire_webhooks_unverified_total";
pub(super) const INGEST: &str = "twinwire_ingest_seconds";
pub(super) const LAG: &str = "twinwire_delivery_lag_seconds";
pub(super) const CALLS: &str = "twinwire_calls_total";
pub(super) const CALL: &str = "twinwire_call_seconds";
pub(super) const DELIVERED: &str = "twinwire_messages_delivered_total";
pub(super) const FAILED: &str = "twinwire_messages_failed_total";
pub(super) const PARKED_TOTAL: &str = "twinwire_messages_parked_total";
pub(super) const READINGS: &str = "twinwire_readings_total";
pub(super) const PROCESS_INFO: &str = "twinwire_process_info";
pub(super) const LEASES: &str = "twinwire_leases_held";
pub(super) const LOOKED: &str = "twinwire_worker_look_timestamp_seconds";
pub(super) const CONNECTIONS: &str = "twinwire_database_connections";
pub(super) const MOST_CONNECTIONS: &str = "twinwire_database_connections_max";
pub(super) const AWAY: &str = "twinwire_vendors_away";
pub(super) const DATABASE_UP: &str = "twinwire_database_up";
pub(super) const PENDING: &str = "twinwire_messages_pending";
pub(super) const OLDEST_DUE: &str = "twinwire_messages_oldest_due_seconds";
pub(super) const OLDEST_PENDING: &str = "twinwire_messages_oldest_pending_seconds";
pub(super) const PARKED: &str = "twinwire_messages_parked";
pub(super) const RESTING: &str = "twinwire_accounts_resting";
pub(super) const OPEN: &str = "twinwire_readings_open";
pub(super) const POLL_LAG: &str = "twinwire_poll_lag_seconds";
pub(super) const CHANNELS: &str = "twinwire_channels";
pub(super) const LOG_ONLY: &str = "twinwire_accounts_log_only";
pub(super) const ENDPOINTS: &str = "twinwire_endpoints";
pub(super) const OLDEST_EVENT: &str = "twinwire_events_oldest_due_seconds";
pub(super) const JOBS_FAILED: &str = "twinwire_jobs_failed";
pub(super) const JOBS_STUCK: &str = "twinwire_jobs_stuck";

/// Name, kind, meaning.
pub const ALL: &[(&str, Kind, &str)] = &[
    (RECEIVED, Kind::Counter, "Webhooks taken, by connector and event"),
    (REFUSED, Kind::Counter, "Webhooks refused, by connector, hook and reason"),
    (UNVERIFIED, Kind::Counter, "Webhooks taken without being verified, by connector and reason"),
    (INGEST, Kind::Short, "From a webhook to its commit"),
    (LAG, Kind::Long, "From when a message was first seen to the first call that delivers it"),
    (CALLS, Kind::Counter, "Calls to vendors, by connector, operation and outcome"),
    (CALL, Kind::Short, "How long a call took"),
    (DELIVERED, Kind::Counter, "Messages delivered, by the connector that took them"),
    (FAILED, Kind::Counter, "Agents' messages that did not arrive, by reason and how the agent was told"),
    (PARKED_TOTAL, Kind::Counter, "Messages put aside, by reason"),
    (READINGS, Kind::Counter, "Readings of providers' lists that ended, by kind and outcome"),
    (PROCESS_INFO, Kind::Gauge, "1, with the version and the role of the process"),
    (LEASES, Kind::Gauge, "Channels that this process works"),
    (LOOKED, Kind::Gauge, "When this process last looked for work, in Unix time"),
    (CONNECTIONS, Kind::Gauge, "Connections to the database, used and idle"),
    (MOST_CONNECTIONS, Kind::Gauge, "Most connections to the database"),
    (AWAY, Kind::Gauge, "Accounts whose vendor answers nobody, as this process sees it"),
    (DATABASE_UP, Kind::Gauge, "1 if the database answers, else 0"),
    (PENDING, Kind::Gauge, "Messages of active channels with something to do"),
    (
        OLDEST_DUE,
        Kind::Gauge,
        "How long the message has been due that has been due longest and could be worked",
    ),
    (OLDEST_PENDING, Kind::Gauge, "How long ago the oldest message was first seen that has something to do"),
    (PARKED, Kind::Gauge, "Messages put aside, by reason; those that were too old left out"),
    (RESTING, Kind::Gauge, "Accounts that rest since a call was refused, by connector"),
    (OPEN, Kind::Gauge, "Readings of providers' lists that wait or run, by kind"),
    (
        POLL_LAG,
        Kind::Gauge,
        "How far behind the reading of a provider's list is, by connector; its worst account",
    ),
    (CHANNELS, Kind::Gauge, "Channels, by state"),
    (LOG_ONLY, Kind::Gauge, "Accounts whose webhooks need not be signed, by connector"),
    (ENDPOINTS, Kind::Gauge, "Endpoints of other programs, by state; active ones that rest are resting"),
    (
        OLDEST_EVENT,
        Kind::Gauge,
        "How long the event for another program has been due that has been due longest; of endpoints that do not rest",
    ),
    (JOBS_FAILED, Kind::Gauge, "Jobs that failed in the last day, by kind"),
    (JOBS_STUCK, Kind::Gauge, "Jobs that wait or run and have not moved for an hour, by kind"),
];
