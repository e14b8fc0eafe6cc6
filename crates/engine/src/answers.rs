//! The answers of a set-up: what is asked for is there, nothing is misspelt, and each goes to whom it is for.

use crate::setup::SetupError;
use crate::{Connectors, Engine};
use std::collections::BTreeMap;
use twinwire_core::connector::Connector;
use twinwire_core::setting::{COMMON, Scope, Setting, Settings, VERIFICATION, Verification};

/// A helpdesk and a provider.
pub(crate) type Pair = (&'static dyn Connector, &'static dyn Connector);

/// Answers by whom they are for.
#[derive(Debug)]
pub(crate) struct Sorted {
    /// For the connectors.
    pub(crate) own: Settings,
    /// What is to become of webhooks that are not signed as they should be, by connector; the others stay as they are.
    pub(crate) verification: BTreeMap<&'static str, Verification>,
}

/// Checks the answers for a pair, and sorts them.
pub(crate) fn sort(engine: &Engine, pair: Pair, answers: &Settings) -> Result<Sorted, SetupError> {
    check_names(pair, answers)?;
    let connectors = [pair.0, pair.1];
    let own = answers.iter().filter(|(name, _)| !connectors.iter().any(|one| is_common(*one, name)));
    let own: Settings = own.collect();
    for connector in connectors {
        check_required(engine, connector, &own)?;
    }
    Ok(Sorted { own, verification: verification(pair, answers)? })
}

/// What the answers say of webhooks that are not signed as they should be, by connector.
pub(crate) fn verification(
    pair: Pair,
    answers: &Settings,
) -> Result<BTreeMap<&'static str, Verification>, SetupError> {
    let mut verification = BTreeMap::new();
    for connector in [pair.0, pair.1] {
        let name = common(connector, VERIFICATION);
        // An empty one too: whoever gives it means to change something.
        if let Some((_, word)) = answers.iter().find(|(given, _)| *given == name) {
            let parsed = word.parse().map_err(|words| SetupError::Invalid(format!("`{name}` is {words}")))?;
            verification.insert(connector.name(), parsed);
        }
    }
    Ok(verification)
}

/// The name in an answer of a setting that every account has: a channel has two accounts.
pub(crate) fn common(connector: &dyn Connector, setting: &str) -> String {
    format!("{}.{setting}", connector.name())
}

fn is_common(connector: &dyn Connector, name: &str) -> bool {
    COMMON.iter().any(|setting| name == common(connector, setting.name))
}

/// No answer is misspelt.
pub(crate) fn check_names((helpdesk, provider): Pair, answers: &Settings) -> Result<(), SetupError> {
    let mut known: Vec<String> = Vec::new();
    for connector in [helpdesk, provider] {
        let own = connector.settings().iter().filter(|setting| setting.scope != Scope::Installation);
        known.extend(own.map(|setting| setting.name.to_owned()));
    }
    for connector in [helpdesk, provider] {
        known.extend(COMMON.iter().map(|setting| common(connector, setting.name)));
    }
    let Some((name, _)) = answers.iter().find(|(name, _)| !known.iter().any(|one| one == name)) else {
        return Ok(());
    };
    if let Some(setting) = COMMON.iter().find(|setting| setting.name == name) {
        let (one, other) = (common(helpdesk, setting.name), common(provider, setting.name));
        return Err(SetupError::Invalid(format!(
            "`{name}` is a setting of each of a channel's two accounts: say `{one}` or `{other}`"
        )));
    }
    Err(SetupError::Unknown(name.to_owned(), known.join(", ")))
}

/// Every answer that is needed is there.
fn check_required(engine: &Engine, connector: &dyn Connector, own: &Settings) -> Result<(), SetupError> {
    let all = engine.settings(connector.name(), own);
    let missing = |setting: &&Setting| setting.required && all.get(setting.name).is_none();
    match connector.settings().iter().find(missing) {
        None => Ok(()),
        Some(Setting { scope: Scope::Installation, name, prompt, .. }) => {
            Err(SetupError::MissingInstallation(variable(connector, name), prompt))
        }
        Some(setting) => Err(SetupError::Missing(setting.name, setting.prompt)),
    }
}

/// Checks that everything is set here that the connectors of a pair need of the installation. Without it this process
/// could not make their calls, and a refusal would be laid at the account's door.
///
/// # Errors
/// [`SetupError::MissingInstallation`], naming the variable.
pub fn check_installation(engine: &Engine, pair: &str) -> Result<(), SetupError> {
    let (helpdesk, provider) = find(engine.connectors(), pair)?;
    let mut missing = [helpdesk, provider].into_iter().flat_map(|one| missing_installation(engine, one));
    match missing.next() {
        Some((variable, prompt)) => Err(SetupError::MissingInstallation(variable, prompt)),
        None => Ok(()),
    }
}

/// The settings of the installation that a connector needs and that are not set, as they stand in the environment, with
/// what they are.
pub(crate) fn missing_installation(
    engine: &Engine,
    connector: &dyn Connector,
) -> Vec<(String, &'static str)> {
    let known = engine.settings(connector.name(), &Settings::default());
    let needed = connector.settings().iter();
    let needed = needed.filter(|setting| setting.required && setting.scope == Scope::Installation);
    let missing = needed.filter(|setting| known.get(setting.name).is_none());
    missing.map(|setting| (variable(connector, setting.name), setting.prompt)).collect()
}

/// The connectors of a pair by its name.
pub(crate) fn find(connectors: Connectors, pair: &str) -> Result<Pair, SetupError> {
    connectors.pair(pair).ok_or_else(|| {
        let names: Vec<String> = connectors
            .pairs()
            .map(|(helpdesk, provider)| format!("{}_{}", helpdesk.name(), provider.name()))
            .collect();
        SetupError::NoPair(pair.to_owned(), names.join(", "))
    })
}

/// A setting of the installation as it stands in the environment.
fn variable(connector: &dyn Connector, setting: &str) -> String {
    format!("TWINWIRE_{}_{setting}", connector.name()).to_uppercase()
}
