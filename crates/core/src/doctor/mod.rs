//! Whether an installation is well: facts in, findings with words out. Nothing here asks anybody; the facts come from the
//! database, the vendors and the network.
//!
//! * this file — what is checked, and what a finding is;
//! * [`place`] — the database, its schema, the clock and the data folder;
//! * [`outside`] — the public address and the vendors;
//! * [`work`] — messages, jobs and events that wait.

pub mod outside;
pub mod place;
mod trouble;
pub mod work;

pub use trouble::{Level, Trouble};

use serde::Serialize;

/// What is checked, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The database: version, settings, extensions, clock.
    Database,
    /// The schema.
    Migrations,
    /// The folder of this process, its key, and the settings of the installation.
    Installation,
    /// Processes that work.
    Workers,
    /// The public address leads here.
    PublicUrl,
    /// Credentials, and the vendors' clocks.
    Vendors,
    /// The providers' webhooks come here.
    Webhooks,
    /// Accounts that rest, and webhooks that are taken unverified.
    Accounts,
    /// Messages that wait or were put aside.
    Messages,
    /// Jobs and readings.
    Jobs,
    /// Endpoints of other programs.
    Endpoints,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Database,
        Self::Migrations,
        Self::Installation,
        Self::Workers,
        Self::PublicUrl,
        Self::Vendors,
        Self::Webhooks,
        Self::Accounts,
        Self::Messages,
        Self::Jobs,
        Self::Endpoints,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Migrations => "migrations",
            Self::Installation => "installation",
            Self::Workers => "workers",
            Self::PublicUrl => "public_url",
            Self::Vendors => "vendors",
            Self::Webhooks => "webhooks",
            Self::Accounts => "accounts",
            Self::Messages => "messages",
            Self::Jobs => "jobs",
            Self::Endpoints => "endpoints",
        }
    }

    /// What is being done, for whoever waits.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Database => "asking the database",
            Self::Migrations => "comparing the schema",
            Self::Installation => "looking at the settings and the data folder",
            Self::Workers => "looking for processes that work",
            Self::PublicUrl => "calling the public address from here",
            Self::Vendors => "trying the credentials at the vendors",
            Self::Webhooks => "asking the providers where webhooks go",
            Self::Accounts => "looking at the accounts",
            Self::Messages => "looking for messages that wait",
            Self::Jobs => "looking at the jobs",
            Self::Endpoints => "looking at the endpoints",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How bad it is.
    pub level: Level,
    /// What is wrong; nothing where all is well.
    pub trouble: Option<Trouble>,
    /// The account, channel or endpoint that it is about.
    pub about: Option<String>,
    /// In a sentence or two.
    pub words: String,
    /// What to do next: sentences and commands.
    pub next: Vec<String>,
}

impl Finding {
    /// All is well.
    pub fn well(check: Check, words: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, trouble: None, about: None, words: words.into(), next: Vec::new() }
    }

    /// Something is wrong, as badly as it usually is.
    pub fn of(check: Check, trouble: Trouble, words: impl Into<String>) -> Self {
        Self { level: trouble.level(), trouble: Some(trouble), ..Self::well(check, words) }
    }

    /// It is about this account, channel or endpoint.
    pub fn about(mut self, id: impl Into<String>) -> Self {
        self.about = Some(id.into());
        self
    }

    /// What to do next.
    pub fn next(mut self, todo: impl Into<String>) -> Self {
        self.next.push(todo.into());
        self
    }
}
