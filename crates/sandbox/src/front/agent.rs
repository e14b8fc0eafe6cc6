//! What agents and rules do: messages and automatic replies, posted to the channel's server.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use super::model::{Channel, Message, Recipient, Source};
use super::payload::{self, View};
use super::{Front, FrontError};
use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};
use crate::outgoing::{Answer, SignedRequest};

/// An agent's message, and the exact request that asks the server to send it.
#[derive(Clone, Debug)]
pub struct AgentOrder {
    /// The message it is about.
    pub message_uid: String,
    /// The request.
    pub request: SignedRequest,
}

/// What became of an agent's message.
#[derive(Clone, Debug)]
pub struct AgentSend {
    /// The server's whole answer.
    pub answer: Answer,
    /// The message as Front has it now.
    pub message: Message,
}

impl Front {
    /// An agent begins a new conversation with these handles.
    pub async fn agent_writes(
        &self,
        channel: &str,
        to: &[&str],
        text: &str,
    ) -> Result<AgentSend, FrontError> {
        let order = self.message_request(channel, None, to, text)?;
        self.post(&order).await
    }

    /// An agent replies in a conversation, named by its own id or an external one.
    pub async fn agent_replies(
        &self,
        channel: &str,
        conversation: &str,
        text: &str,
    ) -> Result<AgentSend, FrontError> {
        let order = self.message_request(channel, Some(conversation), &[], text)?;
        self.post(&order).await
    }

    /// A rule answers a customer's message (`msg_…` or message uid).
    pub async fn autoreply(
        &self,
        channel: &str,
        to_message: &str,
        text: &str,
    ) -> Result<AgentSend, FrontError> {
        let known = self.webhook_of(channel)?;
        let original = {
            let state = locked(&self.inner.state);
            let is_it = |m: &&Message| m.id.as_deref() == Some(to_message) || m.message_uid == to_message;
            state.messages.iter().find(is_it).cloned()
        };
        let original = original.ok_or_else(|| FrontError::UnknownMessage(to_message.to_owned()))?;
        let to = [original.contact().to_owned()];
        let mut message = self.draft(&known, &original.conversation_id, &to, text);
        message.source = Source::AutoReply;
        message.id = None;
        message.author = None;
        message.replied_to = original.id;
        self.post(&self.order(&known, message)).await
    }

    /// Lets an agent write (in this conversation, or a new one) without posting it yet: for tests that post
    /// the request repeatedly with [`Front::post`], or tampered with [`Front::post_raw`].
    pub fn message_request(
        &self,
        channel: &str,
        conversation: Option<&str>,
        to: &[&str],
        text: &str,
    ) -> Result<AgentOrder, FrontError> {
        let known = self.webhook_of(channel)?;
        let (thread, contacts) = self.addressed(channel, conversation, to)?;
        Ok(self.order(&known, self.draft(&known, &thread, &contacts, text)))
    }

    /// The conversation an agent writes in, a new one where none is named, and its contacts.
    pub(super) fn addressed(
        &self,
        channel: &str,
        conversation: Option<&str>,
        to: &[&str],
    ) -> Result<(String, Vec<String>), FrontError> {
        let mut state = locked(&self.inner.state);
        let Some(id) = conversation else {
            let thread = state.thread(&self.core().ids, channel, None, to);
            return Ok((thread, to.iter().map(|handle| (*handle).to_owned()).collect()));
        };
        let thread = state.conversation(channel, id);
        let thread = thread.ok_or_else(|| FrontError::UnknownConversation(id.to_owned()))?;
        Ok((thread.id.clone(), thread.contacts.clone()))
    }

    /// Posts an agent's message and lets the answer decide what the agent sees.
    pub async fn post(&self, order: &AgentOrder) -> Result<AgentSend, FrontError> {
        let answer = self.ask(order).await;
        let outcome = judged(&answer);
        let message = {
            let mut state = locked(&self.inner.state);
            match outcome {
                Ok((id, thread)) => state.settle(&order.message_uid, &id, &thread),
                Err(reason) => {
                    if let Some(message) = state.message_mut(&order.message_uid) {
                        message.error = Some(reason);
                    }
                }
            }
            state.message(&order.message_uid).cloned()
        };
        self.core().changed("message", &order.message_uid);
        let message = message.ok_or_else(|| FrontError::UnknownMessage(order.message_uid.clone()))?;
        Ok(AgentSend { answer, message })
    }

    async fn ask(&self, order: &AgentOrder) -> Answer {
        let message = locked(&self.inner.state).message(&order.message_uid).cloned();
        let fault = message.and_then(|m| self.fault_for(Stage::Callback, Operation::AgentMessage, &m));
        match fault {
            Some(Fault::Lost) => Answer::missing("lost on the way to the server"),
            Some(Fault::Delay(wait)) => {
                self.core().background.pause(wait.min(Duration::from_secs(60))).await;
                self.post_raw(&order.request).await
            }
            Some(Fault::Duplicate(more)) => {
                let first = self.post_raw(&order.request).await;
                for _ in 0..more {
                    self.post_raw(&order.request).await;
                }
                first
            }
            _ => self.post_raw(&order.request).await,
        }
    }

    pub(super) fn draft(&self, channel: &Channel, conversation: &str, to: &[String], text: &str) -> Message {
        let ids = &self.core().ids;
        let party = |role: &str, handle: &str| Recipient {
            role: role.to_owned(),
            handle: handle.to_owned(),
            name: None,
        };
        let mut recipients = vec![party("from", &channel.address)];
        recipients.extend(to.iter().map(|handle| party("to", handle)));
        Message {
            id: Some(ids.front("msg_")),
            message_uid: ids.uid(),
            external_id: None,
            conversation_id: conversation.to_owned(),
            channel_id: channel.id.clone(),
            is_inbound: false,
            source: Source::Agent,
            author: Some("Robin".to_owned()),
            subject: String::new(),
            body: html(text),
            text: text.to_owned(),
            recipients,
            attachments: Vec::new(),
            created_at: fractional(Utc::now().timestamp_millis()),
            error: None,
            replied_to: None,
            request: Value::Null,
            has_no_text: false,
            seq: 0,
            visible_at_ms: 0,
        }
    }

    pub(super) fn order(&self, channel: &Channel, message: Message) -> AgentOrder {
        let uid = message.message_uid.clone();
        let kind = if message.source == Source::AutoReply { "message_autoreply" } else { "message" };
        let envelope = {
            let mut state = locked(&self.inner.state);
            let threads = state.conversation(&channel.id, &message.conversation_id);
            let threads = threads.map(|known| known.external_ids.clone()).unwrap_or_default();
            let payload = payload::message(&message, &self.url(), View::Order);
            state.add(message);
            json!({ "type": kind, "payload": payload, "metadata": conversation_ids(&threads) })
        };
        self.core().changed("message", &uid);
        let body = envelope.to_string();
        let request = self.signed_request("POST", &channel.webhook_url, Some(&channel.api_key), &body);
        AgentOrder { message_uid: uid, request }
    }
}

/// The ids a server gave, or what the agent sees instead.
fn judged(answer: &Answer) -> Result<(String, String), String> {
    let id = |name: &str| answer.json[name].as_str().filter(|id| (1..=200).contains(&id.chars().count()));
    if answer.status == Some(200) && answer.json["type"] == "success" {
        let ids = id("external_id").zip(id("external_conversation_id"));
        let ids = ids.map(|(message, thread)| (message.to_owned(), thread.to_owned()));
        return ids.ok_or_else(|| "The channel's servers answered without usable ids".to_owned());
    }
    let told = answer.json["message"].as_str().filter(|_| !answer.is_success());
    Err(told.unwrap_or("The channel's servers are unresponsive").to_owned())
}

/// The envelope's `metadata`: the list, and the older single id while there is one.
pub(crate) fn conversation_ids(threads: &[String]) -> Value {
    let mut metadata = json!({ "external_conversation_ids": threads });
    if let Some(first) = threads.first() {
        metadata["external_conversation_id"] = json!(first);
    }
    metadata
}

fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('\n', "<br>")
}

/// Milliseconds as Front writes times: seconds with a fraction.
pub(crate) fn fractional(millis: i64) -> f64 {
    // Milliseconds of any real date are far below the 2^53 that a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let millis = millis as f64;
    millis / 1000.0
}
