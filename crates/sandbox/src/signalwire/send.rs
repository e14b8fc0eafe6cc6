//! Accepting a message, or refusing it (codes of the Compatibility API reference, read 2026-11).

use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;
use tokio::sync::oneshot;

use super::SignalWire;
use super::model::{Fate, SmsMessage};
use super::routes::{Call, json_response};
use super::state::New;
use crate::core::{Refusal, refused};
use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};

/// Longest text: the limit of the API that this one is compatible with.
const LONGEST_BODY: usize = 1600;
/// Most files of a message.
const MOST_MEDIA: usize = 8;

impl SignalWire {
    pub(super) async fn send(&self, call: &Call) -> Result<Response, Refusal> {
        let media: Vec<String> = call
            .fields
            .iter()
            .filter(|(name, value)| name == "MediaUrl" && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect();
        self.check(call, &media).map_err(|(code, message)| refused(422, code, message))?;
        let (from, to) = (call.field("From").unwrap_or_default(), call.field("To").unwrap_or_default());
        let body = call.field("Body").unwrap_or_default();
        let fate = locked(&self.inner.state).fate(to, body);
        if let Fate::RefuseSync { status, code, message } = &fate {
            return Err(refused(*status, *code, message.as_str()));
        }
        let strange = self.core().faults.take(Stage::Acceptance, Operation::SendMessage, to, body);
        let new = New { sid: self.core().ids.uuid(), from, to, body, inbound: false, at: Utc::now() };
        let message = locked(&self.inner.state).add(new, |message| {
            message.media_urls = media;
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
        let accepted = message.json(&self.inner.options.project);
        Ok(json_response(StatusCode::CREATED, &accepted))
    }

    fn check(&self, call: &Call, media: &[String]) -> Result<(), (i64, &'static str)> {
        let to = call.field("To").ok_or((21604, "A 'To' phone number is required"))?;
        if !is_address(to) {
            return Err((21211, "The 'To' number is not a valid phone number"));
        }
        let from = call.field("From").ok_or((21705, "A 'From' number or number group is required"))?;
        if !is_address(from) {
            return Err((21603, "The 'From' number is not a valid phone number"));
        }
        if !locked(&self.inner.state).owns(from) {
            return Err((21210, "The 'From' number was not purchased by this project"));
        }
        let body = call.field("Body").unwrap_or_default();
        if body.is_empty() && media.is_empty() {
            return Err((21602, "A message body or media is required"));
        }
        if body.chars().count() > LONGEST_BODY {
            return Err((21617, "The message body exceeds the maximum length"));
        }
        if media.len() > MOST_MEDIA {
            return Err((21623, "Too many media URLs"));
        }
        if media.iter().any(|link| !is_link(link)) {
            return Err((21620, "A media URL is not valid"));
        }
        if call.field("StatusCallback").is_some_and(|link| !is_link(link)) {
            return Err((21456, "The StatusCallback URL is not valid"));
        }
        let validity = call.field("ValidityPeriod").map(str::parse::<u32>);
        if validity.is_some_and(|secs| !secs.is_ok_and(|secs| (1..=172_800).contains(&secs))) {
            return Err((21624, "The ValidityPeriod is not valid"));
        }
        Ok(())
    }
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
fn is_address(text: &str) -> bool {
    let digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('+') {
        Some(number) => digits(number) && (2..=15).contains(&number.len()) && !number.starts_with('0'),
        None => digits(text) && (3..=8).contains(&text.len()),
    }
}

fn is_link(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}
