//! The double of a vendor of text messages: one account's Messages API, and the customers with their phones. What is
//! different between vendors is in their [`dialect`].

pub(crate) mod collect;
mod customer_text;
mod customers;
pub(crate) mod dialect;
pub(crate) mod life;
pub(crate) mod list;
pub(crate) mod media;
pub(crate) mod model;
pub(crate) mod numbers;
mod opt_out;
pub(crate) mod routes;
mod segments;
pub(crate) mod send;
pub(crate) mod sign;
pub(crate) mod state;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

pub use customer_text::CustomerText;
pub use dialect::DayBounds;
pub use model::{Fate, Media, SmsMessage};

use crate::core::{Change, Core, LoggedRequest};
use crate::faults::Faults;
use crate::locked;
use crate::outgoing::Delivery;
use crate::storage::Storage;
use dialect::{Dialect, Setup};
use numbers::Number;
use state::State;

/// A running double of a vendor of text messages: what [`crate::SignalWire`] and [`crate::Twilio`] have in common. A cheap
/// handle; clones are the same double.
#[derive(Clone)]
pub struct Sms {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    dialect: &'static Dialect,
    setup: Setup,
    state: Mutex<State>,
    storage: Arc<Storage>,
    /// What fetches the files of messages that are sent; made for the first of them.
    collector: OnceLock<Option<reqwest::Client>>,
}

impl Sms {
    /// Starts to listen and to answer.
    pub(crate) async fn start(dialect: &'static Dialect, setup: Setup) -> std::io::Result<Sms> {
        let listen = setup.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = TcpListener::bind(listen).await?;
        let (address, remembers) = (listener.local_addr()?, setup.remembers);
        let core = Core::new(dialect.name, address, setup.faults.clone(), setup.seed, remembers)?;
        let core = Arc::new(core);
        let storage = Storage::start(&core, address.ip()).await?;
        let (state, collector) = (Mutex::default(), OnceLock::new());
        let inner = Inner { core, dialect, setup, state, storage, collector };
        let double = Sms { inner: Arc::new(inner) };
        double.core().background.serve(listener, routes::router(double.clone()));
        Ok(double)
    }

    /// Stops answering and ends everything in the background.
    pub async fn stop(&self) {
        self.core().background.stop().await;
    }

    /// Shuts the door, so that connections are refused, or opens it again.
    pub fn shut(&self, shut: bool) {
        self.core().background.shut(shut);
    }

    /// The base URL, in place of the vendor's own, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.core().address)
    }

    /// The faults, to add to or to clear.
    pub fn faults(&self) -> &Faults {
        &self.core().faults
    }

    /// The account buys a number.
    pub fn add_number(&self, number: &str) {
        let mut state = locked(&self.inner.state);
        if !state.owns(number) {
            state.numbers.push(Number::new(number));
        }
    }

    /// Sets where a number's incoming texts are posted; buys the number if need be.
    pub fn set_webhook(&self, number: &str, inbound_url: &str) {
        self.add_number(number);
        let mut state = locked(&self.inner.state);
        for known in state.numbers.iter_mut().filter(|known| known.phone == number) {
            known.url = Some(inbound_url.to_owned());
        }
    }

    /// Decides what becomes of messages to this number from now on.
    pub fn script(&self, to: &str, fate: Fate) {
        locked(&self.inner.state).fates.insert(to.to_owned(), fate);
    }

    /// Decides what becomes of messages that contain this text, whoever they are to; what was decided last counts.
    pub fn script_saying(&self, part: &str, fate: Fate) {
        locked(&self.inner.state).spoken_fates.push((part.to_owned(), fate));
    }

    /// When the announcement of a customer's text was first answered with 2xx; none if it never was.
    pub fn taken_at(&self, sid: &str) -> Option<DateTime<Utc>> {
        locked(&self.core().taken).get(sid).copied()
    }

    /// All messages in the order accepted.
    pub fn messages(&self) -> Vec<SmsMessage> {
        locked(&self.inner.state).messages.clone()
    }

    /// One message.
    pub fn message(&self, sid: &str) -> Option<SmsMessage> {
        locked(&self.inner.state).message(sid).cloned()
    }

    /// What this API was asked to send to a number, in the order accepted.
    pub fn outbound_to(&self, number: &str) -> Vec<SmsMessage> {
        let ours = |m: &SmsMessage| m.direction == "outbound-api" && !m.foreign && m.to == number;
        self.messages().into_iter().filter(ours).collect()
    }

    /// Sent messages with the same sender, recipient, text and files as another, in groups.
    pub fn duplicates(&self) -> Vec<Vec<SmsMessage>> {
        let mut groups: Vec<Vec<SmsMessage>> = Vec::new();
        let mut known: HashMap<([String; 3], Vec<Bytes>), usize> = HashMap::new();
        let ours = |m: &SmsMessage| m.direction == "outbound-api" && !m.foreign;
        for message in self.messages().into_iter().filter(ours) {
            let same = [message.from.clone(), message.to.clone(), message.body.clone()];
            let files = message.media.iter().map(|media| media.bytes.0.clone()).collect();
            let at = *known.entry((same, files)).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push(message),
                None => groups.push(vec![message]),
            }
        }
        groups.retain(|group| group.len() > 1);
        groups
    }

    /// What was wrong with the answers to inbound webhooks.
    pub fn complaints(&self) -> Vec<String> {
        locked(&self.core().complaints).clone()
    }

    /// Every request received by the API and by the storage, in the order answered.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        locked(&self.core().log).clone()
    }

    /// Waits until everything that it announces by itself has been announced, or given up.
    pub async fn quiet(&self) {
        self.core().background.quiet().await;
    }

    /// Every callback and inbound webhook, lost ones too.
    pub fn deliveries(&self) -> Vec<Delivery> {
        locked(&self.core().deliveries).clone()
    }

    /// Tells of every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.core().changes.subscribe()
    }

    /// Everything a page needs to show the phones: conversations by number and contact, with messages.
    pub fn snapshot(&self) -> Value {
        let mut conversations: Vec<(String, String, Vec<SmsMessage>)> = Vec::new();
        for message in self.messages() {
            let (number, contact) = (message.own_number().to_owned(), message.contact().to_owned());
            match conversations.iter_mut().find(|(n, c, _)| (n, c) == (&number, &contact)) {
                Some((_, _, messages)) => messages.push(message),
                None => conversations.push((number, contact, vec![message])),
            }
        }
        let conversations = conversations.into_iter().map(|(number, contact, messages)| {
            json!({ "number": number, "contact": contact, "messages": messages })
        });
        let numbers = locked(&self.inner.state).numbers.clone();
        let numbers =
            numbers.into_iter().map(|one| json!({ "number": one.phone, "webhook_url": one.called() }));
        let requests = self.requests();
        let mut snapshot = json!({
            "double": self.inner.dialect.name,
            "url": self.url(),
            "numbers": numbers.collect::<Vec<_>>(),
            "conversations": conversations.collect::<Vec<_>>(),
            "complaints": self.complaints(),
            "requests": requests.iter().rev().take(100).collect::<Vec<_>>(),
            "requests_total": requests.len(),
            "faults_waiting": self.faults().waiting(),
            "faults_struck": self.faults().struck(),
        });
        for (name, value) in &self.inner.setup.shown {
            snapshot[*name] = json!(value);
        }
        snapshot
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.inner.state)
    }
}
