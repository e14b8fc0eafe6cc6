//! Accepting a message, or refusing it.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;
use tokio::sync::oneshot;

use super::Sms;
use super::dialect::Wrong;
use super::model::{Fate, SmsMessage};
use super::routes::{Call, json_response};
use super::state::New;
use crate::core::{Refusal, refused};
use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};

impl Sms {
    pub(super) async fn send(&self, call: &Call) -> Result<Response, Refusal> {
        let (dialect, setup) = (self.inner.dialect, &self.inner.setup);
        let media: Vec<String> = media(call).map(str::to_owned).collect();
        let to = call.field("To").unwrap_or_default();
        let (service, from) = {
            let state = locked(&self.inner.state);
            let checked = (dialect.check)(call, &state);
            checked.map_err(|(code, message)| refused(dialect.refused, code, message))?;
            // The service picks the sender where none is named.
            let service = call.field("MessagingServiceSid").filter(|sid| state.numbers_of(sid).is_some());
            let from = call.field("From").or_else(|| state.picked(service?, to)).unwrap_or_default();
            (service, from.to_owned())
        };
        let body = &(dialect.rewrite)(call, call.field("Body").unwrap_or_default());
        let fate = locked(&self.inner.state).fate(to, body);
        if let Fate::RefuseSync { status, code, message } = &fate {
            return Err(refused(*status, *code, message.as_str()));
        }
        let strange = self.core().faults.take(Stage::Acceptance, Operation::SendMessage, to, body);
        let sid = self.sid(!media.is_empty());
        let new = New { sid, from: &from, to, body, inbound: false, at: Utc::now() };
        let message = locked(&self.inner.state).add(new, |message| {
            message.media_urls = media;
            message.messaging_service_sid = service.map(str::to_owned);
            if service.is_some() {
                "accepted".clone_into(&mut message.status);
            }
            message.status_callback = call.field("StatusCallback").map(str::to_owned);
            distort(message, strange.as_ref());
        });
        self.core().changed("message", &message.sid);
        // What was accepted takes its course, also when whoever asked hangs up meanwhile.
        let (double, sent) = (self.clone(), message.clone());
        let (going, gone) = oneshot::channel();
        self.core().background.spawn(async move {
            double.live(&sent, &fate).await;
            going.send(()).ok();
        });
        gone.await.ok();
        let accepted = (dialect.resource)(&message, &setup.account);
        Ok(json_response(StatusCode::CREATED, &accepted))
    }
}

/// Longest text of either vendor.
const LONGEST_BODY: usize = 1600;

/// What a vendor takes, and the codes of what it does not take.
pub(crate) struct Limits {
    /// Most files of a message.
    pub(crate) media: usize,
    /// The code of a callback URL that is none.
    pub(crate) callback: i64,
    /// The longest validity in seconds, and the code of another one.
    pub(crate) validity: u32,
    pub(crate) not_valid: i64,
}

/// What is wrong with the contents of a send, if anything.
pub(crate) fn contents(call: &Call, limits: &Limits) -> Result<(), Wrong> {
    let body = call.field("Body").unwrap_or_default();
    if body.is_empty() && media(call).next().is_none() {
        return Err((21602, "A message body or media is required"));
    }
    if body.chars().count() > LONGEST_BODY {
        return Err((21617, "The message body exceeds the maximum length"));
    }
    if media(call).count() > limits.media {
        return Err((21623, "Too many media URLs"));
    }
    if media(call).any(|link| !is_link(link)) {
        return Err((21620, "A media URL is not valid"));
    }
    if call.field("StatusCallback").is_some_and(|link| !is_link(link)) {
        return Err((limits.callback, "The StatusCallback URL is not valid"));
    }
    let validity = call.field("ValidityPeriod").map(str::parse::<u32>);
    if validity.is_some_and(|secs| !secs.is_ok_and(|secs| (1..=limits.validity).contains(&secs))) {
        return Err((limits.not_valid, "The ValidityPeriod is not valid"));
    }
    Ok(())
}

/// The addresses of the files of a send.
pub(crate) fn media(call: &Call) -> impl Iterator<Item = &str> {
    let given = call.fields.iter().filter(|(name, value)| name == "MediaUrl" && !value.is_empty());
    given.map(|(_, value)| value.as_str())
}

/// Applies a fault of the acceptance to a new message.
pub(super) fn distort(message: &mut SmsMessage, fault: Option<&Fault>) {
    match fault {
        Some(Fault::NullDateSent) => {
            message.keeps_no_date = true;
            message.date_sent = None;
        }
        Some(Fault::DelayedVisibility(wait)) => {
            message.visible_from = Utc::now() + *wait;
        }
        _ => {}
    }
}

/// E.164, or a short code.
pub(crate) fn is_address(text: &str) -> bool {
    let digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('+') {
        Some(number) => digits(number) && (2..=15).contains(&number.len()) && !number.starts_with('0'),
        None => digits(text) && (3..=8).contains(&text.len()),
    }
}

pub(crate) fn is_link(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}
