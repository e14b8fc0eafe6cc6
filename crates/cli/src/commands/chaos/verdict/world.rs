//! What both doubles hold, by conversation.

use super::super::plan::Ending;
use super::super::stage::Stage;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use twinwire_sandbox::LoggedRequest;
use twinwire_sandbox::front::{Message, Source};
use twinwire_sandbox::signalwire::SmsMessage;

/// A conversation: our number and the customer's.
pub(super) type Place = (String, String);

/// A message in Front.
#[derive(Clone, Debug, Default)]
pub(super) struct InFront {
    pub(super) uid: String,
    pub(super) external_id: String,
    pub(super) inbound: bool,
    /// Twinwire brought it in; otherwise an agent wrote it.
    pub(super) synced: bool,
    pub(super) text: String,
    /// Whether the agent sees it as not sent.
    pub(super) failed: bool,
}

/// A message at the provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Sms {
    pub(super) sid: String,
    /// Twinwire's name of it, from the address to which its status is posted. Empty where there is none.
    pub(super) reference: String,
    pub(super) inbound: bool,
    /// Another application sent it.
    pub(super) foreign: bool,
    pub(super) text: String,
    pub(super) created: DateTime<Utc>,
    /// When its webhook was answered with 200.
    pub(super) taken: Option<DateTime<Utc>>,
}

/// The messages of both sides, in the order in which they came, and what the doubles have to complain of.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) front: HashMap<Place, Vec<InFront>>,
    pub(super) provider: HashMap<Place, Vec<Sms>>,
    pub(super) complaints: Vec<String>,
}

impl World {
    pub(super) fn look(stage: &Stage) -> Self {
        let mut world = Self { complaints: complaints(stage), ..Self::default() };
        for channel in stage.front.channels() {
            // A conversation without a name, or with two, is nobody's: what is in it was not asked for.
            let conversations = stage.front.conversations(&channel.id).into_iter();
            let named: HashMap<String, String> =
                conversations.map(|known| (known.id, known.external_ids.join(" and "))).collect();
            let line = stage.lines.iter().find(|line| line.inbox == channel.id);
            let number = line.map_or(&channel.id, |line| &line.number);
            for message in stage.front.all_messages(&channel.id) {
                let phone = named.get(&message.conversation_id).cloned().unwrap_or_default();
                world.front.entry((number.clone(), phone)).or_default().push(in_front(message));
            }
        }
        for message in stage.signalwire.messages() {
            let place = (message.own_number().to_owned(), message.contact().to_owned());
            let taken = stage.signalwire.taken_at(&message.sid);
            world.provider.entry(place).or_default().push(at_provider(message, taken));
        }
        world
    }
}

fn in_front(message: Message) -> InFront {
    InFront {
        uid: message.message_uid,
        external_id: message.external_id.unwrap_or_default(),
        inbound: message.is_inbound,
        synced: message.source == Source::Sync,
        text: message.text,
        failed: message.error.is_some(),
    }
}

fn at_provider(message: SmsMessage, taken: Option<DateTime<Utc>>) -> Sms {
    Sms {
        reference: message.status_callback.as_deref().and_then(reference).unwrap_or_default(),
        inbound: message.direction == "inbound",
        sid: message.sid,
        foreign: message.foreign,
        text: message.body,
        created: message.date_created,
        taken,
    }
}

fn reference(callback: &str) -> Option<String> {
    let url = url::Url::parse(callback).ok()?;
    url.query_pairs().find(|(name, _)| name == "ref").map(|(_, value)| value.into_owned())
}

/// What Twinwire said wrongly to a vendor, and channels that Front shows as down. A webhook that no worker answered is a
/// dead worker's.
fn complaints(stage: &Stage) -> Vec<String> {
    let dead =
        |complaint: &&String| complaint.contains("no answer to") || complaint.contains("was answered with 5");
    let mut all: Vec<String> =
        stage.signalwire.complaints().iter().filter(|complaint| !dead(complaint)).cloned().collect();
    let mark = Ending::Refused.mark().trim_matches([' ', '(', ')']).replace(' ', "+");
    let malformed = |request: &&LoggedRequest| {
        let on_purpose = request.status == Some(422) && request.body.contains(&mark);
        let wrong = matches!(request.status, Some(400 | 401 | 403 | 405 | 415 | 422));
        request.fault.is_none() && wrong && !on_purpose
    };
    for (vendor, requests) in [("Front", stage.front.requests()), ("SignalWire", stage.signalwire.requests())]
    {
        let wrong = requests.iter().filter(malformed);
        all.extend(wrong.map(|request| {
            let status = request.status.unwrap_or_default();
            format!("{vendor} refused {} {} with {status}: {}", request.method, request.path, request.body)
        }));
    }
    let down = stage.front.channels().into_iter().filter(|channel| channel.status != "ok");
    all.extend(down.map(|channel| format!("{} is {} in Front", channel.address, channel.status)));
    all
}
