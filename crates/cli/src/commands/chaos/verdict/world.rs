//! What all doubles hold, by conversation.

use super::super::files::File;
use super::super::plan::Ending;
use super::super::stage::Stage;
use super::files::{self, Struck};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use twinwire_sandbox::front::{Message, Source};
use twinwire_sandbox::signalwire::SmsMessage;
use twinwire_sandbox::{LoggedRequest, Media};

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
    pub(super) files: Vec<File>,
    /// Whether the agent sees it as not sent.
    pub(super) failed: bool,
}

/// A message at the provider.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub(super) struct Sms {
    pub(super) sid: String,
    /// Twinwire's name of it, from the address to which its status is posted. Empty where there is none.
    pub(super) reference: String,
    pub(super) inbound: bool,
    /// Another application sent it.
    pub(super) foreign: bool,
    pub(super) text: String,
    pub(super) files: Vec<File>,
    /// The text itself was one of the files.
    pub(super) text_in_a_part: bool,
    /// It failed because nobody answered when the provider came for its files.
    pub(super) not_fetched: bool,
    /// Requests for its files that met a fault.
    pub(super) struck: usize,
    pub(super) created: DateTime<Utc>,
    /// When its webhook was answered with 200.
    pub(super) taken: Option<DateTime<Utc>>,
}

/// The messages of all vendors, in the order in which they came, and what the doubles have to complain of.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) front: HashMap<Place, Vec<InFront>>,
    /// Of each provider: what one sends from another one's number is nobody's.
    pub(super) providers: HashMap<(&'static str, Place), Vec<Sms>>,
    pub(super) complaints: Vec<String>,
}

impl World {
    pub(super) fn look(stage: &Stage) -> Self {
        let mut world = Self { complaints: complaints(stage), ..Self::default() };
        for channel in stage.doubles.front.channels() {
            // A conversation without a name, or with two, is nobody's: what is in it was not asked for.
            let conversations = stage.doubles.front.conversations(&channel.id).into_iter();
            let named: HashMap<String, String> =
                conversations.map(|known| (known.id, known.external_ids.join(" and "))).collect();
            let line = stage.lines.iter().find(|line| line.inbox == channel.id);
            let number = line.map_or(&channel.id, |line| &line.number);
            for message in stage.doubles.front.all_messages(&channel.id) {
                let phone = named.get(&message.conversation_id).cloned().unwrap_or_default();
                world.front.entry((number.clone(), phone)).or_default().push(in_front(message));
            }
        }
        for provider in &stage.doubles.providers {
            let struck = files::struck(&provider.sms.requests());
            for message in provider.sms.messages() {
                let place = (message.own_number().to_owned(), message.contact().to_owned());
                let taken = provider.sms.taken_at(&message.sid);
                let there = world.providers.entry((provider.title(), place)).or_default();
                there.push(at_provider(message, taken, &struck));
            }
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
        files: message
            .attachments
            .iter()
            .map(|file| files::as_it_is(&file.content_type, &file.bytes))
            .collect(),
        failed: message.error.is_some(),
    }
}

fn at_provider(message: SmsMessage, taken: Option<DateTime<Utc>>, struck: &Struck) -> Sms {
    let inbound = message.direction == "inbound";
    let (text, own): (Vec<&Media>, Vec<&Media>) = message.media.iter().partition(|file| {
        inbound && file.content_type == "text/plain" && *file.bytes == *message.body.as_bytes()
    });
    Sms {
        reference: message.status_callback.as_deref().and_then(reference).unwrap_or_default(),
        inbound,
        files: own.iter().map(|file| files::as_it_is(&file.content_type, &file.bytes)).collect(),
        text_in_a_part: !text.is_empty(),
        not_fetched: message.status == "failed"
            && message.media_problem.as_deref().is_some_and(files::was_not_answered),
        struck: struck.of(&message),
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

/// What Twinwire said wrongly to a vendor, and channels that Front shows as down.
fn complaints(stage: &Stage) -> Vec<String> {
    let front = &stage.doubles.front;
    let mut all: Vec<String> = malformed("Front", None, &front.requests()).collect();
    all.extend(files::credentials_at("Front", front.storage_refused()));
    for provider in &stage.doubles.providers {
        // A webhook that no worker answered is a dead worker's.
        let dead = |said: &String| said.contains("no answer to") || said.contains("was answered with 5");
        all.extend(provider.sms.complaints().into_iter().filter(|complaint| !dead(complaint)));
        all.extend(files::credentials_at(provider.title(), provider.sms.storage_refused()));
        let requests = provider.sms.requests();
        all.extend(malformed(provider.title(), Some(provider.refuses_with()), &requests));
    }
    let down = front.channels().into_iter().filter(|channel| channel.status != "ok");
    all.extend(down.map(|channel| format!("{} is {} in Front", channel.address, channel.status)));
    all
}

/// Calls that a vendor refused as malformed. `on_purpose` is the status of what it was made to refuse.
fn malformed(
    vendor: &str,
    on_purpose: Option<u16>,
    requests: &[LoggedRequest],
) -> impl Iterator<Item = String> {
    let mark = Ending::Refused.mark().trim_matches([' ', '(', ')']).replace(' ', "+");
    let wrong = move |request: &&LoggedRequest| {
        let asked_for = request.status == on_purpose && request.body.contains(&mark);
        let wrong = matches!(request.status, Some(400 | 401 | 403 | 405 | 415 | 422));
        request.fault.is_none() && wrong && !asked_for
    };
    requests.iter().filter(wrong).map(move |request| {
        let status = request.status.unwrap_or_default();
        format!("{vendor} refused {} {} with {status}: {}", request.method, request.path, request.body)
    })
}
