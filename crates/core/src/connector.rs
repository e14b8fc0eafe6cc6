//! The contract of a connector: one vendor's codec.
//!
//! A connector turns a raw webhook into observations, an act into a request, and a reply into an outcome. It does no
//! I/O and reads no clock, so every test of it is a file in and a value out. All vendors, helpdesks and providers,
//! have this one contract; what differs between them is data ([`Caps`], [`Setting`]).

use crate::caps::Caps;
use crate::http::{Answer, Hook, Method, Reply, Request};
use crate::media::fit::Limits;
use crate::model::{Message, Side};
use crate::observe::Observation;
use crate::outcome::{Outcome, Refusal};
use crate::pace::Pace;
use crate::setting::{Setting, Settings};
use crate::setup::Guide;
use chrono::{DateTime, Utc};
use std::fmt::Debug;

/// One vendor.
pub trait Connector: Debug + Send + Sync {
    /// Its name in routes, settings and tables: lower case, a folder of the same name.
    fn name(&self) -> &'static str;

    /// Its name for people.
    fn title(&self) -> &'static str;

    /// On which side of a channel it stands.
    fn side(&self) -> Side;

    /// What it can do.
    fn caps(&self) -> &'static Caps;

    /// How fast it may be called for a channel. `settings` are the installation's overlaid by the account's.
    ///
    /// # Errors
    /// A sentence that names the setting which makes no sense.
    fn pace(&self, settings: &Settings) -> Result<Pace, String>;

    /// How files travel to it with `message`; none when it takes none.
    fn media(&self, message: &Message) -> Option<&'static Limits>;

    /// Hosts at which its files may be, beside where its API is configured to be: a name, or the end of one with a dot
    /// before it.
    fn file_hosts(&self) -> &'static [&'static str];

    /// Where a longer text is split into several messages, in characters; none when it is sent whole or refused.
    fn splits_at(&self, settings: &Settings) -> Option<usize> {
        let _ = settings;
        None
    }

    /// What it asks its operator for.
    fn settings(&self) -> &'static [Setting];

    /// Its part of a set-up: in which order it asks, and what its user does at the vendor.
    fn guide(&self) -> &'static Guide;

    /// Checks and tidies one answer by itself, as soon as it is given.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    fn tidy(&self, setting: &str, answer: &str) -> Result<String, String> {
        let _ = setting;
        Ok(answer.trim().to_owned())
    }

    /// The setting without which no webhook of the vendor can be believed, where it may be left out: everything comes by
    /// polling then.
    fn signed_with(&self) -> Option<&'static str> {
        None
    }

    /// With which methods its hooks come. Others are refused before they are verified.
    fn hook_methods(&self) -> &'static [Method] {
        &[Method::Post]
    }

    /// Checks and tidies the answers of the set-up.
    ///
    /// # Errors
    /// A sentence that says what is wrong with which answer.
    fn prepare(&self, answers: &Settings) -> Result<Prepared, String>;

    /// Checks that a hook comes from the vendor: over the raw bytes, in constant time, before anything is parsed.
    ///
    /// # Errors
    /// [`Unverified`]; nothing of such a request is stored.
    fn verify(&self, hook: &Hook<'_>, settings: &Settings, now: DateTime<Utc>) -> Result<(), Unverified>;

    /// Whether a hook names another account than the one of `settings`. Asked of a hook that is not signed as it should be
    /// and is taken all the same: what [`Connector::verify`] says of the account it says only of one that is signed.
    fn is_of_other_account(&self, _hook: &Hook<'_>, _settings: &Settings) -> bool {
        false
    }

    /// Reads a verified hook.
    ///
    /// # Errors
    /// [`Unreadable`], with words for the vendor's user. A kind of event that is not known is no error: it reads as no
    /// observations.
    fn read(&self, hook: &Hook<'_>, channel: &Channel, settings: &Settings) -> Result<Reading, Unreadable>;

    /// The answer to a hook once what it showed is committed. `rows` are the rows that its orders became, in order.
    fn answer(
        &self,
        hook: &Hook<'_>,
        reading: &Reading,
        channel: &Channel,
        rows: &[Message],
        public_url: &str,
    ) -> Answer;

    /// An error in the vendor's own form, with words for its user.
    fn error(&self, hook: &Hook<'_>, status: u16, message: &str) -> Answer;

    /// Makes the request for a call.
    ///
    /// # Errors
    /// A [`Refusal`] when the call cannot be made at all, as if the vendor had refused it.
    fn build(&self, call: &Call<'_>, context: &Context<'_>) -> Result<Request, Refusal>;

    /// Judges what came back: done, certainly not done, or unknown.
    fn judge(&self, call: &Call<'_>, context: &Context<'_>, reply: &Reply) -> Outcome;
}

/// Something that is asked of a vendor.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// Bring a message there: send it, or put it into the helpdesk.
    Deliver(&'a Message),
    /// Show what is there that could be this message; `page` as a former page gave it.
    LookUp {
        /// The message of unknown outcome.
        message: &'a Message,
        /// The further page.
        page: Option<&'a str>,
    },
    /// Mark a message as failed, with the reason.
    Report {
        /// The message.
        message: &'a Message,
        /// Why, for the agent.
        reason: &'a str,
    },
    /// Put a note into the message's conversation.
    Note {
        /// The message.
        message: &'a Message,
        /// The note's own id.
        external_id: &'a str,
        /// Its text.
        text: &'a str,
    },
    /// List what is there, newest first.
    List {
        /// Not needed from before this.
        since: Option<DateTime<Utc>>,
        /// The further page.
        page: Option<&'a str>,
    },
    /// Name the files of a message.
    Files(&'a Message),
    /// Give one file of a message.
    File {
        /// The message.
        message: &'a Message,
        /// Where the vendor says that it is: an address from outside.
        url: &'a str,
    },
    /// Show one message.
    Fetch {
        /// Its id there.
        id: &'a str,
    },
    /// Show the helpdesk's users whether the channel works, where [`Caps::shows_standing`].
    Show {
        /// It does.
        works: bool,
    },
    /// Do nothing but use the credentials.
    Check,
    /// Show what the channel's number does with messages that come in, where [`Guide::reads_hook`].
    ReadHook,
    /// Have the channel's number send us the messages that come in.
    SetHook {
        /// The number's id there.
        id: &'a str,
    },
}

impl Call<'_> {
    /// Whether doing it changes nothing at the vendor: what is unknown about it is simply not done.
    pub fn only_reads(&self) -> bool {
        match self {
            Self::LookUp { .. }
            | Self::List { .. }
            | Self::Files(_)
            | Self::File { .. }
            | Self::Fetch { .. }
            | Self::Check
            | Self::ReadHook => true,
            Self::Deliver(_)
            | Self::Report { .. }
            | Self::Note { .. }
            | Self::Show { .. }
            | Self::SetHook { .. } => false,
        }
    }
}

/// What a call is made with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The channel; missing in calls for a whole account.
    pub channel: Option<&'a Channel>,
    /// The installation's settings overlaid by the account's.
    pub settings: &'a Settings,
    /// The helpdesk's id of the conversation, where known.
    pub thread: Option<&'a str>,
    /// The files that go with the message, in a delivery.
    pub files: &'a [Attachment],
    /// Where vendors reach this installation, without a slash at the end.
    pub public_url: &'a str,
    /// The time.
    pub now: DateTime<Utc>,
    /// Drawn at random for this call alone.
    pub nonce: u128,
}

/// A file that goes with a message, ready for the side that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its place in the message's media.
    pub nth: usize,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// What there is of it.
    pub content: Content,
}

/// What there is of a file, by [`crate::media::fit::Way`].
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Where it can be fetched, by anybody who has the address and for a while.
    Url(String),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Url(_) => f.write_str("an address"),
        }
    }
}

/// One helpdesk inbox tied to one provider address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Public id, `chn_…`, unguessable.
    pub id: String,
    /// `<helpdesk>_<provider>`.
    pub pair: String,
    /// Our own address at the provider.
    pub address: String,
    /// Country of the address, two letters: where numbers without a country code are at home.
    pub region: Option<String>,
    /// The helpdesk's id of the inbox's channel, once a user has connected it.
    pub helpdesk_channel_id: Option<String>,
}

impl Channel {
    /// Where a provider posts to.
    pub fn provider_url(&self, public_url: &str, connector: &str, hook: &str) -> String {
        format!("{public_url}/v1/hooks/{connector}/{}/{hook}", self.id)
    }

    /// Where a helpdesk posts to.
    pub fn install_url(&self, public_url: &str, hook: &str) -> String {
        format!("{public_url}/v1/install/{}/{hook}/{}", self.pair, self.id)
    }
}

/// The answers of a set-up, checked.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What makes the account the same account: two channels that say the same share its credentials and its pauses.
    /// None: an account of its own for every channel.
    pub account: Option<String>,
    /// The answers, tidied.
    pub answers: Settings,
    /// Our address at a provider, and its country.
    pub address: Option<(String, Option<String>)>,
}

/// What a hook says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The vendor's word for the kind of event, for the log.
    pub event: String,
    /// What it shows, in order.
    pub observations: Vec<Observation>,
}

/// Why a hook is not believed. None of these says what would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// There is no signature, or a part of it is missing.
    #[error("missing signature")]
    Missing,
    /// It is not the vendor's.
    #[error("invalid signature")]
    Invalid,
    /// It is too old, or from the future.
    #[error("stale timestamp")]
    Stale,
    /// The key that is needed to check it has never been set.
    #[error("no signing key is set for this account")]
    NoKey,
    /// It is signed, but for another account than the channel's.
    #[error("other account")]
    OtherAccount,
}

/// A hook that is genuine and makes no sense. The text is for the vendor's user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);
