//! The set-up of a channel as a state machine. What was answered and what is so go in, what comes next comes out:
//! [`next`] reads no clock and asks nobody, so that the whole conversation can be read and tested as a table.
//!
//! The definition is the connectors' ([`Guide`]); the faces show what comes next to people and hand on what they say.

pub mod guide;
mod progress;

pub use guide::{Ask, Guide, Paste, Told, When};
pub use progress::{Choice, Found, Goes, Notes, NumberHook, Progress, Wrong};

use crate::connector::Connector;
use crate::setting::{Scope, Setting};

/// What is so, beside what was answered.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The helpdesk.
    pub helpdesk: &'a dyn Connector,
    /// The provider.
    pub provider: &'a dyn Connector,
    /// A setting of the installation is missing.
    pub lacks_installation: bool,
    /// What [`Connector::prepare`] says of the answers as they are: what is wrong with them, if anything.
    pub prepared: Result<(), &'a str>,
    /// The channel, once it is made.
    pub channel: Option<Made>,
}

/// A channel that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// A user of the helpdesk has connected it.
    pub connected: bool,
    /// Webhooks of its provider would be believed.
    pub hears: bool,
}

/// What comes next: for the person, or for the engine.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// The person sets what is missing for the whole installation, and begins again.
    Install,
    /// The person answers this; `wrong` says what was wrong with the last answer.
    Ask {
        /// Who asks.
        of: &'a dyn Connector,
        /// What.
        ask: &'static Ask,
        /// Its setting.
        setting: &'static Setting,
        /// What was wrong.
        wrong: Option<&'a str>,
    },
    /// The person says whether the number's webhook is to be set, and over what.
    Confirm(&'a Goes),
    /// The person does what has to be done at the vendors.
    Show,
    /// The helpdesk's user connects the channel.
    Wait,
    /// Nothing.
    Done,
    /// The engine tries the credentials.
    Check,
    /// The engine makes the channel.
    Make,
    /// The engine reads what the number does with messages that come in.
    ReadHook,
    /// The engine sets the number's webhook.
    SetHook(&'a NumberHook),
}

/// What comes next.
pub fn next<'a>(progress: &'a Progress, facts: &Facts<'a>) -> Next<'a> {
    if facts.lacks_installation {
        return Next::Install;
    }
    match facts.channel {
        None => before_the_channel(progress, facts),
        Some(made) => after_the_channel(progress, facts, made),
    }
}

fn before_the_channel<'a>(progress: &'a Progress, facts: &Facts<'a>) -> Next<'a> {
    let open = asks(facts).find(|(_, ask, _)| progress.is_open(ask));
    let Some((of, ask, setting)) = open else {
        return match facts.prepared {
            Err(words) => again(facts, words),
            Ok(()) if progress.notes.checked => Next::Make,
            Ok(()) => Next::Check,
        };
    };
    // As soon as what they need is there, the credentials are tried: nobody should answer five more questions first.
    let asked_again = progress.notes.again.iter().any(|name| name == ask.setting);
    if facts.prepared.is_ok() && !progress.notes.checked && !setting.required && !asked_again {
        return Next::Check;
    }
    let about = |wrong: &&Wrong| wrong.setting.as_deref().is_none_or(|name| name == ask.setting);
    let wrong = progress.notes.wrongs.iter().find(about);
    Next::Ask { of, ask, setting, wrong: wrong.map(|wrong| wrong.words.as_str()) }
}

/// All was answered, and it does not fit together: what the words name is asked again.
fn again<'a>(facts: &Facts<'a>, words: &'a str) -> Next<'a> {
    let named = |(_, ask, _): &(_, &Ask, _)| words.contains(&format!("`{}`", ask.setting));
    let found = asks(facts).find(named).or_else(|| asks(facts).next());
    match found {
        Some((of, ask, setting)) => Next::Ask { of, ask, setting, wrong: Some(words) },
        // A pair that asks nothing has nothing to be wrong.
        None => Next::Check,
    }
}

fn after_the_channel<'a>(progress: &'a Progress, facts: &Facts<'a>, made: Made) -> Next<'a> {
    let notes = &progress.notes;
    if made.hears && facts.provider.guide().reads_hook {
        match (&notes.hook, &notes.choice) {
            (None, _) => return Next::ReadHook,
            (Some(NumberHook { goes: Goes::Here | Goes::Unknown(_), .. }), _) | (_, Some(Choice::Leave)) => {}
            (Some(hook), None) => return Next::Confirm(&hook.goes),
            (Some(hook), Some(Choice::Set)) => return Next::SetHook(hook),
        }
    }
    match (made.connected, notes.shown) {
        (true, _) => Next::Done,
        (false, false) => Next::Show,
        (false, true) => Next::Wait,
    }
}

/// Everything that the pair asks, in order.
pub fn asks<'a>(
    facts: &Facts<'a>,
) -> impl Iterator<Item = (&'a dyn Connector, &'static Ask, &'static Setting)> {
    [facts.helpdesk, facts.provider].into_iter().flat_map(|connector| {
        connector
            .guide()
            .asks
            .iter()
            .filter_map(move |ask| Some((connector, ask, setting_of(connector, ask)?)))
    })
}

/// The setting of an ask. One for the whole installation is not asked for.
fn setting_of(connector: &dyn Connector, ask: &Ask) -> Option<&'static Setting> {
    let named = |setting: &&Setting| setting.name == ask.setting && setting.scope != Scope::Installation;
    connector.settings().iter().find(named)
}
