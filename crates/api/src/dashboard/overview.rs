//! `/`: how everything does, and what wants attention first.

use super::chart::{Chart, latency, traffic};
use super::desk::{Frame, Path, Shown, Signed};
use super::words;
use crate::admin::channels::{ChannelView, Channels};
use crate::admin::overview::{ActivityView, Overview};
use crate::web::page;
use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};

/// The page.
#[derive(Template)]
#[template(path = "dashboard/overview.html")]
struct OverviewPage<'a> {
    frame: Frame<'a>,
    overview: &'a Overview,
    channels: Vec<Row<'a>>,
    pairs: &'a [Pair],
    pending: i64,
    parked: i64,
    traffic: Chart,
    latency: Chart,
}

/// What can be set up: names, then names for people.
struct Pair(&'static str, &'static str, &'static str, &'static str);

/// A channel.
struct Row<'a> {
    channel: &'a ChannelView,
    health: Health,
    activity: Option<&'a ActivityView>,
}

impl Row<'_> {
    /// When somebody last wrote, on either side.
    fn last(&self) -> Option<DateTime<Utc>> {
        self.activity.and_then(|one| one.last_inbound_at.max(one.last_outbound_at))
    }
}

/// How a channel does, in a word and a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) class: &'static str,
    pub(super) word: &'static str,
}

/// The worst of what is to be said of it.
pub(super) fn health(channel: &ChannelView) -> Health {
    let (class, word) = match channel.state.as_str() {
        "deleted" => ("off", "removed"),
        "new" => ("wait", "not connected yet"),
        "paused" => ("wait", "paused"),
        _ if channel.resting.is_some() => ("bad", "an account rests"),
        _ if channel.parked > 0 => ("warn", "messages put aside"),
        _ if !channel.log_only.is_empty() => ("warn", "webhooks not verified"),
        _ if channel.pending > 0 => ("well", "working"),
        _ => ("well", "well"),
    };
    Health { class, word }
}

/// `GET /`
pub(super) async fn show(signed: Signed) -> Shown {
    let Channels { channels } = signed.get(&Path::of(&["channels"])).await?;
    let overview: Overview = signed.get(&Path::of(&["overview"])).await?;
    let rows = channels.iter().filter(|channel| channel.state != "deleted").map(|channel| Row {
        health: health(channel),
        activity: overview.channels.iter().find(|one| one.channel == channel.channel),
        channel,
    });
    let pairs = signed.desk.app.engine.connectors().pairs();
    let pairs: Vec<Pair> =
        pairs.map(|(one, other)| Pair(one.name(), other.name(), one.title(), other.title())).collect();
    Ok(page(
        StatusCode::OK,
        &OverviewPage {
            frame: signed.frame("overview"),
            channels: rows.collect(),
            pairs: &pairs,
            pending: channels.iter().map(|channel| channel.pending).sum(),
            parked: channels.iter().map(|channel| channel.parked).sum(),
            traffic: traffic(&overview.hours),
            latency: latency(&overview.hours),
            overview: &overview,
        },
    ))
}
