//! What a Front double knows, in a form that tests and pages can read.

use serde::Serialize;
use serde_json::Value;

use crate::file::FileBytes;

/// A connected application channel.
#[derive(Clone, Debug, Serialize)]
pub struct Channel {
    /// `cha_…`.
    pub id: String,
    /// The handle under which the channel's messages are sent.
    pub address: String,
    /// The credential the Front user pasted.
    #[serde(skip)]
    pub api_key: String,
    /// Where the server asked for this channel's requests.
    pub webhook_url: String,
    /// `ok` or `offline`.
    pub status: String,
    /// Set once the user has removed the channel.
    pub deleted: bool,
}

/// A conversation of a channel.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    /// `cnv_…`.
    pub id: String,
    /// The channel it belongs to.
    pub channel_id: String,
    /// The ids it has in the external system.
    pub external_ids: Vec<String>,
    /// The handles of the customers.
    pub contacts: Vec<String>,
    /// How often a failed message has opened it again.
    pub reopened: usize,
}

/// Someone a message is from or to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// `from` or `to`.
    pub role: String,
    /// The handle, as Front has normalised it.
    pub handle: String,
    /// The name, where one was given.
    pub name: Option<String>,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// `fil_…`.
    pub id: String,
    /// The name of the file.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Its length in bytes.
    pub size: usize,
    /// What is in it.
    #[serde(skip)]
    pub bytes: FileBytes,
    /// Set when it is put into the text: the content id by which the text names it.
    pub cid: Option<String>,
    /// Where it lies in the storage, for pages that show it.
    pub stored_url: String,
}

/// How a message came into Front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An agent wrote it.
    Agent,
    /// An automatic reply.
    AutoReply,
    /// The channel's server synced it in.
    Sync,
}

/// A message of a conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `msg_…`; none before an import is processed, and for automatic replies.
    pub id: Option<String>,
    /// The secondary id, known from the start.
    pub message_uid: String,
    /// The id it has in the external system.
    pub external_id: Option<String>,
    /// The conversation it is in.
    pub conversation_id: String,
    /// The channel it is in.
    pub channel_id: String,
    /// True when it is from the customer.
    pub is_inbound: bool,
    /// How it came.
    pub source: Source,
    /// The teammate, for messages of agents.
    pub author: Option<String>,
    /// The subject, usually empty.
    pub subject: String,
    /// The text as HTML.
    pub body: String,
    /// The text as plain text.
    pub text: String,
    /// Who it is from and to.
    pub recipients: Vec<Recipient>,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// Unix seconds, with a fraction.
    pub created_at: f64,
    /// What the agent sees as the reason that it was not sent.
    pub error: Option<String>,
    /// The message it answers: a `msg_…` id, or the external id that the server named.
    pub replied_to: Option<String>,
    /// The body of the sync request, for assertions on fields that Front does not keep.
    #[serde(skip)]
    pub request: Value,
    /// The webhook says null in place of the text.
    #[serde(skip)]
    pub(crate) has_no_text: bool,
    #[serde(skip)]
    pub(crate) seq: u64,
    #[serde(skip)]
    pub(crate) visible_at_ms: i64,
}

impl Message {
    /// The first handle with this role.
    pub fn handle(&self, role: &str) -> &str {
        self.recipients.iter().find(|known| known.role == role).map_or("", |known| known.handle.as_str())
    }

    /// The customer's handle.
    pub fn contact(&self) -> &str {
        self.handle(if self.is_inbound { "from" } else { "to" })
    }
}
