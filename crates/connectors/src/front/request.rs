//! What we ask of Front.

use super::config::Config;
use super::multipart;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use twinwire_core::connector::{Call, Context};
use twinwire_core::http::{Method, Request};
use twinwire_core::media::text_with_lines;
use twinwire_core::model::{Direction, Message};
use twinwire_core::outcome::{Refusal, RefusalKind};
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Front takes no token that lives longer.
const TOKEN_SECONDS: i64 = 30;
/// Front takes no longer id.
const LONGEST_ID: usize = 200;
/// Front refuses a message without a body.
const NO_TEXT: &str = "(no text)";
/// What stands in its place where there are files to look at.
const WITH_FILES: &str = "(see the attachment)";
/// A request with files takes longer; as long as a look-up can still wait for it (see the settling time in the caps).
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);
const PATH_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Makes the request for a call.
pub(super) fn build(call: &Call<'_>, context: &Context<'_>) -> Result<Request, Refusal> {
    match *call {
        Call::Deliver(message) => deliver(message, context),
        Call::LookUp { page, .. } => look_up(page, context),
        Call::Report { message, reason } => report(message, reason, context),
        Call::Note { message, external_id, text } => note(message, external_id, text, context),
        Call::File { url, .. } => file(url, context),
        Call::List { .. } | Call::Files(_) | Call::Fetch { .. } | Call::ReadHook | Call::SetHook { .. } => {
            Err(Refusal::permanent(None, "not supported by Front"))
        }
        Call::Show { works } => show(works, context),
        Call::Check => check(context),
    }
}

fn deliver(message: &Message, context: &Context<'_>) -> Result<Request, Refusal> {
    let api = Api::of(context)?;
    let carried: Vec<usize> = context.files.iter().map(|file| file.nth).collect();
    let text = text_with_lines(message, &carried);
    let mut body = content(&text, message.occurred_at, &message.external_id, &message.conversation)?;
    if text.is_empty() && !carried.is_empty() {
        body["body"] = WITH_FILES.into();
    }
    let kind = match message.direction {
        Direction::Inbound => {
            body["sender"] = json!({ "handle": message.sender });
            "inbound_messages"
        }
        Direction::Outbound => {
            body["to"] = json!([{ "handle": message.recipient }]);
            "outbound_messages"
        }
    };
    let mut request = api.request(Method::Post, api.of_channel(kind), Some(&body));
    if !context.files.is_empty() {
        // In JSON, files would be dropped without a word.
        let (content_type, body) = multipart::write(&body, context.files, context.nonce);
        request.headers.retain(|(name, _)| *name != "content-type");
        request.headers.push(("content-type", content_type));
        (request.body, request.timeout) = (body, UPLOAD_TIMEOUT);
    }
    Ok(request)
}

/// A file of an agent's message. What Front names is text from outside: our token goes to Front alone.
fn file(url: &str, context: &Context<'_>) -> Result<Request, Refusal> {
    let api = Api::of(context)?;
    let url = callable(url, api.config.api_url)
        .filter(|url| Url::parse(url).is_ok_and(|url| url.path().contains("/download/")))
        .ok_or_else(|| Refusal::permanent(None, "Front named an address that is not one of Front's files"))?;
    let mut request = api.request(Method::Get, url, None);
    request.headers.retain(|(name, _)| *name != "accept");
    request.headers.push(("accept", "*/*".to_owned()));
    Ok(request)
}

/// Front has no notes on a channel: a message from the customer is the one thing that an agent surely sees.
fn note(message: &Message, external_id: &str, text: &str, context: &Context<'_>) -> Result<Request, Refusal> {
    let api = Api::of(context)?;
    let mut body = content(text, context.now, external_id, &message.conversation)?;
    body["sender"] = json!({ "handle": message.recipient });
    Ok(api.request(Method::Post, api.of_channel("inbound_messages"), Some(&body)))
}

fn report(message: &Message, reason: &str, context: &Context<'_>) -> Result<Request, Refusal> {
    let api = Api::of(context)?;
    let conversation = part(id(&message.conversation)?)?;
    // Front knows a text that went out in parts by the first of them.
    let path = format!("conversations/{conversation}/messages/{}/status", part(id(message.whole_id())?)?);
    let body = json!({ "status": "failed", "reason": reason });
    Ok(api.request(Method::Put, api.of_channel(&path), Some(&body)))
}

/// `PATCH /channels/{id}` takes `ok` and `offline` (Channel API, update-channel, read 2026-11).
fn show(works: bool, context: &Context<'_>) -> Result<Request, Refusal> {
    let api = Api::of(context)?;
    let body = json!({ "status": if works { "ok" } else { "offline" } });
    let url = format!("{}/channels/{}", api.config.api_url, api.channel);
    Ok(api.request(Method::Patch, url, Some(&body)))
}

fn look_up(page: Option<&str>, context: &Context<'_>) -> Result<Request, Refusal> {
    let api = Api::of(context)?;
    let url = match (page, context.thread) {
        (Some(page), _) => callable(page, api.config.api_url).ok_or_else(|| {
            Refusal::permanent(None, "Front named a further page at an address that is not Front's")
        })?,
        (None, Some(thread)) => {
            format!("{}/conversations/{}/messages?limit=100", api.config.api_url, part(thread)?)
        }
        (None, None) => return Err(Refusal::later("the conversation's id at Front is not known yet")),
    };
    Ok(api.request(Method::Get, url, None))
}

/// What a token for a channel may surely read is a conversation of it.
fn check(context: &Context<'_>) -> Result<Request, Refusal> {
    let Some(thread) = context.thread else {
        let why = "its credentials can only be tried once the channel is connected and has a conversation";
        return Err(Refusal::permanent(None, why));
    };
    let api = Api::of(context)?;
    let url = format!("{}/conversations/{}/messages?limit=1", api.config.api_url, part(thread)?);
    Ok(api.request(Method::Get, url, None))
}

/// What is the same in everything that we put into Front.
fn content(text: &str, at: DateTime<Utc>, external_id: &str, conversation: &str) -> Result<Value, Refusal> {
    Ok(json!({
        "body": if text.trim().is_empty() { NO_TEXT } else { text },
        "delivered_at": at.timestamp(),
        "metadata": { "external_id": id(external_id)?, "external_conversation_id": id(conversation)? },
    }))
}

fn id(id: &str) -> Result<&str, Refusal> {
    if id.chars().count() > LONGEST_ID {
        return Err(Refusal::permanent(
            None,
            format!("Front takes no id of more than {LONGEST_ID} characters"),
        ));
    }
    Ok(id)
}

/// One part of a path. Dots alone lead to another place, and encoded ones as well.
fn part(id: &str) -> Result<String, Refusal> {
    if matches!(id, "" | "." | "..") {
        return Err(Refusal::permanent(None, "this is not an id of Front's"));
    }
    Ok(utf8_percent_encode(id, PATH_PART).to_string())
}

/// A page's address, if our token may go there: where the API is configured to be, or a company's own host at Front.
fn callable(page: &str, api_url: &str) -> Option<String> {
    let (page, api) = (Url::parse(page).ok()?, Url::parse(api_url).ok()?);
    let at_front = page.scheme() == "https"
        && page.port().is_none()
        && page.host_str().is_some_and(|host| host.ends_with(".api.frontapp.com"));
    let plain = page.username().is_empty() && page.password().is_none();
    (plain && (at_front || page.origin() == api.origin())).then(|| page.into())
}

/// What a request needs beside its own contents.
struct Api<'a> {
    config: Config<'a>,
    /// The channel's id, as a part of a path.
    channel: String,
    token: String,
}

impl<'a> Api<'a> {
    fn of(context: &Context<'a>) -> Result<Self, Refusal> {
        let config = Config::of(context.settings).map_err(|missing| unusable(missing.to_string()))?;
        let channel = context.channel.and_then(|channel| channel.helpdesk_channel_id.as_deref());
        let channel = channel.ok_or_else(|| Refusal::later("the channel is not connected in Front yet"))?;
        let token = token(&config, channel, context.now, context.nonce)?;
        Ok(Self { config, channel: part(channel)?, token })
    }

    fn of_channel(&self, path: &str) -> String {
        format!("{}/channels/{}/{path}", self.config.api_url, self.channel)
    }

    fn request(&self, method: Method, url: String, body: Option<&Value>) -> Request {
        let mut headers = vec![
            ("authorization", format!("Bearer {}", self.token)),
            ("accept", "application/json".to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        Request { method, url, headers, body, timeout: TIMEOUT }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    jti: String,
    sub: &'a str,
    exp: i64,
}

/// A token for this one request: it lives so short that a retry needs a new one.
fn token(config: &Config<'_>, channel: &str, now: DateTime<Utc>, nonce: u128) -> Result<String, Refusal> {
    let exp = now.timestamp() + TOKEN_SECONDS;
    let claims = Claims { iss: config.app_id, jti: format!("{nonce:032x}"), sub: channel, exp };
    let key = EncodingKey::from_secret(config.app_secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|error| unusable(format!("no token for Front could be signed: {error}")))
}

/// Only the operator can help.
fn unusable(message: String) -> Refusal {
    Refusal { kind: RefusalKind::Credentials, code: None, message }
}
