//! Making a channel: answers in, accounts and channel out. Running it again for the same number renews the
//! credentials and gives the same channel.
//!
//! * [`session`] — the same step by step, kept between two answers: what the terminal, the page and the JSON show.
//! * [`said`] — what a person says, taken where it is asked for; `advance` — what is ours to do then.
//! * [`visit`] — who comes by the page: a link for one use, and the visitor that it becomes.
//! * [`webhook`] — where the number's messages go, and having them come here.
//! * [`keys`] — a channel's key shown, made anew, and its credentials forgotten.

mod advance;
pub mod keys;
pub mod said;
pub mod session;
pub mod view;
pub mod visit;
pub mod webhook;

use crate::answers::Sorted;
use crate::call::{self, Caller};
use crate::{Engine, Error, answers};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use twinwire_core::connector::{Call, Channel, Connector, Prepared};
use twinwire_core::outcome::{Outcome, RefusalKind};
use twinwire_core::setting::{Scope, Setting, Settings, Verification};
use twinwire_store::accounts::{self, Account};
use twinwire_store::channels::{self, NewChannel, StoredChannel};
use twinwire_store::tx;
use twinwire_store::{verification, work};

pub use crate::answers::check_installation;

/// Why a channel was not made. Nothing is stored then.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no such pair.
    #[error("there is no pair named `{0}`; there are: {1}")]
    NoPair(String, String),
    /// An answer is missing.
    #[error("`{0}` is missing: {1}")]
    Missing(&'static str, &'static str),
    /// An answer is not one of the settings.
    #[error("`{0}` is not a setting; the settings are: {1}")]
    Unknown(String, String),
    /// A setting of the installation is missing.
    #[error("`{0}` is not set: {1}")]
    MissingInstallation(String, &'static str),
    /// An answer makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The vendor refused the credentials.
    #[error("{0} refused: {1}")]
    Refused(&'static str, String),
    /// The vendor did not answer as it should.
    #[error("{0} could not be asked: {1}; check the answers that make up its address, and the network")]
    Unreachable(&'static str, String),
    /// There is no such channel.
    #[error("there is no channel {0}; `twinwire channels` lists them")]
    NoChannel(String),
    /// The credentials serve other channels as well.
    #[error("the credentials also serve {0}: say that theirs are to be forgotten as well (--shared)")]
    Shared(String),
    /// There is no such set-up, or not any more.
    #[error("there is no set-up `{0}`: it may be more than a day old; begin a new one")]
    NoSetup(String),
    /// Somebody else changed the set-up at the same time.
    #[error("somebody else went on with this set-up in the meantime: look again")]
    Overtaken,
    /// The engine.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<twinwire_store::Error> for SetupError {
    fn from(error: twinwire_store::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<sqlx::Error> for SetupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Engine(error.into())
    }
}

/// A channel that was made, or was there.
#[derive(Debug)]
pub struct Installed {
    /// The channel.
    pub channel: Channel,
    /// The key that the helpdesk's user pastes.
    pub api_key: String,
    /// The provider.
    pub provider: &'static dyn Connector,
    /// It was there before; its credentials are the new ones.
    pub existed: bool,
    /// Settings of the provider's account that nobody has answered, now or before.
    pub unanswered: Vec<&'static str>,
    /// The connectors of the channel whose webhooks are taken without being verified.
    pub log_only: Vec<&'static str>,
}

/// Makes the channel of `pair` that the answers describe, once the provider has taken the credentials.
pub async fn install(engine: &Engine, pair: &str, answers: &Settings) -> Result<Installed, SetupError> {
    let ready = Ready::of(engine, pair, answers)?;
    ready.check(engine).await?;
    ready.make(engine).await
}

/// Changes answers of a channel that is there; the others stay as they are. Nothing is changed before the provider has
/// taken the credentials.
pub async fn change(engine: &Engine, channel: &str, answers: &Settings) -> Result<Installed, SetupError> {
    let channel = find(engine, channel).await?;
    let all = stored(engine, &channel).await?.overlaid(answers);
    let ready = Ready::of(engine, &channel.channel.pair, &all)?;
    ready.stays(engine, &channel).await?;
    ready.check(engine).await?;
    ready.make(engine).await
}

/// A channel that has not been removed.
pub(crate) async fn find(engine: &Engine, id: &str) -> Result<StoredChannel, SetupError> {
    let known = if id.contains('\0') { None } else { channels::by_public_id(engine.pool(), id).await? };
    match known {
        Some(channel) if channel.state != channels::State::Deleted => Ok(channel),
        Some(_) => Err(SetupError::Invalid(format!(
            "the channel {id} was removed in the helpdesk: set its number up anew, which makes another one"
        ))),
        None => Err(SetupError::NoChannel(id.to_owned())),
    }
}

/// The pair that is meant: the named one, or that of the channel.
pub async fn pair_for(
    engine: &Engine,
    named: Option<&str>,
    channel: Option<&str>,
) -> Result<String, SetupError> {
    let known = match channel {
        Some(channel) => Some(find(engine, channel).await?.channel.pair),
        None => None,
    };
    match (named, known) {
        (Some(named), Some(known)) if named != known => {
            Err(SetupError::Invalid(format!("that channel's pair is {known}, not {named}")))
        }
        (Some(pair), _) => Ok(pair.to_owned()),
        (None, Some(pair)) => Ok(pair),
        (None, None) => {
            let known = engine.connectors().pairs();
            let names = known.map(|(one, other)| format!("{}_{}", one.name(), other.name()));
            let names: Vec<String> = names.collect();
            Err(SetupError::Invalid(format!("name what to join, one of: {}", names.join(", "))))
        }
    }
}

/// What a channel's provider account was answered, and its number.
pub(crate) async fn stored(engine: &Engine, channel: &StoredChannel) -> Result<Settings, SetupError> {
    let (helpdesk, provider) = answers::find(engine.connectors(), &channel.channel.pair)?;
    let mut all = Settings::default();
    for (connector, account) in [(helpdesk, channel.helpdesk_account), (provider, channel.provider_account)] {
        let known = accounts::get(engine.pool(), engine.key(), account).await?.settings;
        // An account may know more than its connector asks for now.
        let asked = |name: &str| connector.settings().iter().find(|setting| setting.name == name);
        all = all.overlaid(&known.iter().filter(|(name, _)| asked(name).is_some()).collect());
        // The number of an account's latest channel is not this one's.
        let own = connector.settings().iter().filter(|setting| setting.scope == Scope::Channel);
        for setting in own.filter(|_| connector.name() == provider.name()) {
            all.set(setting.name, channel.channel.address.as_str());
        }
    }
    Ok(all)
}

/// Answers that were checked here, and not at the provider yet.
pub(crate) struct Ready {
    pair: String,
    helpdesk: &'static dyn Connector,
    provider: &'static dyn Connector,
    answers: Sorted,
    at_helpdesk: Prepared,
    at_provider: Prepared,
    address: (String, Option<String>),
}

impl Ready {
    /// Checks the answers.
    pub(crate) fn of(engine: &Engine, pair: &str, answers: &Settings) -> Result<Self, SetupError> {
        let (helpdesk, provider) = answers::find(engine.connectors(), pair)?;
        let answers = answers::sort(engine, (helpdesk, provider), answers)?;
        let at_helpdesk = helpdesk.prepare(&answers.own).map_err(SetupError::Invalid)?;
        let at_provider = provider.prepare(&answers.own).map_err(SetupError::Invalid)?;
        let address = at_provider.address.clone().ok_or_else(|| {
            SetupError::Invalid(format!("{} gave no address for the channel", provider.title()))
        })?;
        Ok(Self { pair: pair.to_owned(), helpdesk, provider, answers, at_helpdesk, at_provider, address })
    }

    /// Tries the credentials.
    pub(crate) async fn check(&self, engine: &Engine) -> Result<(), SetupError> {
        credentials(engine, self.provider, &self.at_provider).await
    }

    /// A channel keeps its number and its account: its history hangs on both.
    pub(crate) async fn stays(&self, engine: &Engine, channel: &StoredChannel) -> Result<(), SetupError> {
        let account = accounts::identity(engine.pool(), channel.provider_account).await?;
        let title = self.provider.title();
        if !self.keeps_number(channel) {
            return Err(other_number(&channel.channel.id));
        }
        if account.is_some() && account != self.at_provider.account {
            return Err(SetupError::Invalid(format!(
                "these answers name another account at {title}: set the number up there as a channel of its own, \
                 without --channel {}",
                channel.channel.id
            )));
        }
        Ok(())
    }

    /// Whether the answers name the channel's own number.
    pub(crate) fn keeps_number(&self, channel: &StoredChannel) -> bool {
        self.address.0 == channel.channel.address
    }

    /// Makes the channel, or renews what belongs to the one that is there.
    pub(crate) async fn make(self, engine: &Engine) -> Result<Installed, SetupError> {
        let Self { pair, helpdesk, provider, answers, at_helpdesk, at_provider, address } = self;
        let (address, region) = address;
        let mut tx = tx::begin(engine.pool()).await?;
        channels::lock_setup(&mut tx).await?;
        let provider_account = put(engine, &mut tx, provider, &at_provider).await?;
        let unanswered = unanswered(engine, &mut tx, provider, provider_account).await?;
        if let Some(there) = living(&mut tx, provider_account, &address).await? {
            accounts::overlay(&mut tx, engine.key(), there.helpdesk_account, &at_helpdesk.answers).await?;
            let accounts = [(helpdesk, there.helpdesk_account), (provider, provider_account)];
            let log_only = verify(&mut tx, &answers, accounts).await?;
            let api_key = channels::api_key(&mut *tx, engine.key(), there.id, &there.channel.id).await?;
            // What waited for working credentials need not wait out the old pause.
            for channel in channels::of_account(&mut *tx, provider_account).await? {
                work::wake_waiting(&mut *tx, channel, engine.now()).await?;
                work::announce(&mut tx, channel).await?;
            }
            tx.commit().await?;
            engine.forget();
            let channel = there.channel;
            return Ok(Installed { channel, api_key, provider, existed: true, unanswered, log_only });
        }
        let helpdesk_account = put(engine, &mut tx, helpdesk, &at_helpdesk).await?;
        let accounts = [(helpdesk, helpdesk_account), (provider, provider_account)];
        let log_only = verify(&mut tx, &answers, accounts).await?;
        let api_key = random("sk_", 32);
        let channel = Channel { id: random("chn_", 16), pair, address, region, helpdesk_channel_id: None };
        let new = NewChannel { channel: &channel, helpdesk_account, provider_account, api_key: &api_key };
        channels::insert(&mut tx, engine.key(), new).await?;
        tx.commit().await?;
        engine.forget();
        Ok(Installed { channel, api_key, provider, existed: false, unanswered, log_only })
    }
}

/// Why a channel's answers cannot name another number.
fn other_number(channel: &str) -> SetupError {
    SetupError::Invalid(format!(
        "a channel keeps its number: set the other number up as a channel of its own, without --channel {channel}"
    ))
}

async fn credentials(
    engine: &Engine,
    provider: &'static dyn Connector,
    prepared: &Prepared,
) -> Result<(), SetupError> {
    let account = Account {
        id: 0,
        public_id: "new".to_owned(),
        connector: provider.name().to_owned(),
        settings: engine.settings(provider.name(), &prepared.answers),
        paused_until: None,
        pause_reason: None,
        pauses: 0,
        polled_until: None,
        verification: Verification::default(),
    };
    let caller = Caller::of(&account, None);
    match call::send(engine, provider, caller, &Call::Check).await {
        Outcome::Done(_) => Ok(()),
        Outcome::Refused(refusal) => Err(match refusal.kind {
            RefusalKind::Permanent | RefusalKind::OptedOut | RefusalKind::Credentials => {
                SetupError::Refused(provider.title(), refusal.describe())
            }
            RefusalKind::Later | RefusalKind::Throttled(_) => {
                SetupError::Unreachable(provider.title(), refusal.describe())
            }
        }),
        Outcome::Unknown(why) => Err(SetupError::Unreachable(provider.title(), why)),
    }
}

async fn put(
    engine: &Engine,
    conn: &mut sqlx::PgConnection,
    connector: &dyn Connector,
    prepared: &Prepared,
) -> Result<i64, SetupError> {
    let identity = prepared.account.as_deref();
    let id = random("acc_", 16);
    Ok(accounts::put(conn, engine.key(), &id, connector.name(), identity, &prepared.answers).await?)
}

/// Sets what is to become of webhooks that are not signed as they should be. Gives the connectors whose are taken.
async fn verify(
    conn: &mut sqlx::PgConnection,
    answers: &Sorted,
    accounts: [(&'static dyn Connector, i64); 2],
) -> Result<Vec<&'static str>, SetupError> {
    let mut log_only = Vec::new();
    for (connector, account) in accounts {
        if let Some(asked) = answers.verification.get(connector.name()) {
            verification::set(&mut *conn, account, *asked).await?;
        }
        if verification::get(&mut *conn, account).await? == Verification::LogOnly {
            log_only.push(connector.name());
        }
    }
    Ok(log_only)
}

async fn unanswered(
    engine: &Engine,
    conn: &mut sqlx::PgConnection,
    provider: &dyn Connector,
    account: i64,
) -> Result<Vec<&'static str>, SetupError> {
    let answers = accounts::get(conn, engine.key(), account).await?.settings;
    let asked = |setting: &&Setting| setting.scope == Scope::Account && setting.default.is_none();
    let settings = provider.settings().iter().filter(asked);
    Ok(settings.map(|setting| setting.name).filter(|name| answers.get(name).is_none()).collect())
}

async fn living(
    conn: &mut sqlx::PgConnection,
    account: i64,
    address: &str,
) -> Result<Option<StoredChannel>, SetupError> {
    let found = channels::by_address(conn, account, address).await?;
    Ok(found.filter(|channel| channel.state != channels::State::Deleted))
}

/// An id or key that cannot be guessed.
pub(crate) fn random(prefix: &str, bytes: usize) -> String {
    let random: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random))
}
