//! What is ours to do in a set-up, between two answers of a person.

use super::session::Session;
use super::{Ready, SetupError, find, webhook};
use crate::Engine;
use twinwire_core::setting::{Scope, Settings};
use twinwire_core::setup::{Next, NumberHook, next};

/// Steps of ours in a row at most: more would be a mistake in the machine.
const MOST: usize = 12;

/// What the machine asks of us.
enum Todo {
    Check,
    Make,
    ReadHook,
    SetHook(NumberHook),
}

impl Session {
    /// Does what is ours to do, until it is the person's turn.
    pub(super) async fn advance(&mut self, engine: &Engine) -> Result<(), SetupError> {
        for _ in 0..MOST {
            let prepared = self.prepared();
            let todo = match next(&self.setup.progress, &self.facts(engine, &prepared)) {
                Next::Check => Todo::Check,
                Next::Make => Todo::Make,
                Next::ReadHook => Todo::ReadHook,
                Next::SetHook(hook) => Todo::SetHook(hook.clone()),
                _ => return Ok(()),
            };
            match todo {
                Todo::Check => self.check(engine).await?,
                Todo::Make => self.make(engine).await?,
                Todo::ReadHook => {
                    let Some((channel, _)) = &self.made else { return Ok(()) };
                    let read = webhook::read(engine, channel).await?;
                    self.setup.progress.hook(read, engine.now());
                }
                Todo::SetHook(seen) => {
                    let Some((channel, _)) = &self.made else { return Ok(()) };
                    // Whatever it is now, what was said was said of what was shown.
                    let set = webhook::set(engine, channel, &seen).await?;
                    self.setup.progress.hook(set, engine.now());
                    self.setup.progress.notes.choice = None;
                }
            }
        }
        Err(SetupError::Invalid("the set-up does not come to an end: begin a new one".to_owned()))
    }

    async fn check(&mut self, engine: &Engine) -> Result<(), SetupError> {
        let tried = match Ready::of(engine, &self.setup.pair, &self.given()) {
            Ok(ready) => {
                if let Some(channel) = &self.of
                    && !ready.keeps_number(channel)
                {
                    let words = super::other_number(&channel.channel.id).to_string();
                    self.ask_for_the_number(&words);
                    return Ok(());
                }
                let stays = match &self.of {
                    Some(channel) => ready.stays(engine, channel).await,
                    None => Ok(()),
                };
                match stays {
                    Ok(()) => ready.check(engine).await,
                    moved => moved,
                }
            }
            Err(error) => Err(error),
        };
        match tried {
            Ok(()) => {
                self.setup.progress.notes.checked = true;
                Ok(())
            }
            Err(error) => self.wrong(error),
        }
    }

    /// Asks again for what the provider may have meant. Trouble of our own is no answer's fault.
    fn wrong(&mut self, error: SetupError) -> Result<(), SetupError> {
        let SetupError::Engine(error) = error else {
            let answers = &self.setup.progress.answers;
            let used = |name: &&&str| answers.get(name).is_some();
            let named: Vec<&str> = self.provider.guide().credentials.iter().filter(used).copied().collect();
            self.setup.progress.ask_again(&named, &error.to_string());
            return Ok(());
        };
        Err(SetupError::Engine(error))
    }

    fn ask_for_the_number(&mut self, words: &str) {
        let settings = self.provider.settings().iter().filter(|setting| setting.scope == Scope::Channel);
        let names: Vec<&str> = settings.map(|setting| setting.name).collect();
        self.setup.progress.ask_again(&names, words);
    }

    async fn make(&mut self, engine: &Engine) -> Result<(), SetupError> {
        let ready = Ready::of(engine, &self.setup.pair, &self.given())?;
        let installed = ready.make(engine).await?;
        let channel = find(engine, &installed.channel.id).await?;
        self.setup.channel = Some(channel.id);
        // The account has them now.
        self.setup.progress.answers = Settings::default();
        self.setup.progress.notes.made = true;
        self.of = Some(channel);
        self.see(engine).await
    }
}
