//! `/messages`: the newest first, by how they stand, by channel and by conversation.

use super::desk::{Frame, Path, Shown, Signed};
use super::words;
use crate::admin::channels::{ChannelView, Channels};
use crate::admin::messages::list::{ListedMessage, Messages};
use crate::web::page;
use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use serde::Deserialize;

/// How messages can stand.
const STATES: [(&str, &str); 5] = [
    ("", "all"),
    ("pending", "with something to do"),
    ("parked", "put aside"),
    ("too_old", "put aside as too old"),
    ("failed", "not delivered"),
];

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    state: String,
    channel: String,
    conversation: String,
    before: String,
}

/// The page.
#[derive(Template)]
#[template(path = "dashboard/messages.html")]
struct MessagesPage<'a> {
    frame: Frame<'a>,
    wanted: &'a Wanted,
    channels: &'a [ChannelView],
    messages: &'a [ListedMessage],
    older: Option<String>,
}

impl Wanted {
    /// The address of this list from a place on.
    fn from(&self, before: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("state", self.state.as_str()),
            ("channel", &self.channel),
            ("conversation", &self.conversation),
            ("before", before),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/messages?{}", query.finish())
    }

    fn is_any(&self) -> bool {
        self.state.is_empty() && self.channel.is_empty() && self.conversation.trim().is_empty()
    }
}

/// `GET /messages`
pub(super) async fn list(signed: Signed, Query(wanted): Query<Wanted>) -> Shown {
    let Channels { channels } = signed.get(&Path::of(&["channels"])).await?;
    let path = Path::of(&["messages"])
        .with("state", Some(&wanted.state))
        .with("channel", Some(&wanted.channel))
        .with("conversation", Some(&wanted.conversation))
        .with("before", Some(&wanted.before));
    let Messages { messages, next } = signed.get(&path).await?;
    Ok(page(
        StatusCode::OK,
        &MessagesPage {
            frame: signed.frame("messages"),
            older: next.map(|next| wanted.from(&next)),
            wanted: &wanted,
            channels: &channels,
            messages: &messages,
        },
    ))
}
