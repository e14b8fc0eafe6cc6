//! What a person can do on the page. Only JSON is taken, which other sites cannot send without being asked back.

use super::Shared;
use super::files::Picked;
use super::misbehaviour::Trouble;
use crate::commands::demo::cast::NUMBER;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use twinwire_core::phone::e164;
use twinwire_sandbox::MediaFile;
use twinwire_sandbox::front::AgentMessage;

/// What a phone sends as one text.
const LONGEST_TEXT: usize = 1_600;
/// An agent may write more than goes out in all parts together: that it is too long is for Twinwire to say.
const LONGEST_MESSAGE: usize = 20_000;

type Answer = Result<Json<Value>, (StatusCode, String)>;

/// A customer's text.
#[derive(Deserialize)]
pub(super) struct Texted {
    from: String,
    text: String,
    picture: Option<Picked>,
}

/// An agent's message: a reply in a conversation, or a new one to a number.
#[derive(Deserialize)]
pub(super) struct Written {
    conversation: Option<String>,
    to: Option<String>,
    text: String,
    picture: Option<Picked>,
}

/// What goes wrong next.
#[derive(Deserialize)]
pub(super) struct Chosen {
    trouble: Trouble,
}

/// `POST /customer`
pub(super) async fn customer(State(shared): State<Shared>, Json(texted): Json<Texted>) -> Answer {
    let (text, files) = checked(&texted.text, texted.picture.as_ref(), LONGEST_TEXT)?;
    let from = e164(&texted.from, shared.cast.channel.channel.region.as_deref());
    let from = from.ok_or_else(|| refuse("That is no phone number: write it like +1 415 555 0134."))?;
    shared.cast.signalwire.customer_texts_with(&from, NUMBER, text, files).await;
    Ok(Json(json!({ "contact": from })))
}

/// `POST /agent`
pub(super) async fn agent(State(shared): State<Shared>, Json(written): Json<Written>) -> Answer {
    let cast = &shared.cast;
    let (text, files) = checked(&written.text, written.picture.as_ref(), LONGEST_MESSAGE)?;
    let known = cast.front.conversations(&cast.inbox);
    let known = known.into_iter().find(|known| Some(&known.id) == written.conversation.as_ref());
    let to = known.as_ref().and_then(|known| known.contacts.first()).or(written.to.as_ref());
    let to = to.map(|to| to.trim()).filter(|to| !to.is_empty());
    let to = to.ok_or_else(|| refuse("Write a phone number under “To”."))?;
    // Front takes what the agent typed; that it is no number is for Twinwire to say.
    let contact = e164(to, cast.channel.channel.region.as_deref()).unwrap_or_else(|| to.to_owned());
    shared.misbehaviour.befall(&contact);
    let message = match &known {
        Some(known) => AgentMessage::reply(&known.id),
        None => AgentMessage::to(&[&contact]),
    };
    let message = files.into_iter().fold(message.text(text), AgentMessage::with);
    let sent = cast.front.agent_sends(&cast.inbox, message).await;
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

/// What is sent: a text, a picture, or both.
fn checked<'a>(
    text: &'a str,
    picture: Option<&Picked>,
    longest: usize,
) -> Result<(&'a str, Vec<MediaFile>), (StatusCode, String)> {
    let text = text.trim();
    let picture = picture.map(Picked::file).transpose().map_err(refuse)?;
    match text.chars().count() {
        0 if picture.is_none() => Err(refuse("Write something first, or pick a picture.")),
        count if count > longest => Err(refuse(&format!("That is too long: {longest} characters at most."))),
        _ => Ok((text, picture.into_iter().collect())),
    }
}

fn refuse(why: &str) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, why.to_owned())
}
