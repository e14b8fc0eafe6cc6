//! How the installation does, at a glance.

use super::auth::{May, Read};
use super::problem::Answer;
use crate::App;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_engine::overview;
use twinwire_store::hours::{Activity, Hour};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How the installation does.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// The traffic of the last 24 hours by when messages were first seen, oldest first; the last one goes on. Counted once a
    /// minute.
    pub hours: Vec<HourView>,
    /// When each channel was last alive; those that were removed left out.
    pub channels: Vec<ActivityView>,
    /// How many seconds ago the oldest message with something to do was first seen; null where there is none. Paused
    /// channels are left out.
    pub oldest_pending_s: Option<i64>,
    /// What somebody should look at, the most urgent first.
    pub attention: Vec<AttentionView>,
}

/// The traffic of an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Hour)]
pub struct HourView {
    /// When it began.
    pub from: DateTime<Utc>,
    /// Messages from customers.
    pub inbound: i64,
    /// Messages to customers.
    pub outbound: i64,
    /// Of all of them, those that were put aside, or that the provider did not deliver.
    pub failed: i64,
    /// Half of them were at the other side within so many milliseconds of being seen; null where none is there.
    pub p50_ms: Option<i64>,
    /// The same for 95 of 100.
    pub p95_ms: Option<i64>,
    /// When it was last counted; null where that was not done yet.
    pub counted_at: Option<DateTime<Utc>>,
}

/// When a channel was last alive.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityView {
    /// Its id.
    #[schema(example = "chn_2m7Xw0aT5kQ")]
    pub channel: String,
    /// When a customer last wrote; of what was there before counting began, the newest messages are looked at.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// When a customer was last written to.
    pub last_outbound_at: Option<DateTime<Utc>>,
}

/// Something to look at.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Attention)]
pub struct AttentionView {
    /// `account_resting`, `messages_due`, `messages_pending`, `reading_late`, `uncertain`, `parked`, `channel_paused`,
    /// `endpoint_disabled`, `endpoint_failing`, `job_failed`, `job_failing` or `unverified`.
    #[schema(example = "account_resting")]
    pub kind: String,
    /// What it is, and the next command.
    pub words: String,
    /// The channel that it is about, where it is about one.
    pub channel: Option<String>,
}

fn hour((from, counted): (DateTime<Utc>, Option<Hour>)) -> HourView {
    let number = |value: fn(&Hour) -> i64| counted.as_ref().map_or(0, value);
    HourView {
        from,
        inbound: number(|hour| hour.inbound),
        outbound: number(|hour| hour.outbound),
        failed: number(|hour| hour.failed),
        p50_ms: counted.and_then(|hour| hour.p50_ms),
        p95_ms: counted.and_then(|hour| hour.p95_ms),
        counted_at: counted.map(|hour| hour.counted_at),
    }
}

impl From<Activity> for ActivityView {
    fn from(activity: Activity) -> Self {
        let Activity { channel, last_inbound_at, last_outbound_at } = activity;
        Self { channel, last_inbound_at, last_outbound_at }
    }
}

impl From<overview::Overview> for Overview {
    fn from(overview: overview::Overview) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "an age in whole seconds")]
        let oldest_pending_s = overview.oldest_pending.map(|seconds| seconds as i64);
        let attention = overview.attention.into_iter().map(|one| AttentionView {
            kind: one.kind.to_owned(),
            words: one.words,
            channel: one.channel,
        });
        Self {
            hours: overview.hours.into_iter().map(hour).collect(),
            channels: overview.channels.into_iter().map(Into::into).collect(),
            oldest_pending_s,
            attention: attention.collect(),
        }
    }
}

/// Shows how the installation does: the traffic of the last day, and what somebody should look at first.
#[utoipa::path(get, path = "/overview", tag = "overview", security(("token" = ["read"])),
    responses((status = 200, body = Overview)))]
async fn show(_: May<Read>, State(app): State<App>) -> Answer<Overview> {
    Ok(Json(overview::read(&app.engine).await?.into()))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}
