//! `/webhooks`: the log of requests that vendors made.

use super::desk::{Acting, Frame, Path, Shown, Signed, address, done};
use super::words;
use crate::admin::channels::{ChannelView, Channels};
use crate::admin::jobs::JobAskedFor;
use crate::admin::webhooks::{RawWebhook, Replay, WebhookView, Webhooks};
use crate::web::page;
use askama::Template;
use axum::extract::{self, Query};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde::Deserialize;

/// Requests of a page.
const PAGE: &str = "50";

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    channel: String,
    verified: String,
    before: String,
}

/// The list.
#[derive(Template)]
#[template(path = "dashboard/webhooks.html")]
struct WebhooksPage<'a> {
    frame: Frame<'a>,
    wanted: &'a Wanted,
    channels: &'a [ChannelView],
    webhooks: &'a [WebhookView],
    older: Option<String>,
}

/// A request.
#[derive(Template)]
#[template(path = "dashboard/webhook.html")]
struct WebhookPage<'a> {
    frame: Frame<'a>,
    webhook: &'a WebhookView,
    raw: Option<&'a RawWebhook>,
    here: String,
}

impl Wanted {
    /// The address of this list from a place on.
    fn from(&self, before: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("channel", self.channel.as_str()), ("verified", &self.verified), ("before", before)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/webhooks?{}", query.finish())
    }
}

/// `GET /webhooks`
pub(super) async fn list(signed: Signed, Query(wanted): Query<Wanted>) -> Shown {
    let Channels { channels } = signed.get(&Path::of(&["channels"])).await?;
    let path = Path::of(&["webhooks"])
        .with("channel", Some(&wanted.channel))
        .with("verified", Some(&wanted.verified))
        .with("before", Some(&wanted.before))
        .with("limit", Some(PAGE));
    let Webhooks { webhooks, next } = signed.get(&path).await?;
    let older = next.map(|next| wanted.from(&next));
    Ok(page(
        StatusCode::OK,
        &WebhooksPage {
            frame: signed.frame("webhooks"),
            wanted: &wanted,
            channels: &channels,
            webhooks: &webhooks,
            older,
        },
    ))
}

/// How much is to be shown.
#[derive(Deserialize)]
pub(super) struct Shows {
    raw: Option<String>,
}

/// `GET /webhooks/{webhook}`
pub(super) async fn show(
    signed: Signed,
    extract::Path(id): extract::Path<String>,
    Query(shows): Query<Shows>,
) -> Shown {
    let raw: Option<RawWebhook> = match shows.raw {
        Some(_) => Some(signed.get(&Path::of(&["webhooks", &id, "raw"])).await?),
        None => None,
    };
    let webhook: WebhookView = signed.get(&Path::of(&["webhooks", &id])).await?;
    Ok(page(
        StatusCode::OK,
        &WebhookPage {
            frame: signed.frame("webhooks"),
            webhook: &webhook,
            raw: raw.as_ref(),
            here: address(&["webhooks", &id]),
        },
    ))
}

/// Nothing more is to be said.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /webhooks/{webhook}/replay`: takes this one again, and those that came in the same moment.
pub(super) async fn replay(extract::Path(id): extract::Path<String>, acting: Acting<Nothing>) -> Shown {
    let signed = acting.signed;
    let Nothing {} = acting.what;
    let webhook: WebhookView = signed.get(&Path::of(&["webhooks", &id])).await?;
    let from = webhook.received_at;
    let asked = Replay { from, to: from + TimeDelta::microseconds(1), channel: webhook.channel };
    let JobAskedFor { .. } = signed.post(&Path::of(&["webhooks", "replay"]), &asked).await?;
    Ok(done("/jobs", "replay"))
}
