//! A set-up step by step: it is kept sealed between two answers, so that any face, and any process, can go on with it.
//! What comes next is decided in [`twinwire_core::setup`]; here it is done, as far as it is ours to do.

use super::{Ready, SetupError, find, random, stored, webhook};
use crate::{Engine, answers};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hmac::Mac;
use twinwire_core::connector::Connector;
use twinwire_core::setting::{Scope, Settings};
use twinwire_core::setup::{Choice, Facts, Goes, Made, Next, NumberHook, Progress, next};
use twinwire_store::channels::{self, State, StoredChannel};
use twinwire_store::setups::{self, Setup};

/// How long a set-up is kept.
const KEPT: TimeDelta = TimeDelta::days(1);
/// How long a link to it can be used.
const LINK: TimeDelta = TimeDelta::minutes(30);
/// Steps of ours in a row at most: more would be a mistake in the machine.
const MOST: usize = 12;

/// A set-up in progress, as it was read.
#[derive(Debug)]
pub struct Session {
    pub(super) setup: Setup,
    pub(super) helpdesk: &'static dyn Connector,
    pub(super) provider: &'static dyn Connector,
    /// The channel that was made.
    pub(super) made: Option<(StoredChannel, Made)>,
    /// The channel whose answers change; the same once that is done.
    pub(super) of: Option<StoredChannel>,
}

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

/// Begins a set-up: of a new channel, or of one that is there, whose other answers stay as they are.
pub async fn begin(
    engine: &Engine,
    pair: &str,
    given: &Settings,
    channel: Option<&str>,
) -> Result<Session, SetupError> {
    let (helpdesk, provider) = answers::find(engine.connectors(), pair)?;
    answers::check_names((helpdesk, provider), given)?;
    answers::verification((helpdesk, provider), given)?;
    let of = match channel {
        Some(id) => Some(find(engine, id).await?),
        None => None,
    };
    if let Some(known) = of.as_ref().map(|channel| &channel.channel.pair).filter(|known| *known != pair) {
        return Err(SetupError::Invalid(format!("that channel's pair is {known}, not {pair}")));
    }
    let mut progress = Progress::default();
    if let Some(channel) = &of {
        for (name, answer) in stored(engine, channel).await?.iter() {
            progress.answers.set(name, answer);
        }
        // What was left open before is left open again; what is needed and gone is asked for.
        for (connector, ask) in
            [helpdesk, provider].iter().flat_map(|one| one.guide().asks.iter().map(move |ask| (*one, ask)))
        {
            let setting = connector.settings().iter().find(|setting| setting.name == ask.setting);
            let secret = setting.is_some_and(|setting| setting.secret);
            if !secret && progress.answers.get(ask.setting).is_none() {
                progress.answers.set(ask.setting, "");
            }
        }
    }
    let now = engine.now();
    setups::forget(engine.pool(), now).await?;
    let setup = Setup {
        id: random("stp_", 16),
        pair: pair.to_owned(),
        channel: of.as_ref().map(|channel| channel.id),
        progress,
        version: 0,
        expires_at: now + KEPT,
    };
    let mut session = Session { setup, helpdesk, provider, made: None, of };
    session.take_all(given)?;
    session.advance(engine).await?;
    setups::insert(engine.pool(), engine.key(), &session.setup).await?;
    Ok(session)
}

/// A set-up as it stands now.
pub async fn look(engine: &Engine, id: &str) -> Result<Session, SetupError> {
    let mut session = read(engine, id).await?;
    let before = session.setup.progress.notes.clone();
    let notes = &mut session.setup.progress.notes;
    if notes.hook_again_at.is_some_and(|at| at <= engine.now()) {
        (notes.hook, notes.hook_again_at) = (None, None);
    }
    session.advance(engine).await?;
    if session.setup.progress.notes != before {
        session.save(engine).await?;
    }
    Ok(session)
}

/// Goes on with a set-up, which the person `saw` at that version: what is said of a step that they never saw is not taken.
/// What makes no sense is said in the next step, and nothing else is changed.
pub async fn say(engine: &Engine, id: &str, saw: Option<i64>, said: Said) -> Result<Session, SetupError> {
    let mut session = read(engine, id).await?;
    if saw.is_some_and(|saw| saw != session.version()) {
        return Err(SetupError::Overtaken);
    }
    session.take(engine, said)?;
    session.advance(engine).await?;
    session.save(engine).await?;
    Ok(session)
}

/// A link to the page of a set-up, to be used once and soon.
pub async fn link(engine: &Engine, session: &Session) -> Result<String, SetupError> {
    let link = random("", 32);
    setups::set_link(engine.pool(), session.id(), &link, engine.now() + LINK).await?;
    Ok(format!("{}/v1/install/{}/setup?link={link}", engine.public_url(), session.setup.pair))
}

/// Whether a link of this pair can still be used. It stays usable.
pub async fn knows_link(engine: &Engine, pair: &str, link: &str) -> Result<bool, SetupError> {
    Ok(setups::knows_link(engine.pool(), pair, link, engine.now()).await?)
}

/// Exchanges a link, once, for a visitor's token; none where the link is not good any more.
pub async fn spend_link(engine: &Engine, pair: &str, link: &str) -> Result<Option<String>, SetupError> {
    let visitor = random("", 32);
    let spent = setups::spend_link(engine.pool(), pair, link, &visitor, engine.now()).await?;
    Ok(spent.map(|_| visitor))
}

/// A visitor's token for a set-up, in place of a former one.
pub async fn visit(engine: &Engine, session: &Session) -> Result<String, SetupError> {
    let visitor = random("", 32);
    setups::set_visitor(engine.pool(), session.id(), &visitor).await?;
    Ok(visitor)
}

/// The set-up of a visitor.
pub async fn of_visitor(engine: &Engine, pair: &str, visitor: &str) -> Result<Option<String>, SetupError> {
    Ok(setups::of_visitor(engine.pool(), pair, visitor, engine.now()).await?)
}

/// What a visitor's forms carry: whoever has it has seen a page of theirs.
pub fn form_token(engine: &Engine, visitor: &str) -> String {
    let mut mac = engine.key().derived("forms of a set-up");
    mac.update(visitor.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

async fn read(engine: &Engine, id: &str) -> Result<Session, SetupError> {
    let none = || SetupError::NoSetup(id.to_owned());
    if id.contains('\0') {
        return Err(none());
    }
    let setup = setups::get(engine.pool(), engine.key(), id, engine.now()).await?.ok_or_else(none)?;
    let (helpdesk, provider) = answers::find(engine.connectors(), &setup.pair)?;
    let of = match setup.channel {
        Some(id) => channels::get(engine.pool(), id).await?,
        None => None,
    };
    let mut session = Session { setup, helpdesk, provider, made: None, of };
    session.see(engine).await?;
    Ok(session)
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

/// What the machine asks of us.
enum Todo {
    Check,
    Make,
    ReadHook,
    SetHook(NumberHook),
}

impl Session {
    /// Public id.
    pub fn id(&self) -> &str {
        &self.setup.id
    }

    /// How often it was changed.
    pub fn version(&self) -> i64 {
        self.setup.version
    }

    /// The helpdesk's and the provider's names for people.
    pub fn names(&self) -> (&'static str, &'static str) {
        (self.helpdesk.title(), self.provider.title())
    }

    /// The facts, with what [`Connector::prepare`] says of the answers.
    pub(super) fn facts<'a>(&self, engine: &Engine, prepared: &'a Result<(), String>) -> Facts<'a> {
        Facts {
            helpdesk: self.helpdesk,
            provider: self.provider,
            lacks_installation: answers::check_installation(engine, &self.setup.pair).is_err(),
            prepared: prepared.as_ref().err().map_or(Ok(()), |words| Err(words.as_str())),
            channel: self.made.as_ref().map(|(_, made)| *made),
        }
    }

    /// What is wrong with the answers, if anything.
    pub(super) fn prepared(&self) -> Result<(), String> {
        let own = self.given();
        self.helpdesk.prepare(&own)?;
        self.provider.prepare(&own).map(drop)
    }

    /// The answers that say something.
    fn given(&self) -> Settings {
        self.setup.progress.answers.iter().filter(|(_, answer)| !answer.is_empty()).collect()
    }

    /// Does what is ours to do, until it is the person's turn.
    async fn advance(&mut self, engine: &Engine) -> Result<(), SetupError> {
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

    /// Looks at the channel, once it is made.
    async fn see(&mut self, engine: &Engine) -> Result<(), SetupError> {
        let Some(channel) = self.of.clone().filter(|_| self.setup.progress.notes.made) else { return Ok(()) };
        let connected = channel.channel.helpdesk_channel_id.is_some()
            && matches!(channel.state, State::Active | State::Paused);
        let made = Made { connected, hears: webhook::hears(engine, &channel).await? };
        self.made = Some((channel, made));
        Ok(())
    }

    /// Writes it down.
    async fn save(&mut self, engine: &Engine) -> Result<(), SetupError> {
        if !setups::save(engine.pool(), engine.key(), &self.setup).await? {
            return Err(SetupError::Overtaken);
        }
        self.setup.version += 1;
        Ok(())
    }

    fn take(&mut self, engine: &Engine, said: Said) -> Result<(), SetupError> {
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
    fn take_all(&mut self, given: &Settings) -> Result<(), SetupError> {
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
