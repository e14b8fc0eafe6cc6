//! `/channels/{channel}`: a channel with its accounts, and what can be done with it.

use super::desk::{Acting, Came, Frame, Path, Shown, Signed, Sorry, address, done};
use super::overview::{Health, health};
use super::words;
use crate::admin::accounts::AccountView;
use crate::admin::backfills::{AskedFor, HowFar};
use crate::admin::channels::{ChannelDetails, Switched};
use crate::admin::problem::Problem;
use crate::web::page;
use askama::Template;
use axum::extract::{self, Query};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

/// The page.
#[derive(Template)]
#[template(path = "dashboard/channel.html")]
struct ChannelPage<'a> {
    frame: Frame<'a>,
    said: Option<&'a str>,
    channel: &'a ChannelDetails,
    health: Health,
    /// The accounts, and whether each rests.
    accounts: [(&'a AccountView, bool); 2],
    /// Its own address.
    here: String,
}

/// What a form of it says.
#[derive(Deserialize)]
pub(super) struct Further {
    full: Option<String>,
}

/// `GET /channels/{channel}`
pub(super) async fn show(
    signed: Signed,
    extract::Path(id): extract::Path<String>,
    Query(came): Query<Came>,
) -> Shown {
    let channel: ChannelDetails = signed.get(&Path::of(&["channels", &id])).await?;
    let now = signed.desk.app.engine.now();
    Ok(page(
        StatusCode::OK,
        &ChannelPage {
            frame: signed.frame("channels"),
            said: came.words(),
            health: health(&channel.channel),
            accounts: [&channel.helpdesk, &channel.provider].map(|account| (account, account.rests(now))),
            here: address(&["channels", &id]),
            channel: &channel,
        },
    ))
}

/// `POST /channels/{channel}/{act}`
pub(super) async fn act(
    extract::Path((id, act)): extract::Path<(String, String)>,
    acting: Acting<Further>,
) -> Shown {
    let Acting { signed, what } = acting;
    let path = |verb| Path::of(&["channels", &id, verb]);
    let here = address(&["channels", &id]);
    let switched = |switched: Switched, done: &'static str| if switched.changed { done } else { "unchanged" };
    Ok(match act.as_str() {
        "pause" => done(&here, switched(signed.post(&path("pause"), &json!({})).await?, "paused")),
        "resume" => done(&here, switched(signed.post(&path("resume"), &json!({})).await?, "resumed")),
        "backfill" => {
            let how = HowFar { full: what.full.is_some() };
            let AskedFor { .. } = signed.post(&path("backfill"), &how).await?;
            done("/jobs", "backfill")
        }
        _ => return Err(Sorry(Problem::not_found("There is nothing of that name to be done."))),
    })
}
