//! The reading half: the messages of a conversation, and one message.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;
use serde_json::{Value, json};

use super::Front;
use super::model::Message;
use super::payload::{self, View};
use super::routes::{Call, json_response};
use crate::core::{Refusal, refused};
use crate::locked;

/// Page sizes of Front's lists (Core API reference, read 2026-11).
const USUAL_PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

impl Front {
    /// Newest first, or oldest first with `sort_order=asc`. A page token names the last message of the page
    /// before, so new messages do not shift the pages.
    pub(super) fn list_conversation(&self, channel: &str, call: &Call) -> Result<Response, Refusal> {
        let id = call.segment(1);
        let state = locked(&self.inner.state);
        let conversation = state.conversations.iter().find(|known| known.id == id);
        let conversation = conversation.ok_or_else(|| refused(404, 0, "Conversation not found"))?;
        if conversation.channel_id != channel {
            return Err(refused(401, 0, "Invalid token: another channel's"));
        }
        let now = Utc::now().timestamp_millis();
        let mut list: Vec<&Message> =
            state.messages.iter().filter(|m| m.conversation_id == id && visible(m, now)).collect();
        list.sort_by(|a, b| b.created_at.total_cmp(&a.created_at).then(b.seq.cmp(&a.seq)));
        if call.parameter("sort_order") == Some("asc") {
            list.reverse();
        }
        let from = match call.parameter("page_token") {
            None => 0,
            Some(token) => {
                let last = token.parse::<u64>().ok();
                let at = last.and_then(|last| list.iter().position(|message| message.seq == last));
                at.ok_or_else(|| refused(400, 0, "page_token is not valid"))? + 1
            }
        };
        let limit = call.parameter("limit").map_or(Ok(USUAL_PAGE), str::parse);
        let limit = limit.map_err(|_| refused(400, 0, "limit is not a number"))?.clamp(1, LARGEST_PAGE);
        let page: Vec<&Message> = list.iter().skip(from).take(limit).copied().collect();
        let more = from + page.len() < list.len();
        let path = format!("{}/conversations/{id}/messages", self.url());
        let order =
            call.parameter("sort_order").filter(|order| ["asc", "desc"].contains(order)).unwrap_or("desc");
        let next = page.last().filter(|_| more).map(|last| {
            format!("{path}?limit={limit}&sort_by=created_at&sort_order={order}&page_token={}", last.seq)
        });
        let results: Vec<Value> =
            page.iter().map(|message| payload::message(message, &self.url(), View::Channel)).collect();
        let answer =
            json!({ "_pagination": { "next": next }, "_links": { "self": path }, "_results": results });
        Ok(json_response(StatusCode::OK, &answer))
    }

    /// By `msg_…` id or by `alt:uid:<message_uid>`; either exists only once the message is processed.
    pub(super) fn get_message(&self, channel: &str, call: &Call) -> Result<Response, Refusal> {
        let name = call.segment(1);
        let now = Utc::now().timestamp_millis();
        let state = locked(&self.inner.state);
        let is_it = |message: &&Message| match name.strip_prefix("alt:uid:") {
            Some(uid) => message.message_uid == uid,
            None => message.id.as_deref() == Some(name),
        };
        let message = state.messages.iter().filter(|message| visible(message, now)).find(is_it);
        let message = message.ok_or_else(|| refused(404, 0, "Message not found"))?;
        if message.channel_id != channel {
            return Err(refused(401, 0, "Invalid token: another channel's"));
        }
        Ok(json_response(StatusCode::OK, &payload::message(message, &self.url(), View::Channel)))
    }
}

pub(super) fn visible(message: &Message, now: i64) -> bool {
    message.id.is_some() && message.visible_at_ms <= now
}
