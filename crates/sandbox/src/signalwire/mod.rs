//! The double of `SignalWire`: one project's Messages API, and the customers with their phones.

mod customers;
mod life;
mod list;
mod model;
mod routes;
mod segments;
mod send;
mod sign;
mod state;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

pub use model::{Fate, SmsMessage};

use crate::core::{Change, Core, LoggedRequest};
use crate::faults::Faults;
use crate::locked;
use crate::outgoing::Delivery;
use state::State;

/// How `DateSent>` and `DateSent<` treat the day they name. `SignalWire`'s reference says "after" and
/// "before" without saying which; a client should get on with both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DayBounds {
    /// On or after, on or before.
    #[default]
    Inclusive,
    /// After the day, before the day.
    Strict,
}

/// How a `SignalWire` double is set up.
#[derive(Clone)]
pub struct SignalWireOptions {
    /// The name of the space, for pages only.
    pub space: String,
    /// The project id, user name of Basic authentication.
    pub project: String,
    /// The API token, its password.
    pub token: String,
    /// The signing key of webhooks.
    pub signing_key: String,
    /// Where to listen; any free port of the loopback interface by default.
    pub listen: Option<SocketAddr>,
    /// How long each step from queued to delivered takes.
    pub step_delay: Duration,
    /// Messages stay queued until [`SignalWire::advance`] is called.
    pub manual: bool,
    /// Signs under the name `X-Twilio-Signature`, the compatible alias.
    pub twilio_header: bool,
    /// How date filters treat the day they name.
    pub day_bounds: DayBounds,
    /// The faults to begin with.
    pub faults: Faults,
    /// Ids are made from this; random by default, so that two runs never share any.
    pub seed: u64,
    /// How many requests and callbacks are remembered at most; all of them by default.
    pub remembers: Option<usize>,
}

impl Default for SignalWireOptions {
    fn default() -> SignalWireOptions {
        SignalWireOptions {
            space: "sandbox".into(),
            project: "2f0f6c1e-5a53-4d0b-9c7e-0c1d5b1f7a10".into(),
            token: "PT_sandbox_token".into(),
            signing_key: "PSK_sandbox_signing_key".into(),
            listen: None,
            step_delay: Duration::from_millis(30),
            manual: false,
            twilio_header: false,
            day_bounds: DayBounds::default(),
            faults: Faults::default(),
            seed: rand::random(),
            remembers: None,
        }
    }
}

/// A running double of `SignalWire`. A cheap handle; clones are the same double.
#[derive(Clone)]
pub struct SignalWire {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    options: SignalWireOptions,
    state: Mutex<State>,
}

impl SignalWire {
    /// Starts to listen and to answer.
    pub async fn start(options: SignalWireOptions) -> std::io::Result<SignalWire> {
        let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = TcpListener::bind(listen).await?;
        let (address, remembers) = (listener.local_addr()?, options.remembers);
        let core = Core::new("signalwire", address, options.faults.clone(), options.seed, remembers)?;
        let inner = Inner { core: Arc::new(core), options, state: Mutex::default() };
        let double = SignalWire { inner: Arc::new(inner) };
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

    /// The base URL, in place of `https://<space>.signalwire.com`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.core().address)
    }

    /// The options it was started with.
    pub fn options(&self) -> &SignalWireOptions {
        &self.inner.options
    }

    /// The faults, to add to or to clear.
    pub fn faults(&self) -> &Faults {
        &self.core().faults
    }

    /// The project buys a number.
    pub fn add_number(&self, number: &str) {
        let mut state = locked(&self.inner.state);
        if !state.owns(number) {
            state.numbers.push((number.to_owned(), None));
        }
    }

    /// Sets where a number's incoming texts are posted; buys the number if need be.
    pub fn set_webhook(&self, number: &str, inbound_url: &str) {
        self.add_number(number);
        let mut state = locked(&self.inner.state);
        for (_, url) in state.numbers.iter_mut().filter(|(known, _)| known == number) {
            *url = Some(inbound_url.to_owned());
        }
    }

    /// Decides what becomes of messages to this number from now on.
    pub fn script(&self, to: &str, fate: Fate) {
        locked(&self.inner.state).fates.insert(to.to_owned(), fate);
    }

    /// Decides what becomes of messages that contain this text, whoever they are to.
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

    /// Sent messages with the same sender, recipient and text as another, in groups.
    pub fn duplicates(&self) -> Vec<Vec<SmsMessage>> {
        let mut groups: Vec<Vec<SmsMessage>> = Vec::new();
        let mut known: HashMap<[String; 3], usize> = HashMap::new();
        let ours = |m: &SmsMessage| m.direction == "outbound-api" && !m.foreign;
        for message in self.messages().into_iter().filter(ours) {
            let same = [message.from.clone(), message.to.clone(), message.body.clone()];
            let at = *known.entry(same).or_insert(groups.len());
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

    /// Every API request received, in the order answered.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        locked(&self.core().log).clone()
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
            numbers.into_iter().map(|(number, url)| json!({ "number": number, "webhook_url": url }));
        let requests = self.requests();
        json!({
            "double": "signalwire",
            "url": self.url(),
            "space": self.inner.options.space,
            "project": self.inner.options.project,
            "numbers": numbers.collect::<Vec<_>>(),
            "conversations": conversations.collect::<Vec<_>>(),
            "complaints": self.complaints(),
            "requests": requests.iter().rev().take(100).collect::<Vec<_>>(),
            "requests_total": requests.len(),
            "faults_waiting": self.faults().waiting(),
            "faults_struck": self.faults().struck(),
        })
    }

    fn core(&self) -> &Arc<Core> {
        &self.inner.core
    }
}
