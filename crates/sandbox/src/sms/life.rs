//! The life of a sent message, and the callbacks that tell of it.

use std::sync::Arc;

use super::model::{Fate, SmsMessage};
use super::{Sms, sign};
use crate::dispatch::Outgoing;
use crate::locked;
use crate::misbehaviour::{Operation, Stage};
use crate::outgoing::{Answer, SignedRequest};

/// The code and the text of a failure.
pub(crate) type Error = Option<(String, String)>;

/// A status to come, with the failure that it brings.
pub(crate) type Step = (&'static str, Error);

impl Sms {
    /// Sets a message going; its files are fetched first. With an early callback, its first step is over before this returns.
    pub(super) async fn live(&self, message: &SmsMessage, fate: &Fate) {
        let mut steps = (self.inner.dialect.steps)(message, fate);
        let silent = *fate == Fate::Silent;
        let early =
            self.core().faults.take(Stage::Early, Operation::StatusCallback, &message.to, &message.body);
        if early.is_some() && !steps.is_empty() {
            let (status, error) = steps.remove(0);
            if let Some(out) = self.turn(&message.sid, status, &error).filter(|_| !silent) {
                self.core().deliver(out).await;
            }
        }
        let (double, message, manual) = (self.clone(), message.clone(), self.inner.setup.manual);
        self.core().background.spawn(async move {
            if !message.media_urls.is_empty()
                && let Err((code, text)) = double.collect(&message).await
            {
                steps = vec![("failed", Some((code.to_string(), text.to_owned())))];
            }
            if manual {
                return;
            }
            for (status, error) in steps {
                tokio::time::sleep(double.inner.setup.step_delay).await;
                if let Some(out) = double.turn(&message.sid, status, &error).filter(|_| !silent) {
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
        let operation = Operation::StatusCallback;
        let fields = (self.inner.dialect.event)(operation, &message, &self.inner.setup.account);
        Some(Outgoing {
            operation,
            about: message.sid,
            handle: message.to,
            text: message.body,
            request: self.signed_form(&url, &fields),
            attempts: (self.inner.dialect.attempts)(operation, &url),
            timeout: self.inner.dialect.timeout,
            judge: |_| None,
        })
    }

    /// A form post with the account's signature, as for webhooks; for tests that tamper with one.
    pub fn signed_form(&self, url: &str, fields: &[(String, String)]) -> SignedRequest {
        let (dialect, setup) = (self.inner.dialect, &self.inner.setup);
        let headers = vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            (setup.header.to_owned(), (dialect.sign)(&setup.key, url, fields)),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let url = sign::signed_part(url).to_owned();
        SignedRequest { method: "POST".to_owned(), url, headers, body }
    }

    /// The same for a webhook that is set to GET: the fields in the query, signed by the URL alone, as in Twilio's own
    /// validators (its SDKs, read 2026-11).
    pub fn signed_query(&self, url: &str, fields: &[(String, String)]) -> SignedRequest {
        let (dialect, setup) = (self.inner.dialect, &self.inner.setup);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{}{joint}{query}", sign::signed_part(url));
        let headers = vec![(setup.header.to_owned(), (dialect.sign)(&setup.key, &url, &[]))];
        SignedRequest { method: "GET".to_owned(), url, headers, body: String::new() }
    }

    /// Posts a request as it is, without any effect on the double. For negative tests.
    pub async fn post_raw(&self, request: &SignedRequest) -> Answer {
        crate::outgoing::post(&self.core().client, request, self.inner.dialect.timeout).await
    }
}

/// What becomes of a message of this fate: `sent` and what comes after it.
pub(crate) fn steps(fate: &Fate, receipt: bool) -> Vec<Step> {
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
        _ if !receipt => vec![("sent", None)],
        _ => vec![("sent", None), ("delivered", None)],
    }
}

/// A field of a form.
pub(crate) fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The addresses of a message's files, numbered, and their types where they are known.
pub(crate) fn media(message: &SmsMessage) -> impl Iterator<Item = (String, String)> {
    let links = message.media_urls.iter().enumerate();
    let links = links.map(|(at, link)| (format!("MediaUrl{at}"), link.clone()));
    let kinds = message.media.iter().enumerate();
    links.chain(kinds.map(|(at, media)| (format!("MediaContentType{at}"), media.content_type.clone())))
}
