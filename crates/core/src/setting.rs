//! What a connector asks its operator for, and the answers.

use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// For whom a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For the whole installation: environment or `twinwire.toml`, as `TWINWIRE_<CONNECTOR>_<NAME>`.
    Installation,
    /// For one account at the vendor.
    Account,
    /// For one channel.
    Channel,
}

/// One setting of a connector.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in `--set name=value`, lower case.
    pub name: &'static str,
    /// What to ask a person.
    pub prompt: &'static str,
    /// For whom it holds.
    pub scope: Scope,
    /// It is kept encrypted and never shown.
    pub secret: bool,
    /// It has to be given, unless there is a default.
    pub required: bool,
    /// Taken when nothing is given.
    pub default: Option<&'static str>,
}

/// Answers by name. All are treated as secrets in memory, so that none can reach a log.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, SecretString>);

impl Settings {
    /// The answer, when there is one that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    /// The answer.
    ///
    /// # Errors
    /// [`Missing`], naming the setting.
    pub fn need(&self, name: &str) -> Result<&str, Missing> {
        self.get(name).ok_or_else(|| Missing(name.to_owned()))
    }

    /// Adds or replaces an answer.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<SecretString>) {
        self.0.insert(name.into(), value.into());
    }

    /// These answers, and the ones of `over` in their place where both have one.
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(over.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self(all)
    }

    /// Names and values, for sealing.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose_secret()))
    }
}

impl<N: Into<String>, V: Into<SecretString>> FromIterator<(N, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(answers: I) -> Self {
        Self(answers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A setting that has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{0}` is missing")]
pub struct Missing(pub String);
