//! What a connector asks its operator for, and the answers.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;

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

/// The common setting [`Verification`]. Given as `<connector>.verification`, since a channel has two accounts.
pub const VERIFICATION: &str = "verification";

/// The settings that every account has beside its connector's own. The engine alone knows them: no connector names or
/// sees one. Each is given as `<connector>.<name>`.
pub static COMMON: &[Setting] = &[Setting {
    name: VERIFICATION,
    prompt: "Webhooks that are not signed as they should be: enforce (refused) or log_only (taken and counted)",
    scope: Scope::Account,
    secret: false,
    required: false,
    default: Some(Verification::ENFORCE),
}];

/// What becomes of a webhook of an account that is not signed as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// It is refused.
    #[default]
    Enforce,
    /// It is taken all the same, logged and counted: for the time of a move from another system. Anybody who knows the
    /// account's URLs can write messages then.
    LogOnly,
}

impl Verification {
    const ENFORCE: &str = "enforce";
    const LOG_ONLY: &str = "log_only";
}

impl FromStr for Verification {
    type Err = String;

    /// The words alone: what has webhooks believed is not guessed from something like it. The error names the words.
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            Self::ENFORCE => Ok(Self::Enforce),
            Self::LOG_ONLY => Ok(Self::LogOnly),
            _ => Err(format!(
                "{} (webhooks that are not signed as they should be are refused) or {} (they are taken and counted)",
                Self::ENFORCE,
                Self::LOG_ONLY
            )),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verification_is_one_of_two_words_and_by_default_enforced() {
        for verification in [Verification::Enforce, Verification::LogOnly] {
            let word = serde_json::to_value(verification).unwrap();
            assert_eq!(
                word.as_str().unwrap().parse(),
                Ok(verification),
                "the setting's word is the database's"
            );
        }
        let usual =
            COMMON.iter().find(|setting| setting.name == VERIFICATION).and_then(|setting| setting.default);
        assert_eq!(usual.map(str::parse), Some(Ok(Verification::default())));
        assert_eq!(Verification::default(), Verification::Enforce);
        for wrong in ["maybe", "", "LOG_ONLY", "log-only", "off", "enforce "] {
            let words = wrong.parse::<Verification>().unwrap_err();
            assert!(words.contains("enforce") && words.contains("log_only"), "{words}");
        }
    }
}
