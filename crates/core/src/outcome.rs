//! What came of an outside call, in three classes: it was done, it certainly was not, or nobody knows.

use crate::media::File;
use crate::observe::Observation;
use crate::setup::NumberHook;
use std::time::Duration;

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It happened.
    Done(Done),
    /// It certainly did not happen.
    Refused(Refusal),
    /// It may have happened: time-out or reset after sending, 5xx, an answer that cannot be read. Holds the reason.
    Unknown(String),
}

/// What a call that happened brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// The message is there; the observation carries its id.
    Delivered(Box<Observation>),
    /// The helpdesk's users were told (a failed status set, a note placed, a channel shown as working or not).
    Told,
    /// One page of a list or look-up.
    Page(Page),
    /// The files of a message.
    Files(Vec<File>),
    /// The credentials work.
    Checked,
    /// What the channel's number does with messages that come in.
    Hook(NumberHook),
}

/// One page of what a side has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What the page shows.
    pub observations: Vec<Observation>,
    /// Where the next page is, to be given back to the connector; none at the end.
    pub next: Option<String>,
}

/// A refusal: nothing happened at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What to do about it.
    pub kind: RefusalKind,
    /// The vendor's code, as it wrote it.
    pub code: Option<String>,
    /// What the vendor said, or what we found, in words for an agent.
    pub message: String,
}

/// What a refusal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// This message will never be taken: park it and tell.
    Permanent,
    /// Nor will any other, as long as this person does not want to be texted.
    OptedOut,
    /// Not now; the message may pass later.
    Later,
    /// The account sends too fast: pause the account, for as long as the vendor asks.
    Throttled(Option<Duration>),
    /// Nothing of the account passes until an operator acts: credentials or permissions are refused, the balance is used
    /// up, the channel is not known there any more. The account rests, with growing pauses, and the operator is alerted;
    /// its messages wait.
    Credentials,
}

impl Refusal {
    /// A refusal for good.
    pub fn permanent(code: Option<String>, message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Permanent, code, message: message.into() }
    }

    /// A refusal for now.
    pub fn later(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Later, code: None, message: message.into() }
    }

    /// As it is shown to people: `(21610) blocked`.
    pub fn describe(&self) -> String {
        match &self.code {
            Some(code) => format!("({code}) {}", self.message),
            None => self.message.clone(),
        }
    }
}
