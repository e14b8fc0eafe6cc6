//! The writing half of the Channel API: sync inbound and outbound, status, channel.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::{Value, json};

use super::agent::fractional;
use super::form::Parsed;
use super::model::{Message, Recipient, Source};
use super::routes::{Call, json_response};
use super::{Front, check};
use crate::core::{Refusal, refused};
use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};

impl Front {
    /// Accepts a message. The same external id twice makes two messages: that Front removes such doubles is
    /// documented for another endpoint only.
    pub(super) async fn sync(&self, channel: &str, call: Call, inbound: bool) -> Result<Response, Refusal> {
        let parsed = call.body.map_err(|reason| refused(400, 0, reason))?;
        let problems = if inbound { check::inbound(&parsed.value) } else { check::outbound(&parsed.value) };
        if !problems.is_empty() {
            return Err(refused(
                400,
                0,
                format!("Body did not satisfy requirements: {}", problems.join("; ")),
            ));
        }
        let uid = self.store(channel, parsed, inbound);
        self.core().changed("message", &uid);
        self.import(&uid).await;
        Ok(json_response(StatusCode::ACCEPTED, &json!({ "status": "accepted", "message_uid": uid })))
    }

    fn store(&self, channel: &str, parsed: Parsed, inbound: bool) -> String {
        let ids = &self.core().ids;
        let Parsed { value: request, files } = parsed;
        let text_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let now = Utc::now().timestamp_millis();
        let mut state = locked(&self.inner.state);
        let address = state.channel(channel).map(|known| known.address.clone()).unwrap_or_default();
        let recipients = recipients(&request, &address, inbound);
        let customer = if inbound { "from" } else { "to" };
        let who: Vec<&str> =
            recipients.iter().filter(|one| one.role == customer).map(|one| one.handle.as_str()).collect();
        let external = text_of(&request["metadata"]["external_conversation_id"]);
        let conversation_id = state.thread(ids, channel, Some(&external), &who);
        let mut message = Message {
            id: None,
            message_uid: ids.uid(),
            external_id: request["metadata"]["external_id"].as_str().map(str::to_owned),
            conversation_id,
            channel_id: channel.to_owned(),
            is_inbound: inbound,
            source: Source::Sync,
            author: None,
            subject: text_of(&request["subject"]),
            body: text_of(&request["body"]),
            text: text_of(&request["body"]),
            recipients,
            attachments: Vec::new(),
            created_at: request["delivered_at"]
                .as_i64()
                .map_or(fractional(now), |at| fractional(at.saturating_mul(1000))),
            error: None,
            replied_to: request["metadata"]["referenced_message_external_id"].as_str().map(str::to_owned),
            request,
            has_no_text: false,
            seq: 0,
            visible_at_ms: 0,
        };
        message.attachments = self.keep_files(message.contact(), &message.text, files);
        let operation = if inbound { Operation::SyncInbound } else { Operation::SyncOutbound };
        if let Some(Fault::DelayedVisibility(wait)) = self.fault_for(Stage::Acceptance, operation, &message) {
            message.visible_at_ms = now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        }
        let uid = message.message_uid.clone();
        state.add(message);
        uid
    }

    /// Only `failed`, only for outbound messages; the conversation is opened again and the agents see the
    /// reason (Channel API reference, read 2026-11).
    pub(super) fn update_status(&self, channel: &str, call: &Call) -> Result<Response, Refusal> {
        let body = call.json()?;
        if body["status"] != "failed" {
            return Err(refused(400, 0, "body.status must be one of: failed"));
        }
        let reason = match &body["reason"] {
            Value::Null => "Message failed".to_owned(),
            Value::String(reason) => reason.clone(),
            _ => return Err(refused(400, 0, "body.reason is not a string")),
        };
        let (conversation, external) = (call.segment(3), call.segment(5));
        let mut state = locked(&self.inner.state);
        let by_external_id =
            |known: &&super::Conversation| known.external_ids.iter().any(|id| id == conversation);
        let thread =
            state.conversation(channel, conversation).filter(by_external_id).map(|known| known.id.clone());
        let thread = thread.ok_or_else(|| refused(404, 0, "Conversation not found"))?;
        let mut named: Vec<&mut Message> = state
            .messages
            .iter_mut()
            .filter(|m| m.conversation_id == thread && m.external_id.as_deref() == Some(external))
            .collect();
        if named.is_empty() {
            return Err(refused(404, 0, "Message not found"));
        }
        named.retain(|message| !message.is_inbound);
        let Some(message) = named.pop() else {
            return Err(refused(400, 0, "Only outbound messages can be marked as failed"));
        };
        message.error = Some(reason);
        let uid = message.message_uid.clone();
        if let Some(thread) = state.conversation_mut(&thread) {
            thread.reopened += 1;
        }
        drop(state);
        self.core().changed("status", &uid);
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    pub(super) fn update_channel(&self, channel: &str, call: &Call) -> Result<Response, Refusal> {
        let status = call.json()?["status"].as_str().filter(|status| ["ok", "offline"].contains(status));
        let status = status.ok_or_else(|| refused(400, 0, "body.status must be one of: offline, ok"))?;
        {
            let mut state = locked(&self.inner.state);
            if let Some(known) = state.channels.iter_mut().find(|known| known.id == channel) {
                status.clone_into(&mut known.status);
            }
        }
        self.core().changed("channel", channel);
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

fn recipients(request: &Value, address: &str, inbound: bool) -> Vec<Recipient> {
    let party = |role: &str, value: &Value| Recipient {
        role: role.to_owned(),
        handle: check::normalised(value["handle"].as_str().unwrap_or_default()),
        name: value["name"].as_str().map(str::to_owned),
    };
    let own = |role: &str| Recipient { role: role.to_owned(), handle: address.to_owned(), name: None };
    if inbound {
        return vec![party("from", &request["sender"]), own("to")];
    }
    let to = request["to"].as_array().map(Vec::as_slice).unwrap_or_default();
    std::iter::once(own("from")).chain(to.iter().map(|one| party("to", one))).collect()
}
