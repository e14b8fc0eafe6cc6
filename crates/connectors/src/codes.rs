//! A vendor's error codes as data: a file of code, class, when it comes, and what it means. Which numbers there are and
//! what they mean is each vendor's own; what a class asks for is the same for all.

use serde::Deserialize;
use std::collections::HashMap;
use twinwire_core::consent::Word;
use twinwire_core::outcome::RefusalKind;

/// The codes of a vendor.
#[derive(Debug)]
pub(crate) struct Codes(HashMap<String, Row>);

#[derive(Debug, Deserialize)]
struct Row {
    code: u32,
    class: Class,
    meaning: String,
}

/// What kind of trouble a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// The credentials or their permissions.
    Auth,
    /// The account has no money left. It is the operator's, and hits every message alike: better one alert
    /// and a resting account than a failed message for each of five hundred agents.
    Balance,
    /// The account sends too fast. Certainly not taken, whatever the HTTP status.
    #[serde(rename = "ratelimit")]
    RateLimit,
    /// It passes.
    Transient,
    /// It passes, and the message may have been taken all the same.
    Ambiguous,
    /// There is no such account, or no such message.
    NotFound,
    /// This recipient cannot be reached.
    Recipient,
    /// This recipient does not want to be reached.
    #[serde(rename = "optout")]
    OptOut,
    /// This text or its media cannot be sent.
    Content,
    /// Something about the number or the account has to be changed at the vendor.
    Config,
    /// The request was wrong.
    Bug,
    /// It says something about the account and nothing about a message.
    Warning,
    /// It is about our answer to a webhook, and shown in the vendor's debugger alone.
    Webhook,
}

impl Class {
    /// What a refusal of this class asks for; none where the HTTP status and the call have to say it.
    pub(crate) fn kind(self) -> Option<RefusalKind> {
        match self {
            Self::Auth | Self::Balance => Some(RefusalKind::Credentials),
            Self::RateLimit => Some(RefusalKind::Throttled(None)),
            Self::Transient => Some(RefusalKind::Later),
            Self::OptOut => Some(RefusalKind::OptedOut),
            Self::Recipient | Self::Content | Self::Config | Self::Bug => Some(RefusalKind::Permanent),
            Self::Ambiguous | Self::NotFound | Self::Warning | Self::Webhook => None,
        }
    }
}

impl Codes {
    /// Reads a vendor's file; a test of each vendor counts what was read.
    pub(crate) fn read(json: &str) -> Self {
        let rows: Vec<Row> = serde_json::from_str(json).unwrap_or_default();
        Self(rows.into_iter().map(|row| (row.code.to_string(), row)).collect())
    }

    /// The class of a code that is known.
    pub(crate) fn class(&self, code: &str) -> Option<Class> {
        self.0.get(code).map(|row| row.class)
    }

    /// What an error says about the customer's wish to be texted.
    pub(crate) fn said(&self, code: Option<&str>) -> Option<Word> {
        code.filter(|code| self.class(code) == Some(Class::OptOut)).map(|_| Word::Stop)
    }

    /// What a code means, for an agent.
    pub(crate) fn meaning(&self, code: &str) -> Option<&str> {
        self.0.get(code).map(|row| row.meaning.as_str())
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}
