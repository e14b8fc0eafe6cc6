//! What the set-up of a connector consists of, as data: what is asked for, and what its user is told to do. The terminal,
//! the page and the JSON are three faces of this one definition.

use crate::setting::Settings;

/// A connector's part of a set-up.
#[derive(Clone, Copy, Debug)]
pub struct Guide {
    /// What is asked, in order. A setting that is not here keeps its default and can be given by its name.
    pub asks: &'static [Ask],
    /// What is asked again when the vendor refuses the credentials.
    pub credentials: &'static [&'static str],
    /// What to do at the vendor before the first channel, for the settings of the installation.
    pub before: &'static [Told],
    /// What to do at the vendor once the channel is made.
    pub connect: &'static [Told],
    /// [`Call::ReadHook`](crate::connector::Call::ReadHook) and [`Call::SetHook`](crate::connector::Call::SetHook) are
    /// possible there.
    pub reads_hook: bool,
}

/// One thing that is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The setting's name; prompt, secrecy and default are there.
    pub setting: &'static str,
    /// Where to find the answer, in the vendor's words.
    pub help: &'static str,
    /// Whether it is asked at all.
    pub when: When,
}

/// Whether a setting is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// Where this other setting was left empty.
    Without(&'static str),
    /// Where this other setting was given.
    With(&'static str),
}

impl When {
    /// Whether it holds for these answers.
    pub fn holds(self, answers: &Settings) -> bool {
        match self {
            Self::Always => true,
            Self::Without(other) => answers.get(other).is_none(),
            Self::With(other) => answers.get(other).is_some(),
        }
    }
}

/// One thing to do at a vendor.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// What to click there.
    pub words: &'static str,
    /// What to paste there.
    pub paste: Option<Paste>,
}

/// What is pasted at a vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paste {
    /// Where a helpdesk's application posts to, the same for every channel of the pair.
    Server,
    /// The channel's key.
    Key,
    /// Where a provider posts customers' messages of the channel to.
    Inbound,
}
