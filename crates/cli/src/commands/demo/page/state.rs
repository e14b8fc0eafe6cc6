//! `GET /state`: both ends and the table between them, as they are now.

use super::Shared;
use super::files::Shown as File;
use super::misbehaviour::Trouble;
use crate::commands::demo::cast::{Cast, NUMBER};
use crate::commands::demo::rows::Row;
use crate::commands::demo::script::PEOPLE;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use twinwire_sandbox::Operation;
use twinwire_sandbox::front::{Message, Source};
use twinwire_sandbox::signalwire::SmsMessage;

/// What the page shows.
#[derive(Serialize)]
pub(super) struct Shown {
    number: &'static str,
    people: BTreeMap<&'static str, &'static str>,
    trouble: Trouble,
    sms: Vec<Sms>,
    front: Vec<InFront>,
    rows: Vec<Row>,
}

/// A message at SignalWire.
#[derive(Serialize)]
struct Sms {
    sid: String,
    contact: String,
    inbound: bool,
    text: String,
    files: Vec<File>,
    status: String,
    at: i64,
    /// Its webhook was never sent.
    unannounced: bool,
}

/// A message in Front.
#[derive(Serialize)]
struct InFront {
    uid: String,
    contact: String,
    conversation: String,
    inbound: bool,
    author: String,
    text: String,
    files: Vec<File>,
    at: f64,
    /// Twinwire has taken it.
    taken: bool,
    error: Option<String>,
}

/// Shows everything.
pub(super) async fn show(State(shared): State<Shared>) -> Result<Json<Shown>, (StatusCode, String)> {
    let cast = &shared.cast;
    let rows = cast.rows().await;
    let rows = rows.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(Json(Shown {
        number: NUMBER,
        people: PEOPLE.into_iter().collect(),
        trouble: shared.misbehaviour.waiting(),
        sms: texts(cast),
        front: cast.front.all_messages(&cast.inbox).into_iter().map(in_front).collect(),
        rows,
    }))
}

fn texts(cast: &Cast) -> Vec<Sms> {
    let deliveries = cast.signalwire.deliveries();
    let lost = |message: &SmsMessage| {
        let about = deliveries
            .iter()
            .find(|sent| sent.about == message.sid && sent.operation == Operation::InboundWebhook);
        about.is_some_and(|sent| sent.answers.is_empty())
    };
    let sms = |message: SmsMessage| Sms {
        unannounced: lost(&message),
        files: File::on_phone(&message),
        contact: message.contact().to_owned(),
        inbound: message.direction == "inbound",
        at: message.date_created.timestamp_millis(),
        sid: message.sid,
        text: message.body,
        status: message.status,
    };
    cast.signalwire.messages().into_iter().map(sms).collect()
}

fn in_front(message: Message) -> InFront {
    let author = match message.source {
        Source::Agent => message.author.clone().unwrap_or_default(),
        Source::AutoReply => "Automatic reply".to_owned(),
        Source::Sync if message.is_inbound => String::new(),
        Source::Sync => "Twinwire".to_owned(),
    };
    InFront {
        files: File::in_front(&message),
        contact: message.contact().to_owned(),
        author,
        taken: message.external_id.is_some(),
        inbound: message.is_inbound,
        at: message.created_at * 1000.0,
        uid: message.message_uid,
        conversation: message.conversation_id,
        text: message.text,
        error: message.error,
    }
}
