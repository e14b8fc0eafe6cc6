//! How long what is kept is kept.

use chrono::TimeDelta;

/// How long an installation keeps things; for ever where there is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Logged requests. The log goes by days: what is older than so many whole days goes.
    pub webhooks: Option<TimeDelta>,
    /// Files of messages.
    pub media: Option<TimeDelta>,
    /// Texts and the vendors' payloads.
    pub bodies: Option<TimeDelta>,
    /// The stories of messages.
    pub attempts: Option<TimeDelta>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { webhooks: Some(TimeDelta::days(30)), media: None, bodies: None, attempts: None }
    }
}
