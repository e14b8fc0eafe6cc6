//! Twilio's error codes as data, `fixtures/errors.json`: code, class, when it comes, and what it means.
//!
//! Twilio splits and re-defines its codes over time and advises against branching on them (its changelog, read 2026-11), so
//! that one which is not in the table is judged by the HTTP status. Classes and words are ours.

use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;
use twinwire_core::outcome::RefusalKind;

static TABLE: LazyLock<HashMap<String, Row>> = LazyLock::new(|| {
    let rows: Vec<Row> = serde_json::from_str(include_str!("fixtures/errors.json")).unwrap_or_default();
    rows.into_iter().map(|row| (row.code.to_string(), row)).collect()
});

#[derive(Debug, Deserialize)]
struct Row {
    code: u32,
    class: Class,
    meaning: String,
}

/// What kind of trouble a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Class {
    /// The credentials or their permissions.
    Auth,
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
    /// Something about the number or the account has to be changed at Twilio.
    Config,
    /// The request was wrong.
    Bug,
    /// It says something about the account and nothing about a message.
    Warning,
    /// It is about our answer to a webhook, and shown in Twilio's debugger alone.
    Webhook,
}

impl Class {
    /// What a refusal of this class asks for; none where the HTTP status and the call have to say it.
    pub(super) fn kind(self) -> Option<RefusalKind> {
        match self {
            Self::Auth => Some(RefusalKind::Credentials),
            Self::RateLimit => Some(RefusalKind::Throttled(None)),
            Self::Transient => Some(RefusalKind::Later),
            Self::Recipient | Self::OptOut | Self::Content | Self::Config | Self::Bug => {
                Some(RefusalKind::Permanent)
            }
            Self::Ambiguous | Self::NotFound | Self::Warning | Self::Webhook => None,
        }
    }
}

/// The class of a code that is known.
pub(super) fn class(code: &str) -> Option<Class> {
    TABLE.get(code).map(|row| row.class)
}

/// What a code means, for an agent.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    TABLE.get(code).map(|row| row.meaning.as_str())
}

#[cfg(test)]
pub(super) fn count() -> usize {
    TABLE.len()
}
