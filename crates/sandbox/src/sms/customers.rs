//! The people with the phones, and the other applications on the account.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Sms;
use super::send::distort;
use super::state::New;
use crate::dispatch::Outgoing;
use crate::locked;
use crate::misbehaviour::{Operation, Stage};
use crate::outgoing::Answer;

impl Sms {
    /// A customer texts a number of the account. Returns the sid once the webhook has been answered (or
    /// lost, or put off by a fault).
    pub async fn customer_texts(&self, from: &str, to: &str, body: &str) -> String {
        self.customer_texts_at(from, to, body, Utc::now()).await
    }

    /// The same with another date on the message.
    pub async fn customer_texts_at(&self, from: &str, to: &str, body: &str, at: DateTime<Utc>) -> String {
        let strange = self.core().faults.take(Stage::Acceptance, Operation::InboundWebhook, from, body);
        let new = New { sid: self.sid(false), from, to, body, inbound: true, at };
        let (message, webhook) = {
            let mut state = locked(&self.inner.state);
            let service = state.service_of(to).map(str::to_owned);
            let opt_out =
                self.inner.dialect.keeps_opt_outs.then(|| state.opt_out_or_in(from, to, body)).flatten();
            let message = state.add(new, |message| {
                message.messaging_service_sid = service;
                message.opt_out = opt_out;
                distort(message, strange.as_ref());
            });
            let webhook = state.numbers.iter().find(|(number, _)| number == to);
            (message, webhook.and_then(|(_, url)| url.clone()))
        };
        self.core().changed("message", &message.sid);
        let Some(url) = webhook else { return message.sid };
        let operation = Operation::InboundWebhook;
        let fields = (self.inner.dialect.event)(operation, &message, &self.inner.setup.account);
        let out = Outgoing {
            operation,
            about: message.sid.clone(),
            handle: message.from,
            text: message.body,
            request: self.signed_form(&url, &fields),
            attempts: (self.inner.dialect.attempts)(operation, &url),
            timeout: self.inner.dialect.timeout,
            judge: wrong_twiml,
        };
        Arc::clone(self.core()).dispatch(out).await;
        message.sid
    }

    /// Another application of the account sends a message: it is in the lists, and nothing is called back.
    pub fn foreign_send(&self, from: &str, to: &str, body: &str) -> String {
        let new = New { sid: self.sid(false), from, to, body, inbound: false, at: Utc::now() };
        let message = locked(&self.inner.state).add(new, |message| {
            message.foreign = true;
            message.turn("sent", None);
            message.turn("delivered", None);
        });
        self.core().changed("message", &message.sid);
        message.sid
    }

    pub(super) fn sid(&self, media: bool) -> String {
        (self.inner.dialect.sid)(&self.core().ids, media)
    }

    /// A stranger's text appears at the head of the list, unannounced.
    pub(super) fn stranger_texts(&self) {
        let number = locked(&self.inner.state).numbers.first().map(|(number, _)| number.clone());
        let Some(number) = number else { return };
        let sid = self.sid(false);
        // A number of another network is texted from there.
        let from = match number.split_once(':') {
            Some((network, _)) => format!("{network}:+15005550199"),
            None => "+15005550199".to_owned(),
        };
        let body = format!("A text that came while the list was being read ({sid})");
        let new = New { sid, from: &from, to: &number, body: &body, inbound: true, at: Utc::now() };
        let message = locked(&self.inner.state).add(new, |_| {});
        self.core().changed("message", &message.sid);
    }
}

/// What is wrong with the answer to an inbound webhook: it must be an empty TwiML document, for anything
/// else would be an error or be texted back to the customer.
fn wrong_twiml(answer: &Answer) -> Option<String> {
    if let Some(problem) = &answer.problem {
        return Some(format!("no answer to the inbound webhook: {problem}"));
    }
    if answer.status != Some(200) {
        return Some(format!(
            "the inbound webhook was answered with {:?}",
            answer.status.unwrap_or_default()
        ));
    }
    if !answer.content_type.starts_with("text/xml") && !answer.content_type.starts_with("application/xml") {
        return Some(format!("the inbound webhook was answered with type {:?}", answer.content_type));
    }
    let text = answer.text.trim();
    let rest = match text.strip_prefix("<?xml") {
        Some(declared) => declared.split_once("?>").map_or("", |(_, rest)| rest).trim(),
        None => text,
    };
    let empty: String = rest.chars().filter(|c| !c.is_whitespace()).collect();
    let good = ["<Response/>", "<Response></Response>"].contains(&empty.as_str());
    (!good).then(|| format!("the inbound webhook was answered with {text:?}, not an empty Response"))
}
