//! What a double knows of messages, in a form that tests and pages can read.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::file::FileBytes;

/// A file of a message that the vendor has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Media {
    /// The vendor's id.
    pub sid: String,
    /// Where the vendor fetched it, or for a customer's file where it can be fetched.
    pub url: String,
    /// Its media type, with its parameters.
    pub content_type: String,
    /// Its length in bytes.
    pub size: usize,
    /// Where it lies in the storage, for pages that show it.
    pub stored_url: String,
    /// What is in it.
    #[serde(skip)]
    pub bytes: FileBytes,
    /// When the vendor got it.
    pub date_created: DateTime<Utc>,
}

/// A message of the account, in either direction.
#[derive(Clone, Debug, Serialize)]
pub struct SmsMessage {
    /// The vendor's id.
    pub sid: String,
    /// To whom.
    pub to: String,
    /// From whom.
    pub from: String,
    /// The text.
    pub body: String,
    /// `accepted`, `queued`, `sent`, `delivered`, `undelivered`, `failed` or `received`.
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
    /// Its files; of a message that is sent none before the vendor has fetched all of them.
    pub media: Vec<Media>,
    /// Why the vendor could not fetch the files.
    pub media_problem: Option<String>,
    /// The code of a failure.
    pub error_code: Option<String>,
    /// The text of a failure.
    pub error_message: Option<String>,
    /// Where its status is posted.
    pub status_callback: Option<String>,
    /// The messaging service that it goes or came through.
    pub messaging_service_sid: Option<String>,
    /// True when another application on the account sent it.
    pub foreign: bool,
    /// `STOP`, `START` or `HELP`, where the text was such a word and the vendor answers it itself.
    #[serde(skip)]
    pub(crate) opt_out: Option<&'static str>,
    /// The API does not show the text, which is in a file.
    #[serde(skip)]
    pub(crate) hides_body: bool,
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
        if !["failed", "accepted", "queued"].contains(&status) && !self.keeps_no_date {
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

    /// The text as the API shows it.
    pub(crate) fn shown_body(&self) -> Option<&str> {
        Some(self.body.as_str()).filter(|_| !self.hides_body)
    }

    /// Our own address as the API shows it: empty while a messaging service has not picked it.
    pub(crate) fn shown_from(&self) -> &str {
        let picking = self.messaging_service_sid.is_some() && self.direction != "inbound";
        if picking && ["accepted", "queued"].contains(&self.status.as_str()) { "" } else { &self.from }
    }
}

/// A date as the API writes it, to the second.
pub(crate) fn rfc2822(date: DateTime<Utc>) -> String {
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
