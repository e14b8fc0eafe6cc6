//! The life of a sent message, and the callbacks that tell of it.

use std::sync::Arc;
use std::time::Duration;

use super::model::{Fate, SmsMessage};
use super::{SignalWire, sign};
use crate::dispatch::Outgoing;
use crate::locked;
use crate::misbehaviour::{Operation, Stage};
use crate::outgoing::{Answer, SignedRequest};

/// A webhook is given this long: 2 s to connect and 5 s to answer (webhook documentation, read 2026-11).
pub(super) const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(7);

/// A status callback is tried this often before it is lost (same source).
const ATTEMPTS: usize = 3;

type Error = Option<(String, String)>;

impl SignalWire {
    /// Sets a message going. With an early callback, its first step is over before this returns.
    pub(super) async fn live(&self, message: &SmsMessage, fate: &Fate) {
        let mut steps = steps(message, fate);
        let silent = *fate == Fate::Silent;
        let early =
            self.core().faults.take(Stage::Early, Operation::StatusCallback, &message.to, &message.body);
        if early.is_some() && !steps.is_empty() {
            let (status, error) = steps.remove(0);
            if let Some(out) = self.turn(&message.sid, status, &error).filter(|_| !silent) {
                self.core().deliver(out).await;
            }
        }
        if self.inner.options.manual {
            return;
        }
        let (double, sid) = (self.clone(), message.sid.clone());
        self.core().background.spawn(async move {
            for (status, error) in steps {
                tokio::time::sleep(double.inner.options.step_delay).await;
                if let Some(out) = double.turn(&sid, status, &error).filter(|_| !silent) {
                    Arc::clone(double.core()).dispatch(out).await;
                }
            }
        });
    }

    /// Gives a message its next status by hand, and posts the callback. Answers of the callback come back,
    /// none when there is no such message, no callback URL, or a fault kept the callback.
    pub async fn advance(&self, sid: &str, status: &str, error: Option<(i64, &str)>) -> Vec<Answer> {
        let error = error.map(|(code, message)| (code.to_string(), message.to_owned()));
        match self.turn(sid, status, &error) {
            Some(out) => Arc::clone(self.core()).dispatch(out).await,
            None => Vec::new(),
        }
    }

    /// Changes the status; returns the callback where one is wanted.
    fn turn(&self, sid: &str, status: &str, error: &Error) -> Option<Outgoing> {
        let message = {
            let mut state = locked(&self.inner.state);
            let message = state.message_mut(sid)?;
            message.turn(status, error.as_ref().map(|(code, text)| (code.as_str(), text.as_str())));
            message.clone()
        };
        self.core().changed("status", sid);
        let url = message.status_callback.clone()?;
        let mut fields = self.fields(&message);
        fields.push(("MessageStatus".to_owned(), message.status.clone()));
        fields.push(("SmsStatus".to_owned(), message.status.clone()));
        fields.extend(message.error_code.clone().map(|code| ("ErrorCode".to_owned(), code)));
        Some(Outgoing {
            operation: Operation::StatusCallback,
            about: message.sid,
            handle: message.to,
            text: message.body,
            request: self.signed_form(&url, &fields),
            attempts: ATTEMPTS,
            timeout: WEBHOOK_TIMEOUT,
            judge: |_| None,
        })
    }

    /// The fields that every webhook about a message has.
    pub(super) fn fields(&self, message: &SmsMessage) -> Vec<(String, String)> {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![
            field("MessageSid", &message.sid),
            field("SmsSid", &message.sid),
            field("AccountSid", &self.inner.options.project),
            field("ApiVersion", "2010-04-01"),
            field("From", &message.from),
            field("To", &message.to),
            field("Body", &message.body),
            field("NumMedia", &message.media_urls.len().to_string()),
            field("NumSegments", &message.num_segments.to_string()),
        ];
        for (at, link) in message.media_urls.iter().enumerate() {
            fields.push((format!("MediaUrl{at}"), link.clone()));
        }
        fields
    }

    /// A form post with the project's signature, as for webhooks; for tests that tamper with one.
    pub fn signed_form(&self, url: &str, fields: &[(String, String)]) -> SignedRequest {
        let options = &self.inner.options;
        let name = if options.twilio_header { "X-Twilio-Signature" } else { "X-SignalWire-Signature" };
        let headers = vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            (name.to_owned(), sign::sign(&options.signing_key, url, fields)),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let url = sign::signed_part(url).to_owned();
        SignedRequest { method: "POST".to_owned(), url, headers, body }
    }

    /// Posts a request as it is, without any effect on the double. For negative tests.
    pub async fn post_raw(&self, request: &SignedRequest) -> Answer {
        crate::outgoing::post(&self.core().client, request, WEBHOOK_TIMEOUT).await
    }
}

/// What follows `queued`. Messages with files get no delivery receipt, so `sent` is their end (messaging
/// documentation, read 2026-11).
fn steps(message: &SmsMessage, fate: &Fate) -> Vec<(&'static str, Error)> {
    match fate {
        Fate::FailLater { code, message, status } => {
            let error = Some((code.to_string(), message.clone()));
            if status == "failed" {
                vec![("failed", error)]
            } else {
                vec![("sent", None), ("undelivered", error)]
            }
        }
        Fate::Silent => vec![("sent", None)],
        _ if !message.media_urls.is_empty() => vec![("sent", None)],
        _ => vec![("sent", None), ("delivered", None)],
    }
}
