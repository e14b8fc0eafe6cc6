//! `/opt-outs`: who does not want to be texted.

use super::desk::{Frame, Path, Shown, Signed};
use super::words;
use crate::admin::channels::{ChannelView, Channels};
use crate::admin::opt_outs::{OptOutView, OptOuts};
use crate::web::page;
use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use serde::Deserialize;

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    channel: String,
    before: String,
}

/// The page.
#[derive(Template)]
#[template(path = "dashboard/opt_outs.html")]
struct OptOutsPage<'a> {
    frame: Frame<'a>,
    wanted: &'a Wanted,
    channels: &'a [ChannelView],
    opt_outs: &'a [OptOutView],
    older: Option<String>,
}

/// `GET /opt-outs`
pub(super) async fn list(signed: Signed, Query(wanted): Query<Wanted>) -> Shown {
    let Channels { channels } = signed.get(&Path::of(&["channels"])).await?;
    let path =
        Path::of(&["opt-outs"]).with("channel", Some(&wanted.channel)).with("before", Some(&wanted.before));
    let OptOuts { opt_outs, next } = signed.get(&path).await?;
    let older = next.map(|next| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !wanted.channel.is_empty() {
            query.append_pair("channel", &wanted.channel);
        }
        format!("/opt-outs?{}", query.append_pair("before", &next).finish())
    });
    Ok(page(
        StatusCode::OK,
        &OptOutsPage {
            frame: signed.frame("opt-outs"),
            wanted: &wanted,
            channels: &channels,
            opt_outs: &opt_outs,
            older,
        },
    ))
}
