//! The double of Front: an application channel's API, and the agents in front of it.

mod agent;
mod auth;
mod callbacks;
mod check;
mod compose;
mod connect;
mod files;
mod form;
mod model;
mod payload;
mod read;
mod routes;
mod state;
mod sync;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

pub use agent::{AgentOrder, AgentSend};
pub use compose::AgentMessage;
pub use connect::{ConnectError, ConnectedChannel};
pub use model::{Attachment, Channel, Conversation, Message, Recipient, Source};

use crate::core::{Change, Core, LoggedRequest};
use crate::faults::Faults;
use crate::misbehaviour::{Fault, Stage};
use crate::outgoing::Delivery;
use crate::storage::Storage;
use crate::{Operation, locked};
use state::State;

/// How a Front double is set up.
#[derive(Clone)]
pub struct FrontOptions {
    /// The App UID, `iss` of channel tokens.
    pub app_id: String,
    /// The App secret, for signatures and for channel tokens.
    pub app_secret: String,
    /// The app's server URL, to which `authorization` is posted; can be set later.
    pub server_url: Option<String>,
    /// Where to listen; any free port of the loopback interface by default.
    pub listen: Option<SocketAddr>,
    /// How long an accepted message takes to become one with a `msg_` id.
    pub import_delay: Duration,
    /// How long an agent's message waits for the server's answer: 7 s (Front's channel documentation of
    /// 2019, no newer number found).
    pub answer_timeout: Duration,
    /// Requests a minute; enforced when set, otherwise only announced (as 120).
    pub rate_limit: Option<usize>,
    /// The API gives files itself, with 200; otherwise it redirects to the storage.
    pub gives_files_itself: bool,
    /// The faults to begin with.
    pub faults: Faults,
    /// Ids are made from this; random by default, so that two runs never share any.
    pub seed: u64,
    /// How many requests and callbacks are remembered at most; all of them by default.
    pub remembers: Option<usize>,
}

impl Default for FrontOptions {
    fn default() -> FrontOptions {
        FrontOptions {
            app_id: "app_uid_sandbox".into(),
            app_secret: "front_secret_sandbox".into(),
            server_url: None,
            listen: None,
            import_delay: Duration::from_millis(50),
            answer_timeout: Duration::from_secs(7),
            rate_limit: None,
            gives_files_itself: false,
            faults: Faults::default(),
            seed: rand::random(),
            remembers: None,
        }
    }
}

/// Why a double of Front cannot do what an agent asks.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// There is no such channel, or it has been deleted.
    #[error("no connected channel {0}")]
    UnknownChannel(String),
    /// The channel has no such conversation.
    #[error("no conversation {0} in this channel")]
    UnknownConversation(String),
    /// There is no such message.
    #[error("no message {0}")]
    UnknownMessage(String),
}

/// A running double of Front. A cheap handle; clones are the same double.
#[derive(Clone)]
pub struct Front {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    options: FrontOptions,
    server_url: Mutex<Option<String>>,
    state: Mutex<State>,
    storage: Arc<Storage>,
}

impl Front {
    /// Starts to listen and to answer.
    pub async fn start(options: FrontOptions) -> std::io::Result<Front> {
        let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let core = Core::new("front", address, options.faults.clone(), options.seed, options.remembers)?;
        let core = Arc::new(core);
        let inner = Inner {
            storage: Storage::start(&core, address.ip()).await?,
            core,
            server_url: Mutex::new(options.server_url.clone()),
            state: Mutex::default(),
            options,
        };
        let front = Front { inner: Arc::new(inner) };
        front.core().background.serve(listener, routes::router(front.clone()));
        Ok(front)
    }

    /// Stops answering and ends everything in the background.
    pub async fn stop(&self) {
        self.core().background.stop().await;
    }

    /// Shuts the door, so that connections are refused, or opens it again.
    pub fn shut(&self, shut: bool) {
        self.core().background.shut(shut);
    }

    /// The base URL of the API, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.core().address)
    }

    /// The options it was started with.
    pub fn options(&self) -> &FrontOptions {
        &self.inner.options
    }

    /// The faults, to add to or to clear.
    pub fn faults(&self) -> &Faults {
        &self.core().faults
    }

    /// Sets the app's server URL.
    pub fn set_server_url(&self, url: &str) {
        *locked(&self.inner.server_url) = Some(url.to_owned());
    }

    /// All channels, deleted ones too.
    pub fn channels(&self) -> Vec<Channel> {
        locked(&self.inner.state).channels.clone()
    }

    /// The conversations of a channel, oldest first.
    pub fn conversations(&self, channel: &str) -> Vec<Conversation> {
        let state = locked(&self.inner.state);
        state.conversations.iter().filter(|known| known.channel_id == channel).cloned().collect()
    }

    /// The messages of a conversation (by its own id or an external one) in the order they came to Front.
    pub fn messages(&self, channel: &str, conversation: &str) -> Vec<Message> {
        let state = locked(&self.inner.state);
        let Some(thread) = state.conversation(channel, conversation) else { return Vec::new() };
        state.messages.iter().filter(|message| message.conversation_id == thread.id).cloned().collect()
    }

    /// All messages of a channel in the order they came to Front.
    pub fn all_messages(&self, channel: &str) -> Vec<Message> {
        let state = locked(&self.inner.state);
        state.messages.iter().filter(|message| message.channel_id == channel).cloned().collect()
    }

    /// The messages of a channel that the agent sees as not sent.
    pub fn failures(&self, channel: &str) -> Vec<Message> {
        self.all_messages(channel).into_iter().filter(|message| message.error.is_some()).collect()
    }

    /// External ids that more than one synced message has, with their messages.
    pub fn duplicates(&self, channel: &str) -> Vec<Vec<Message>> {
        let mut groups: Vec<Vec<Message>> = Vec::new();
        let mut known: HashMap<Option<String>, usize> = HashMap::new();
        for message in self.all_messages(channel).into_iter().filter(|m| m.source == Source::Sync) {
            let at = *known.entry(message.external_id.clone()).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push(message),
                None => groups.push(vec![message]),
            }
        }
        groups.retain(|group| group.len() > 1);
        groups
    }

    /// Every request received by the API and by the storage, in the order answered.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        locked(&self.core().log).clone()
    }

    /// Waits until everything that it announces by itself has been announced, or given up.
    pub async fn quiet(&self) {
        self.core().background.quiet().await;
    }

    /// Every callback of the double (`message_imported`), lost ones too.
    pub fn deliveries(&self) -> Vec<Delivery> {
        locked(&self.core().deliveries).clone()
    }

    /// Tells of every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.core().changes.subscribe()
    }

    /// Everything a page needs to show both sides: channels with conversations with messages.
    pub fn snapshot(&self) -> Value {
        let channels = self.channels().into_iter().map(|channel| {
            let conversations = self.conversations(&channel.id).into_iter().map(|conversation| {
                let messages = self.messages(&channel.id, &conversation.id);
                let mut value = json!(conversation);
                value["messages"] = json!(messages);
                value
            });
            let conversations: Vec<Value> = conversations.collect();
            let mut value = json!(channel);
            value["conversations"] = json!(conversations);
            value
        });
        let channels: Vec<Value> = channels.collect();
        let requests = self.requests();
        json!({
            "double": "front",
            "url": self.url(),
            "server_url": *locked(&self.inner.server_url),
            "channels": channels,
            "requests": requests.iter().rev().take(100).collect::<Vec<_>>(),
            "requests_total": requests.len(),
            "faults_waiting": self.faults().waiting(),
            "faults_struck": self.faults().struck(),
        })
    }

    fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    fn webhook_of(&self, channel: &str) -> Result<Channel, FrontError> {
        let state = locked(&self.inner.state);
        let known = state.channel(channel).filter(|known| !known.deleted).cloned();
        known.ok_or_else(|| FrontError::UnknownChannel(channel.to_owned()))
    }

    fn fault_for(&self, stage: Stage, operation: Operation, message: &Message) -> Option<Fault> {
        self.core().faults.take(stage, operation, message.contact(), &message.text)
    }
}
