//! `/jobs`: backfills, retention and other long work, with how far each is.

use super::desk::{Acting, Came, Frame, Path, Shown, Signed, done};
use super::words;
use crate::admin::channels::{ChannelView, Channels};
use crate::admin::jobs::{JobView, Jobs};
use crate::web::page;
use askama::Template;
use axum::extract::{self, Query};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

/// Jobs on the page.
const MOST: &str = "50";

/// The page.
#[derive(Template)]
#[template(path = "dashboard/jobs.html")]
struct JobsPage<'a> {
    frame: Frame<'a>,
    said: Option<&'a str>,
    jobs: &'a [JobView],
    channels: &'a [ChannelView],
    older: Option<String>,
}

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    before: String,
}

/// `GET /jobs`
pub(super) async fn list(signed: Signed, Query(came): Query<Came>, Query(wanted): Query<Wanted>) -> Shown {
    let path = Path::of(&["jobs"]).with("limit", Some(MOST)).with("before", Some(&wanted.before));
    let Jobs { jobs, next } = signed.get(&path).await?;
    let Channels { channels } = signed.get(&Path::of(&["channels"])).await?;
    Ok(page(
        StatusCode::OK,
        &JobsPage {
            frame: signed.frame("jobs"),
            said: came.words(),
            jobs: &jobs,
            channels: &channels,
            older: next.map(|next| format!("/jobs?before={next}")),
        },
    ))
}

/// Nothing more is to be said.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /jobs/{job}/cancel`
pub(super) async fn cancel(extract::Path(id): extract::Path<String>, acting: Acting<Nothing>) -> Shown {
    let signed = acting.signed;
    let Nothing {} = acting.what;
    let _: JobView = signed.post(&Path::of(&["jobs", &id, "cancel"]), &json!({})).await?;
    Ok(done("/jobs", "cancelled"))
}
