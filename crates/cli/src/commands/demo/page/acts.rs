//! What a person can do on the page. Only JSON is taken, which other sites cannot send without being asked back.

use super::Shared;
use super::misbehaviour::Trouble;
use crate::commands::demo::cast::NUMBER;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use twinwire_core::phone::e164;

/// What the vendors' own pages take at most.
const LONGEST: usize = 1600;

type Answer = Result<Json<Value>, (StatusCode, String)>;

/// A customer's text.
#[derive(Deserialize)]
pub(super) struct Texted {
    from: String,
    text: String,
}

/// An agent's message: a reply in a conversation, or a new one to a number.
#[derive(Deserialize)]
pub(super) struct Written {
    conversation: Option<String>,
    to: Option<String>,
    text: String,
}

/// What goes wrong next.
#[derive(Deserialize)]
pub(super) struct Chosen {
    trouble: Trouble,
}

/// `POST /customer`
pub(super) async fn customer(State(shared): State<Shared>, Json(texted): Json<Texted>) -> Answer {
    let text = checked(&texted.text)?;
    let from = e164(&texted.from, shared.cast.channel.channel.region.as_deref());
    let from = from.ok_or_else(|| refuse("That is no phone number: write it like +1 415 555 0134."))?;
    shared.cast.signalwire.customer_texts(&from, NUMBER, text).await;
    Ok(Json(json!({ "contact": from })))
}

/// `POST /agent`
pub(super) async fn agent(State(shared): State<Shared>, Json(written): Json<Written>) -> Answer {
    let (cast, text) = (&shared.cast, checked(&written.text)?);
    let known = cast.front.conversations(&cast.inbox);
    let known = known.into_iter().find(|known| Some(&known.id) == written.conversation.as_ref());
    let to = known.as_ref().and_then(|known| known.contacts.first()).or(written.to.as_ref());
    let to = to.map(|to| to.trim()).filter(|to| !to.is_empty());
    let to = to.ok_or_else(|| refuse("Write a phone number under “To”."))?;
    // Front takes what the agent typed; that it is no number is for Twinwire to say.
    let contact = e164(to, cast.channel.channel.region.as_deref()).unwrap_or_else(|| to.to_owned());
    shared.misbehaviour.befall(&contact);
    let sent = match &known {
        Some(known) => cast.front.agent_replies(&cast.inbox, &known.id, text).await,
        None => cast.front.agent_writes(&cast.inbox, &[&contact], text).await,
    };
    let sent = sent.map_err(|error| refuse(&error.to_string()))?;
    Ok(Json(json!({ "contact": sent.message.contact() })))
}

/// `POST /misbehave`
pub(super) async fn misbehave(State(shared): State<Shared>, Json(chosen): Json<Chosen>) -> Answer {
    shared.misbehaviour.choose(chosen.trouble);
    shared.live.changed();
    Ok(Json(json!({})))
}

/// `POST /backfill`
pub(super) async fn backfill(State(shared): State<Shared>, Json(_): Json<Value>) -> Answer {
    let done = shared.cast.backfill().await;
    let done = done.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    match done.error {
        Some(error) => Err((StatusCode::BAD_GATEWAY, error)),
        None => Ok(Json(json!({ "seen": done.seen, "inserted": done.inserted, "updated": done.updated }))),
    }
}

fn checked(text: &str) -> Result<&str, (StatusCode, String)> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(refuse("Write something first.")),
        1..=LONGEST => Ok(text),
        _ => Err(refuse("That is too long for an SMS: 1600 characters at most.")),
    }
}

fn refuse(why: &str) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, why.to_owned())
}
