//! `/conversations/{channel}/{conversation}`: a conversation as both sides see it.

use super::desk::{Frame, Path, Shown, Signed, address};
use super::words;
use crate::admin::channels::ChannelDetails;
use crate::admin::conversations::{ConversationMessage, ConversationView};
use crate::web::page;
use askama::Template;
use axum::extract::{self, Query};
use axum::http::StatusCode;
use serde::Deserialize;
use twinwire_core::model::Side;

/// How much is to be shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shows {
    text: String,
    before: String,
}

/// The page.
#[derive(Template)]
#[template(path = "dashboard/conversation.html")]
struct ConversationPage<'a> {
    frame: Frame<'a>,
    talk: &'a ConversationView,
    /// The names of the helpdesk and of the provider.
    names: (&'a str, &'a str),
    /// The number of the channel.
    number: &'a str,
    text: bool,
    here: String,
    older: Option<String>,
}

impl ConversationMessage {
    /// What stands where a side does not have it.
    fn missing(&self, side: Side) -> &'static str {
        match (self.origin == side, self.parked.is_some()) {
            (true, _) => "its id is not known here",
            (false, true) => "not there: put aside",
            (false, false) => "not there yet",
        }
    }
}

/// `GET /conversations/{channel}/{conversation}`
pub(super) async fn show(
    signed: Signed,
    extract::Path((channel, conversation)): extract::Path<(String, String)>,
    Query(shows): Query<Shows>,
) -> Shown {
    let text = shows.text == "yes";
    let path = Path::of(&["conversations", &channel, &conversation])
        .with("body", text.then_some("true"))
        .with("before", Some(&shows.before));
    let mut talk: ConversationView = signed.get(&path).await?;
    let details: ChannelDetails = signed.get(&Path::of(&["channels", &channel])).await?;
    // People read from the top down.
    talk.messages.reverse();
    let connectors = signed.desk.app.engine.connectors();
    let names = connectors.pair(&details.channel.pair).map(|(one, other)| (one.title(), other.title()));
    let here = address(&["conversations", &talk.channel, &talk.conversation]);
    let shown = if text { "text=yes&" } else { "" };
    Ok(page(
        StatusCode::OK,
        &ConversationPage {
            frame: signed.frame("messages"),
            names: names.unwrap_or(("the helpdesk", "the provider")),
            number: &details.channel.address,
            text,
            older: talk.next.as_ref().map(|next| format!("{here}?{shown}before={next}")),
            here,
            talk: &talk,
        },
    ))
}
