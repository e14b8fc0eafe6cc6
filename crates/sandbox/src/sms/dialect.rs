//! What is different between vendors of text messages whose APIs are alike otherwise.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::collect::MediaRules;
use super::life::Step;
use super::list::{Listed, Lists};
use super::media::MediaListed;
use super::model::{Fate, SmsMessage};
use super::routes::Call;
use super::state::State;
use crate::core::ErrorForm;
use crate::faults::Faults;
use crate::ids::Ids;
use crate::misbehaviour::Operation;
use crate::storage::Way;

/// Names and values of a form.
pub(crate) type Fields = Vec<(String, String)>;

/// The code and the text of a refusal.
pub(crate) type Wrong = (i64, &'static str);

/// A vendor's own ways.
pub(crate) struct Dialect {
    /// As changes name the double.
    pub(crate) name: &'static str,
    /// The path before `/Accounts`.
    pub(crate) root: &'static str,
    /// Paths end in `.json`; without it the vendor speaks XML.
    pub(crate) suffix: bool,
    /// The status of a send that is refused.
    pub(crate) refused: u16,
    /// The text of a refused log-in.
    pub(crate) unauthorized: &'static str,
    pub(crate) error: ErrorForm,
    /// A new id, of a message with or without files.
    pub(crate) sid: fn(&Ids, bool) -> String,
    /// A new id of a file.
    pub(crate) media_sid: fn(&Ids) -> String,
    /// What is wrong with a send, if anything.
    pub(crate) check: fn(&Call, &State) -> Result<(), Wrong>,
    /// The text as it is sent.
    pub(crate) rewrite: fn(&Call, &str) -> String,
    /// A message as the API shows it for an account.
    pub(crate) resource: fn(&SmsMessage, &str) -> Value,
    pub(crate) lists: Lists,
    /// The answer to a list.
    pub(crate) page: fn(&Listed) -> Value,
    /// The files that it takes.
    pub(crate) media: MediaRules,
    /// The answer to a list of files.
    pub(crate) media_page: fn(&MediaListed) -> Value,
    /// The API gives files itself, to everybody, or redirects its account to the storage.
    pub(crate) media_way: Way,
    /// The parts of a customer's message that are no files come as files too.
    pub(crate) passes_parts: bool,
    /// What comes after the first status.
    pub(crate) steps: fn(&SmsMessage, &Fate) -> Vec<Step>,
    /// What a webhook about a message says to an account.
    pub(crate) event: fn(Operation, &SmsMessage, &str) -> Fields,
    /// Signs a form by a key, URL and fields.
    pub(crate) sign: fn(&str, &str, &[(String, String)]) -> String,
    /// How often a webhook is tried, by its URL.
    pub(crate) attempts: fn(Operation, &str) -> usize,
    /// How long a webhook is waited for.
    pub(crate) timeout: Duration,
    /// The vendor answers STOP and START itself, and sends nothing to who opted out.
    pub(crate) keeps_opt_outs: bool,
}

/// How `DateSent>` and `DateSent<` treat the day they name. `SignalWire`'s reference says "after" and
/// "before" without saying which; a client should get on with both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DayBounds {
    /// On or after, on or before.
    #[default]
    Inclusive,
    /// After the day, before the day.
    Strict,
}

/// How one double is set up, whoever's it is.
#[derive(Clone)]
pub(crate) struct Setup {
    /// The account's id.
    pub(crate) account: String,
    /// Who may call: names and passwords of Basic authentication.
    pub(crate) callers: Vec<(String, String)>,
    /// What webhooks are signed with, and the header for it.
    pub(crate) key: String,
    pub(crate) header: &'static str,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) step_delay: Duration,
    pub(crate) manual: bool,
    pub(crate) day_bounds: DayBounds,
    /// Files are for the account only.
    pub(crate) protects_media: bool,
    pub(crate) faults: Faults,
    pub(crate) seed: u64,
    pub(crate) remembers: Option<usize>,
    /// What a page shows beside the rest.
    pub(crate) shown: Vec<(&'static str, String)>,
}
