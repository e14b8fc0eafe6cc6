//! A set-up step by step: it is kept sealed between two answers, so that any face, and any process, can go on with it.
//! What comes next is decided in [`twinwire_core::setup`]. What a person says is taken in [`said`](super::said), what is ours to
//! do is done in `advance`, and who comes by the page is known by [`visit`](super::visit).

use super::said::Said;
use super::{SetupError, find, random, stored, webhook};
use crate::{Engine, answers};
use chrono::TimeDelta;
use twinwire_core::connector::Connector;
use twinwire_core::setting::Settings;
use twinwire_core::setup::{Facts, Made, Progress};
use twinwire_store::channels::{self, State, StoredChannel};
use twinwire_store::setups::{self, Setup};

/// How long a set-up is kept.
const KEPT: TimeDelta = TimeDelta::days(1);
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
    pub(super) fn given(&self) -> Settings {
        self.setup.progress.answers.iter().filter(|(_, answer)| !answer.is_empty()).collect()
    }

    /// Looks at the channel, once it is made.
    pub(super) async fn see(&mut self, engine: &Engine) -> Result<(), SetupError> {
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
}
