//! Files of messages at the providers whose APIs are Twilio's: how their webhooks and resources show them.

use crate::fault::json;
use crate::lenient::{text, word};
use chrono::TimeDelta;
use serde_json::Value;
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Answer, Method, Request};
use twinwire_core::media::File;
use twinwire_core::media::fit::essence;
use twinwire_core::outcome::{Outcome, Refusal, RefusalKind};
use url::Url;

/// Files of one message that are looked at; nobody sends more.
const MOST: usize = 20;
/// A layout for phones that were forgotten long ago, and nothing that a person would miss.
const LAYOUT: &str = "application/smil";
/// So long a file that is told of may not be there yet (Twilio, support article 44750147594523, read 2026-11).
const NOT_YET: TimeDelta = TimeDelta::minutes(2);

/// The files that a webhook shows, by number.
pub(crate) fn in_hook(fields: &Value) -> Vec<File> {
    (0..count(fields, "NumMedia")).filter_map(|nth| numbered(fields, nth)).collect()
}

fn numbered(fields: &Value, nth: usize) -> Option<File> {
    let content_type = word(fields, &format!("MediaContentType{nth}"));
    let url = word(fields, &format!("MediaUrl{nth}"));
    named(url, content_type)
}

/// As many files as a resource says there are; it does not name them.
pub(crate) fn in_resource(resource: &Value) -> Vec<File> {
    File::unnamed(count(resource, "num_media"))
}

fn count(fields: &Value, name: &str) -> usize {
    text(fields, name).and_then(|count| count.trim().parse().ok()).unwrap_or(0).min(MOST)
}

/// The files that a list of them names; none when it is no such list. `base` is where the API is.
pub(crate) fn in_list(body: &Value, base: &str) -> Option<Vec<File>> {
    let listed = body.get("media_list")?.as_array()?;
    let one = |media: &Value| {
        let uri = word(media, "uri")?;
        let uri = uri.strip_suffix(".json").unwrap_or(&uri);
        let url = if uri.starts_with('/') { format!("{base}{uri}") } else { uri.to_owned() };
        named(Some(url), word(media, "content_type"))
    };
    Some(listed.iter().take(MOST).filter_map(one).collect())
}

fn named(url: Option<String>, content_type: Option<String>) -> Option<File> {
    let content_type = content_type.map(|content_type| essence(&content_type));
    (content_type.as_deref() != Some(LAYOUT)).then_some(File { url, content_type, ..File::default() })
}

/// The request for a file: with credentials only at the API's own address, and without at another one over TLS. Whether
/// that other host is to be trusted is for the sender to say, which knows the vendor's hosts.
pub(crate) fn request(url: &str, base: &str, credentials: Request) -> Result<Request, Refusal> {
    let nowhere = || Refusal::permanent(None, "its address is not one that can be fetched from");
    let (target, api) = (Url::parse(url).map_err(|_| nowhere())?, Url::parse(base).map_err(|_| nowhere())?);
    let plain = target.username().is_empty() && target.password().is_none();
    let accept = ("accept", "*/*".to_owned());
    if plain && target.origin() == api.origin() {
        let mut headers = credentials.headers;
        headers.retain(|(name, _)| *name != "accept");
        headers.push(accept);
        return Ok(Request { url: target.into(), headers, ..credentials });
    }
    if plain && target.scheme() == "https" {
        let request = Request { url: target.into(), headers: vec![accept], ..credentials };
        return Ok(Request { method: Method::Get, body: Vec::new(), ..request });
    }
    Err(nowhere())
}

/// What it means that a file, or the list of a message's files, is not there; none when the answer says something else. A
/// list is asked for only where there are files: one without any is not all of it yet, or not any more.
pub(crate) fn gone(call: &Call<'_>, context: &Context<'_>, answer: &Answer) -> Option<Outcome> {
    let (Call::File { message, .. } | Call::Files(message)) = call else { return None };
    let kind = match answer.status {
        404 if context.now - message.seen_at < NOT_YET => RefusalKind::Later,
        403 | 404 | 410 => RefusalKind::Permanent,
        _ if !lists_none(call, answer) => return None,
        _ if context.now - message.seen_at < NOT_YET => RefusalKind::Later,
        _ => RefusalKind::Permanent,
    };
    Some(Outcome::Refused(Refusal { kind, code: None, message: "it is not there any more".to_owned() }))
}

fn lists_none(call: &Call<'_>, answer: &Answer) -> bool {
    let empty = |body: Value| body.get("media_list").and_then(Value::as_array).is_some_and(Vec::is_empty);
    matches!(call, Call::Files(_)) && answer.is_success() && json(&answer.body).is_some_and(empty)
}
