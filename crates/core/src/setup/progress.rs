//! How far a set-up has come.

use super::guide::Ask;
use crate::setting::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How soon a number is looked at again that could not be read just now.
const HOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);

/// How far a set-up has come: it is kept sealed between two answers, and any face can go on with it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// What was answered. An empty answer is one: nothing is wanted there.
    pub answers: Settings,
    /// What came of it.
    pub notes: Notes,
}

/// What came of the answers. No answer stands here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// What was wrong with answers that are asked again.
    pub wrongs: Vec<Wrong>,
    /// What is asked again although it was answered.
    pub again: Vec<String>,
    /// The provider has taken the credentials as they are.
    pub checked: bool,
    /// What the number does with messages that come in, as last read.
    pub hook: Option<NumberHook>,
    /// It could not be read or set for a reason that may pass: from then on it is tried anew.
    pub hook_again_at: Option<DateTime<Utc>>,
    /// What is to become of the number's webhook.
    pub choice: Option<Choice>,
    /// The channel is made, or has the answers that were given.
    pub made: bool,
    /// What is to be done at the vendors was shown.
    pub shown: bool,
}

/// What was wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// The setting; none where several could be meant.
    pub setting: Option<String>,
    /// The words for the person.
    pub words: String,
}

/// A number at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberHook {
    /// The provider's id of it; empty where there is none.
    pub id: String,
    /// Where its messages go.
    pub goes: Goes,
}

/// A number as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number.
    pub hook: NumberHook,
    /// That it is unknown may pass: the provider was away, or asked for patience.
    pub passes: bool,
}

impl From<NumberHook> for Found {
    fn from(hook: NumberHook) -> Self {
        Self { hook, passes: false }
    }
}

/// What a number does with messages that come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "goes", content = "to", rename_all = "snake_case")]
pub enum Goes {
    /// They come here.
    Here,
    /// Nobody is told of them.
    Nowhere,
    /// They go to this address of another application.
    Elsewhere(String),
    /// The webhook cannot be read or set from here, for this reason: a person does it.
    Unknown(String),
}

/// What is to become of a number's webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It is set to come here, over what was shown.
    Set,
    /// It stays as it is.
    Leave,
}

impl Progress {
    /// Whether an ask waits for an answer.
    pub(super) fn is_open(&self, ask: &Ask) -> bool {
        let answered = self.answers.iter().any(|(name, _)| name == ask.setting);
        ask.when.holds(&self.answers)
            && (!answered || self.notes.again.iter().any(|name| name == ask.setting))
    }

    /// Takes an answer, tidied. Credentials that were tried are to be tried anew.
    pub fn answer(&mut self, setting: &str, answer: &str) {
        self.answers.set(setting, answer);
        self.notes.again.retain(|name| name != setting);
        self.notes.checked = false;
        // Words about several answers hold until the last of them was given anew.
        let done = self.notes.again.is_empty();
        self.notes.wrongs.retain(|wrong| match wrong.setting.as_deref() {
            Some(about) => about != setting,
            None => !done,
        });
    }

    /// Takes what was found of the number. What may pass is tried anew a little later.
    pub fn hook(&mut self, found: Found, now: DateTime<Utc>) {
        self.notes.hook_again_at = found.passes.then(|| now + HOOK_AGAIN);
        self.notes.hook = Some(found.hook);
    }

    /// Asks for something again, with what was wrong.
    pub fn ask_again(&mut self, settings: &[&str], words: &str) {
        self.notes.again = settings.iter().map(|name| (*name).to_owned()).collect();
        let setting = if let [one] = settings { Some((*one).to_owned()) } else { None };
        self.notes.wrongs = vec![Wrong { setting, words: words.to_owned() }];
    }

    /// Asks for one thing again, before anything else that is asked again.
    pub fn wrong(&mut self, setting: &str, words: &str) {
        self.notes.again.retain(|name| name != setting);
        self.notes.again.insert(0, setting.to_owned());
        self.notes.wrongs.retain(|wrong| wrong.setting.as_deref() != Some(setting));
        self.notes.wrongs.push(Wrong { setting: Some(setting.to_owned()), words: words.to_owned() });
    }
}
