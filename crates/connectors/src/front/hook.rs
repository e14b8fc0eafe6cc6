//! What Front posts to us: is it Front, and what does it say.

use super::config::APP_SECRET;
use super::id::{self, Name};
use super::json::{self, items, linked, name, word};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use twinwire_core::connector::{Channel, Reading, Unreadable, Unverified};
use twinwire_core::http::Hook;
use twinwire_core::media::File;
use twinwire_core::media::fit::essence;
use twinwire_core::observe::{Names, Observation, Ordered};
use twinwire_core::parts::Part;
use twinwire_core::payload::Payload;
use twinwire_core::phone;
use twinwire_core::setting::Settings;

const SIGNATURE: &str = "x-front-signature";
const TIMESTAMP: &str = "x-front-request-timestamp";
/// How old a request may be, and how far from the future.
const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// No phone number of a mobile has so few digits: it is a short code, even where a shorter number would be possible.
const SURELY_SHORT_CODE: usize = 6;
/// Files of one message that are looked at. No provider sends so many, and the agent is told that.
const MOST_FILES: usize = 50;
/// What Front writes as the text of a message that is a file alone.
const PLACEHOLDER: &str = "Attachment";

/// The signature stands over the timestamp as written and the bytes as received.
pub(super) fn verify(hook: &Hook<'_>, settings: &Settings, now: DateTime<Utc>) -> Result<(), Unverified> {
    let header = |name| hook.header(name).map(str::trim).filter(|value| !value.is_empty());
    let (Some(signature), Some(timestamp)) = (header(SIGNATURE), header(TIMESTAMP)) else {
        return Err(Unverified::Missing);
    };
    let secret = settings.get(APP_SECRET).ok_or(Unverified::NoKey)?;
    let signature = STANDARD.decode(signature).map_err(|_| Unverified::Invalid)?;
    let genuine = signed_bodies(hook).iter().any(|body| is_signed(secret, timestamp, body, &signature));
    if !genuine {
        return Err(Unverified::Invalid);
    }
    let at = json::instant(timestamp).ok_or(Unverified::Stale)?;
    if (now - at).abs() > WINDOW { Err(Unverified::Stale) } else { Ok(()) }
}

/// A request without a body may be signed as JavaScript writes the missing value.
fn signed_bodies<'a>(hook: &Hook<'a>) -> Vec<&'a [u8]> {
    let bodiless = ["DELETE", "GET"].iter().any(|method| hook.method.eq_ignore_ascii_case(method));
    if hook.body.is_empty() && bodiless { vec![b"undefined", b""] } else { vec![hook.body] }
}

fn is_signed(secret: &str, timestamp: &str, body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

/// The body says what it is; by which of our URLs it came does not matter.
pub(super) fn read(hook: &Hook<'_>, channel: &Channel) -> Result<Reading, Unreadable> {
    let removing = hook.method.eq_ignore_ascii_case("DELETE");
    if removing && hook.body.trim_ascii().is_empty() {
        return Ok(Reading { event: "delete".to_owned(), observations: vec![Observation::Disconnected] });
    }
    let envelope = json::parse(hook.body).filter(Value::is_object);
    let envelope = envelope.ok_or_else(|| Unreadable("The request is not valid JSON.".to_owned()))?;
    let event = word(&envelope["type"]).or_else(|| removing.then(|| "delete".to_owned()));
    let event = event.ok_or_else(|| Unreadable("The request does not say its type.".to_owned()))?;
    let observations = match event.as_str() {
        "authorization" => vec![connected(&envelope["payload"])?],
        "message" => orders(envelope, channel, |payload, _| id::of_message(payload))?,
        "message_autoreply" => orders(envelope, channel, id::of_autoreply)?,
        "message_imported" => imported(&envelope),
        "delete" => removed(&envelope["payload"], channel),
        _ => Vec::new(),
    };
    Ok(Reading { event, observations })
}

fn connected(payload: &Value) -> Result<Observation, Unreadable> {
    let helpdesk_channel_id = name(&payload["channel_id"])
        .ok_or_else(|| Unreadable("Front did not say which channel is to be connected.".to_owned()))?;
    Ok(Observation::Connected { helpdesk_channel_id })
}

/// The removal of an older connection of the same inbox must not take the present one down.
fn removed(payload: &Value, channel: &Channel) -> Vec<Observation> {
    match (word(&payload["channel_id"]), &channel.helpdesk_channel_id) {
        (Some(removed), Some(present)) if removed != *present => Vec::new(),
        _ => vec![Observation::Disconnected],
    }
}

/// A message that we put there: it tells its id, and is no order to send it.
fn imported(envelope: &Value) -> Vec<Observation> {
    let metadata = &envelope["metadata"];
    let conversation = items(&metadata["external_conversation_ids"])
        .find_map(name)
        .or_else(|| name(&metadata["external_conversation_id"]));
    id::at_helpdesk(&envelope["payload"], conversation).map(Observation::AtHelpdesk).into_iter().collect()
}

/// One order for each person; all of them or none.
fn orders(
    envelope: Value,
    channel: &Channel,
    name: impl Fn(&Value, &str) -> Option<Name>,
) -> Result<Vec<Observation>, Unreadable> {
    let envelope = Payload::from(envelope);
    let payload = &envelope["payload"];
    let files = files(payload);
    let body = text(payload, &files)?;
    let name = name(payload, &body).ok_or_else(|| {
        Unreadable("Front sent this message without an id, so it cannot be sent.".to_owned())
    })?;
    let order = |recipient: String| {
        Observation::Ordered(Ordered {
            external_id: id::external(&name.id, &recipient),
            second_choice: name.second_choice.as_ref().map(|other| Names {
                external_id: id::external(other, &recipient),
                helpdesk_message_id: other.clone(),
            }),
            helpdesk_message_id: name.id.clone(),
            thread: linked(&payload["_links"]["related"]["conversation"]),
            recipient,
            body: body.clone(),
            files: files.clone(),
            part: Part::WHOLE,
            data: envelope.clone(),
            occurred_at: word(&payload["created_at"]).as_deref().and_then(json::instant),
        })
    };
    Ok(recipients(payload, channel)?.into_iter().map(order).collect())
}

/// The people to whom it goes, each once however often and in whatever spelling they are named.
fn recipients(payload: &Value, channel: &Channel) -> Result<Vec<String>, Unreadable> {
    let mut recipients = Vec::new();
    for recipient in items(&payload["recipients"]).filter(|recipient| recipient["role"] == "to") {
        let handle = word(&recipient["handle"]).unwrap_or_default();
        let address = address(&handle, channel).ok_or_else(|| not_a_number(&handle))?;
        if !recipients.contains(&address) {
            recipients.push(address);
        }
    }
    if recipients.is_empty() {
        return Err(Unreadable(
            "This message has no recipient. Add a phone number under \u{201c}To\u{201d} and send it again."
                .to_owned(),
        ));
    }
    Ok(recipients)
}

/// A number in E.164, or a short code as it is; in the network of the channel's own address, which the handle may name
/// or not: what we put into Front has it, what agents type has not.
fn address(handle: &str, channel: &Channel) -> Option<String> {
    let region = channel.region.as_deref();
    let (network, _) = phone::network(&channel.address);
    let (_, handle) = phone::network(handle);
    if !network.is_empty() {
        return phone::e164(handle, region).map(|number| format!("{network}{number}"));
    }
    let short_code = || phone::is_short_code(handle).then(|| handle.to_owned());
    if handle.len() <= SURELY_SHORT_CODE {
        return short_code();
    }
    phone::e164(handle, region).or_else(short_code)
}

fn not_a_number(handle: &str) -> Unreadable {
    Unreadable(format!(
        "\u{201c}{handle}\u{201d} is not a phone number that a text message can be sent to. Write the number with its \
         country code, such as +1 201 555 0123, and send the message again. It was sent to nobody."
    ))
}

/// The files. Pictures inside a signature are no part of what the agent says; one that was pasted into the text is.
fn files(payload: &Value) -> Vec<File> {
    let signature = payload["signature"].to_string();
    let is_signatures = |file: &Value| {
        let inline = matches!(&file["metadata"]["is_inline"], Value::Bool(true));
        inline && word(&file["metadata"]["cid"]).is_some_and(|cid| signature.contains(&cid))
    };
    let attached = items(&payload["attachments"]).filter(|file| !file.is_null() && !is_signatures(file));
    let file = |file: &Value| File {
        // Without an address it can only be asked for in vain, and the agent is told so.
        url: Some(word(&file["url"]).unwrap_or_default()),
        content_type: word(&file["content_type"]).map(|kind| essence(&kind)),
        name: word(&file["filename"]),
        size: word(&file["size"]).and_then(|size| size.parse().ok()),
    };
    attached.take(MOST_FILES).map(file).collect()
}

/// Whether there are words in HTML that are nowhere else.
fn is_html_alone(payload: &Value) -> bool {
    let html = payload["body"].as_str().filter(|_| payload["text"].as_str().is_none()).unwrap_or_default();
    let mut in_a_tag = false;
    let words = html.replace("&nbsp;", " ");
    let words = words.chars().filter(|c| {
        let was = in_a_tag;
        in_a_tag = *c == '<' || (was && *c != '>');
        !was && !in_a_tag
    });
    let words: String = words.collect();
    !words.trim().is_empty() && words.trim() != PLACEHOLDER
}

/// The plain text, which may be missing where there are files. The HTML beside it is never turned into text: what would be
/// lost nobody could see.
fn text(payload: &Value, files: &[File]) -> Result<String, Unreadable> {
    let written = match &payload["text"] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => payload["body"].as_str().filter(|body| !body.contains(['<', '&'])).map(str::to_owned),
    };
    // Front writes this word itself where an agent sends a file alone.
    let written = written.filter(|text| files.is_empty() || text.trim() != PLACEHOLDER);
    let written = written.filter(|text| !text.trim().is_empty());
    if written.is_none() && !files.is_empty() && is_html_alone(payload) {
        return Err(Unreadable(
            "The text of this message came as HTML alone, and the files are not sent without it. Write it again and \
             send it with the files."
                .to_owned(),
        ));
    }
    written.or_else(|| (!files.is_empty()).then(String::new)).ok_or_else(|| {
        Unreadable(
            "This message has no text, so there is nothing to send. Write a text and send it again."
                .to_owned(),
        )
    })
}
