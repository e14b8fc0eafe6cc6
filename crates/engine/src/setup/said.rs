//! What a person says in a set-up: taken where it is asked for, and nothing else.

use super::SetupError;
use super::session::Session;
use crate::{Engine, answers};
use twinwire_core::setting::{Scope, Settings};
use twinwire_core::setup::{Choice, Goes, Next, next};

/// What a person says.
#[derive(Clone, Debug)]
pub enum Said {
    /// The answer to what is asked; empty where nothing is wanted, or the former answer is to stay.
    Answer(String),
    /// The same, naming what is answered: where something else is asked by now, it is not taken.
    AnswerTo(String, String),
    /// Answers by name.
    Answers(Settings),
    /// That something is to be asked again.
    Back(String),
    /// What is to become of the number's webhook.
    Webhook(Word),
    /// That what was to be done at the vendors was seen.
    Continue,
}

/// What is to become of a number's webhook, in a person's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is to be set; only where nobody is told of the number's messages.
    Set,
    /// It is to be taken over from another application.
    TakeOver,
    /// It stays as it is.
    Leave,
}

/// What a set-up is at, for whoever says something else.
fn asked(now: &Next<'_>) -> String {
    match now {
        Next::Install => "needs settings of the installation first, and the server started anew".to_owned(),
        Next::Ask { ask, .. } => format!("asks for `{}`", ask.setting),
        Next::Confirm(_) => {
            "asks what is to become of the number's webhook (set, take_over or leave)".to_owned()
        }
        Next::Show => "shows what to do at the vendors, and goes on by \"continue\"".to_owned(),
        Next::Wait => "waits for the helpdesk's user to connect the channel".to_owned(),
        Next::Done => "is done; to change answers begin one with the \"channel\"".to_owned(),
        Next::Check | Next::Make | Next::ReadHook | Next::SetHook(_) => {
            "has something of its own to do".to_owned()
        }
    }
}

impl Session {
    /// Takes what is said, where it is asked for now.
    pub(super) fn take(&mut self, engine: &Engine, said: Said) -> Result<(), SetupError> {
        let prepared = self.prepared();
        let facts = self.facts(engine, &prepared);
        let now = next(&self.setup.progress, &facts);
        let asked = asked(&now);
        let not_now = |what: &str| {
            Err(SetupError::Invalid(format!("{what} is not asked for now: this set-up {asked}")))
        };
        match (said, now) {
            (Said::Answer(answer), Next::Ask { ask, .. }) => {
                let name = ask.setting;
                self.answer(name, &answer)?;
            }
            (Said::AnswerTo(name, answer), Next::Ask { ask, .. }) => {
                if ask.setting != name {
                    return Err(SetupError::Overtaken);
                }
                self.answer(&name, &answer)?;
            }
            (Said::Answers(given), Next::Ask { .. }) => {
                answers::check_names((self.helpdesk, self.provider), &given)?;
                answers::verification((self.helpdesk, self.provider), &given)?;
                self.take_all(&given)?;
            }
            (Said::Back(name), Next::Ask { .. }) => {
                if self.setup.progress.answers.get(&name).is_none() {
                    return not_now(&format!("`{name}`"));
                }
                self.setup.progress.notes.again.insert(0, name);
            }
            (Said::Webhook(word), Next::Confirm(goes)) => {
                let choice = match (word, goes) {
                    (Word::Leave, _) => Choice::Leave,
                    (Word::Set, Goes::Elsewhere(_)) => {
                        return Err(SetupError::Invalid(
                            "the number's messages go to another application: taking them over has to be said"
                                .to_owned(),
                        ));
                    }
                    (Word::Set | Word::TakeOver, _) => Choice::Set,
                };
                self.setup.progress.notes.choice = Some(choice);
            }
            (Said::Continue, Next::Show) => self.setup.progress.notes.shown = true,
            // Said twice, it is as good as once.
            (Said::Continue, Next::Wait | Next::Done) => {}
            (Said::Answer(_) | Said::AnswerTo(..) | Said::Answers(_) | Said::Back(_), _) => {
                return not_now("an answer");
            }
            (Said::Webhook(_), _) => return not_now("what is to become of the number's webhook"),
            (Said::Continue, _) => return not_now("going on"),
        }
        Ok(())
    }

    /// Takes answers by name, in the order in which they are asked.
    pub(super) fn take_all(&mut self, given: &Settings) -> Result<(), SetupError> {
        given.iter().try_for_each(|(name, answer)| self.answer(name, answer))
    }

    /// Takes an answer, or says what is wrong with it. One that is wrong is not kept. What nobody asks for is refused at
    /// once: it would be wrong for ever.
    fn answer(&mut self, name: &str, answer: &str) -> Result<(), SetupError> {
        let progress = &mut self.setup.progress;
        let answer = answer.trim();
        let known = [self.helpdesk, self.provider].into_iter().find_map(|connector| {
            let setting = connector.settings().iter().find(|setting| setting.name == name);
            Some((connector, setting.filter(|setting| setting.scope != Scope::Installation)?))
        });
        // A common setting is checked with all the others.
        let Some((connector, setting)) = known else {
            progress.answer(name, answer);
            return Ok(());
        };
        if answer.is_empty() {
            // What is needed cannot go; and a secret is not shown in its field, so that an empty one does not say that it is to.
            let stays = setting.required || setting.secret;
            let before = progress.answers.get(name).filter(|_| stays).map(str::to_owned);
            match before.or_else(|| setting.default.map(str::to_owned)) {
                Some(kept) => progress.answer(name, &kept),
                None if setting.required => progress.wrong(name, "An answer is needed here."),
                None => progress.answer(name, ""),
            }
            return Ok(());
        }
        match connector.tidy(name, answer) {
            Ok(tidy) => progress.answer(name, &tidy),
            Err(words) if connector.guide().asks.iter().any(|ask| ask.setting == name) => {
                progress.wrong(name, &words);
            }
            Err(words) => return Err(SetupError::Invalid(words)),
        }
        Ok(())
    }
}
