//! An agent's message with everything that can be in one.

use super::agent::{AgentOrder, AgentSend};
use super::{Front, FrontError};
use crate::file::MediaFile;

/// What an agent is about to send: a reply, or the first message of a conversation.
#[derive(Clone, Debug, Default)]
pub struct AgentMessage {
    conversation: Option<String>,
    to: Vec<String>,
    text: Option<String>,
    body: Option<String>,
    files: Vec<MediaFile>,
}

impl AgentMessage {
    /// A new conversation with these handles. Without a text, `text` is null.
    pub fn to(handles: &[&str]) -> AgentMessage {
        let to = handles.iter().map(|handle| (*handle).to_owned()).collect();
        AgentMessage { to, ..AgentMessage::default() }
    }

    /// A reply in a conversation, named by its own id or an external one.
    pub fn reply(conversation: &str) -> AgentMessage {
        AgentMessage { conversation: Some(conversation.to_owned()), ..AgentMessage::default() }
    }

    /// The same with this text, which may be empty.
    #[must_use]
    pub fn text(mut self, text: &str) -> AgentMessage {
        self.text = Some(text.to_owned());
        self
    }

    /// The same with this HTML in place of what would be made from the text. Front is reported to write `Attachment` into
    /// the body of a message of files only.
    #[must_use]
    pub fn body(mut self, html: &str) -> AgentMessage {
        self.body = Some(html.to_owned());
        self
    }

    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, file: MediaFile) -> AgentMessage {
        self.files.push(file);
        self
    }
}

impl Front {
    /// An agent sends a message.
    pub async fn agent_sends(&self, channel: &str, message: AgentMessage) -> Result<AgentSend, FrontError> {
        let order = self.order_of(channel, message)?;
        self.post(&order).await
    }

    /// The same without posting it yet, as [`Front::message_request`] does.
    pub fn order_of(&self, channel: &str, message: AgentMessage) -> Result<AgentOrder, FrontError> {
        let known = self.webhook_of(channel)?;
        let to: Vec<&str> = message.to.iter().map(String::as_str).collect();
        let (thread, contacts) = self.addressed(channel, message.conversation.as_deref(), &to)?;
        let text = message.text.as_deref().unwrap_or_default();
        let mut draft = self.draft(&known, &thread, &contacts, text);
        draft.has_no_text = message.text.is_none();
        if let Some(body) = message.body {
            draft.body = body;
        }
        draft.attachments = self.keep_files(draft.contact(), text, message.files);
        Ok(self.order(&known, draft))
    }
}
