//! The people with the phones, and the other applications on the account.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Sms;
use super::customer_text::CustomerText;
use super::model::SmsMessage;
use super::send::distort;
use super::state::New;
use crate::dispatch::Outgoing;
use crate::file::MediaFile;
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
        self.customer_sends(CustomerText::new(from, to, body).at(at)).await
    }

    /// The same with files.
    pub async fn customer_texts_with(
        &self,
        from: &str,
        to: &str,
        body: &str,
        files: Vec<MediaFile>,
    ) -> String {
        let text = CustomerText { files, ..CustomerText::new(from, to, body) };
        self.customer_sends(text).await
    }

    /// A customer sends a message with everything that can be in one. Returns as [`Sms::customer_texts`] does.
    pub async fn customer_sends(&self, text: CustomerText) -> String {
        let CustomerText { from, to, body, at, .. } = &text;
        let strange = self.core().faults.take(Stage::Acceptance, Operation::InboundWebhook, from, body);
        let files = text.parts(self.inner.dialect.passes_parts);
        let new = New { sid: self.sid(!files.is_empty()), from, to, body, inbound: true, at: *at };
        let (message, webhook) = {
            let mut state = locked(&self.inner.state);
            let service = state.service_of(to).map(str::to_owned);
            let opt_out =
                self.inner.dialect.keeps_opt_outs.then(|| state.opt_out_or_in(from, to, body)).flatten();
            let message = state.add(new, |message| {
                message.messaging_service_sid = service;
                message.opt_out = opt_out;
                message.hides_body = self.inner.dialect.passes_parts && text.text_in_a_part;
                self.put_media(message, files);
                distort(message, strange.as_ref());
            });
            let webhook = state.numbers.iter().find(|known| known.phone == *to);
            (message, webhook.and_then(|known| known.called().map(str::to_owned)))
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
        self.foreign_send_with(from, to, body, Vec::new())
    }

    /// The same with files.
    pub fn foreign_send_with(&self, from: &str, to: &str, body: &str, files: Vec<MediaFile>) -> String {
        let sid = self.sid(!files.is_empty());
        let new = New { sid, from, to, body, inbound: false, at: Utc::now() };
        let message = locked(&self.inner.state).add(new, |message| {
            message.foreign = true;
            self.put_media(message, files);
            message.turn("sent", None);
            message.turn("delivered", None);
        });
        self.core().changed("message", &message.sid);
        message.sid
    }

    /// Gives a new message files that the vendor has already.
    fn put_media(&self, message: &mut SmsMessage, files: Vec<MediaFile>) {
        message.media = self.keep_media(message, files);
        message.media_urls = message.media.iter().map(|media| media.url.clone()).collect();
    }

    pub(super) fn sid(&self, media: bool) -> String {
        (self.inner.dialect.sid)(&self.core().ids, media)
    }

    /// A stranger's text appears at the head of the list, unannounced.
    pub(super) fn stranger_texts(&self) {
        let number = locked(&self.inner.state).numbers.first().map(|known| known.phone.clone());
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
