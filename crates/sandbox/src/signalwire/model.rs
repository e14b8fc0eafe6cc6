//! What a `SignalWire` double knows, in a form that tests and pages can read.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

/// A message of the account, in either direction.
#[derive(Clone, Debug, Serialize)]
pub struct SmsMessage {
    /// A UUID.
    pub sid: String,
    /// To whom.
    pub to: String,
    /// From whom.
    pub from: String,
    /// The text.
    pub body: String,
    /// `queued`, `sent`, `delivered`, `undelivered`, `failed` or `received`.
    pub status: String,
    /// `inbound` or `outbound-api`.
    pub direction: String,
    /// When it was accepted.
    pub date_created: DateTime<Utc>,
    /// When its status last changed.
    pub date_updated: DateTime<Utc>,
    /// When it was sent; none before, and never when the fault says so.
    pub date_sent: Option<DateTime<Utc>>,
    /// How many segments the text takes.
    pub num_segments: usize,
    /// The addresses of its files.
    pub media_urls: Vec<String>,
    /// The code of a failure.
    pub error_code: Option<String>,
    /// The text of a failure.
    pub error_message: Option<String>,
    /// Where its status is posted.
    pub status_callback: Option<String>,
    /// True when another application on the account sent it.
    pub foreign: bool,
    #[serde(skip)]
    pub(crate) seq: u64,
    #[serde(skip)]
    pub(crate) keeps_no_date: bool,
    #[serde(skip)]
    pub(crate) visible_from: DateTime<Utc>,
}

impl SmsMessage {
    /// Takes a new status, with its dates.
    pub(crate) fn turn(&mut self, status: &str, error: Option<(&str, &str)>) {
        let now = Utc::now();
        status.clone_into(&mut self.status);
        self.date_updated = now;
        if status != "failed" && !self.keeps_no_date {
            self.date_sent.get_or_insert(now);
        }
        if let Some((code, message)) = error {
            self.error_code = Some(code.to_owned());
            self.error_message = Some(message.to_owned());
        }
    }

    /// The other person: the recipient of what we sent, the sender of what came in.
    pub fn contact(&self) -> &str {
        if self.direction == "inbound" { &self.from } else { &self.to }
    }

    /// The number of the account.
    pub fn own_number(&self) -> &str {
        if self.direction == "inbound" { &self.to } else { &self.from }
    }

    /// As the API shows it, in its types: counts are integers, the error code is a string (Compatibility API
    /// reference, read 2026-11).
    pub(crate) fn json(&self, project: &str) -> Value {
        let uri = format!("/api/laml/2010-04-01/Accounts/{project}/Messages/{}", self.sid);
        json!({
            "sid": self.sid,
            "account_sid": project,
            "api_version": "2010-04-01",
            "messaging_service_sid": null,
            "to": self.to,
            "from": self.from,
            "body": self.body,
            "status": self.status,
            "direction": self.direction,
            "num_segments": self.num_segments,
            "num_media": self.media_urls.len(),
            "price": (self.status == "delivered").then_some(0.0079),
            "price_unit": "USD",
            "error_code": self.error_code,
            "error_message": self.error_message,
            "date_created": rfc2822(self.date_created),
            "date_updated": rfc2822(self.date_updated),
            "date_sent": self.date_sent.map(rfc2822),
            "uri": uri,
            "subresource_uris": { "media": format!("{uri}/Media") },
        })
    }
}

/// A date as the API writes it, to the second.
fn rfc2822(date: DateTime<Utc>) -> String {
    date.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// What becomes of messages to a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// queued, sent, delivered. What happens unless something else is said.
    #[default]
    Deliver,
    /// The send request itself is refused.
    RefuseSync {
        /// The HTTP status.
        status: u16,
        /// The vendor's error code.
        code: i64,
        /// The text of the error.
        message: String,
    },
    /// Accepted, and later failed.
    FailLater {
        /// The vendor's error code.
        code: i64,
        /// The text of the error.
        message: String,
        /// `failed` (never sent) or `undelivered` (sent before).
        status: String,
    },
    /// Accepted and sent, but nothing is ever called back, and no receipt comes.
    Silent,
}
