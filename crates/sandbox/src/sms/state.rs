//! The memory of a double: numbers, fates and messages.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::model::{Fate, SmsMessage};
use super::numbers::Number;
use super::segments::segments;

#[derive(Default)]
pub(crate) struct State {
    /// The numbers of the account.
    pub(crate) numbers: Vec<Number>,
    pub(crate) fates: HashMap<String, Fate>,
    /// What becomes of messages with a part of their text.
    pub(crate) spoken_fates: Vec<(String, Fate)>,
    pub(crate) messages: Vec<SmsMessage>,
    /// The messaging services of the account, each with its numbers.
    pub(crate) services: Vec<(String, Vec<String>)>,
    /// Who opted out, of what: a number, or a whole messaging service.
    pub(crate) opted_out: HashSet<(String, String)>,
    /// What the vendor answered by itself, and to whom.
    pub(crate) own_answers: Vec<(String, &'static str)>,
    seq: u64,
}

/// What a new message is made of.
pub(crate) struct New<'a> {
    pub(crate) sid: String,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) body: &'a str,
    pub(crate) inbound: bool,
    pub(crate) at: DateTime<Utc>,
}

impl State {
    pub(crate) fn owns(&self, number: &str) -> bool {
        self.numbers.iter().any(|known| known.phone == number)
    }

    pub(crate) fn fate(&self, to: &str, body: &str) -> Fate {
        let spoken = self.spoken_fates.iter().rev().find(|(part, _)| body.contains(part.as_str()));
        spoken.map(|(_, fate)| fate).or_else(|| self.fates.get(to)).cloned().unwrap_or_default()
    }

    pub(crate) fn message(&self, sid: &str) -> Option<&SmsMessage> {
        self.messages.iter().rev().find(|message| message.sid == sid)
    }

    pub(crate) fn message_mut(&mut self, sid: &str) -> Option<&mut SmsMessage> {
        self.messages.iter_mut().rev().find(|message| message.sid == sid)
    }

    /// Appends in order of acceptance; `finish` sets what is special about the message.
    pub(crate) fn add(&mut self, new: New<'_>, finish: impl FnOnce(&mut SmsMessage)) -> SmsMessage {
        self.seq += 1;
        let mut message = SmsMessage {
            sid: new.sid,
            to: new.to.to_owned(),
            from: new.from.to_owned(),
            body: new.body.to_owned(),
            status: if new.inbound { "received" } else { "queued" }.to_owned(),
            direction: if new.inbound { "inbound" } else { "outbound-api" }.to_owned(),
            date_created: new.at,
            date_updated: new.at,
            date_sent: new.inbound.then_some(new.at),
            num_segments: segments(new.body),
            media_urls: Vec::new(),
            media: Vec::new(),
            media_problem: None,
            hides_body: false,
            error_code: None,
            error_message: None,
            status_callback: None,
            messaging_service_sid: None,
            opt_out: None,
            foreign: false,
            seq: self.seq,
            keeps_no_date: false,
            visible_from: DateTime::<Utc>::MIN_UTC,
        };
        finish(&mut message);
        self.messages.push(message.clone());
        message
    }
}
