//! Making a channel: answers in, accounts and channel out. Running it again for the same number renews the
//! credentials and gives the same channel.

use crate::call::{self, Caller};
use crate::{Engine, Error};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use twinwire_core::connector::{Call, Channel, Connector, Prepared};
use twinwire_core::outcome::{Outcome, RefusalKind};
use twinwire_core::setting::{Scope, Setting, Settings};
use twinwire_store::accounts::{self, Account};
use twinwire_store::channels::{self, NewChannel, StoredChannel};
use twinwire_store::work;

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
}

/// Makes the channel of `pair` that the answers describe, once the provider has taken the credentials.
pub async fn install(engine: &Engine, pair: &str, answers: &Settings) -> Result<Installed, SetupError> {
    let (helpdesk, provider) = engine.connectors().pair(pair).ok_or_else(|| no_pair(engine, pair))?;
    check(engine, helpdesk, provider, answers)?;
    let at_helpdesk = helpdesk.prepare(answers).map_err(SetupError::Invalid)?;
    let at_provider = provider.prepare(answers).map_err(SetupError::Invalid)?;
    let (address, region) = at_provider.address.clone().ok_or_else(|| {
        SetupError::Invalid(format!("{} gave no address for the channel", provider.title()))
    })?;
    let taken = credentials(engine, provider, &at_provider).await;
    taken?;
    let mut tx = engine.pool().begin().await?;
    channels::lock_setup(&mut tx).await?;
    let provider_account = put(engine, &mut tx, provider, &at_provider).await?;
    let unanswered = unanswered(engine, &mut tx, provider, provider_account).await?;
    if let Some(there) = living(&mut tx, provider_account, &address).await? {
        let api_key = channels::api_key(&mut *tx, engine.key(), there.id, &there.channel.id).await?;
        // What waited for working credentials need not wait out the old pause.
        for channel in channels::of_account(&mut *tx, provider_account).await? {
            work::wake_waiting(&mut *tx, channel, engine.now()).await?;
            work::announce(&mut tx, channel).await?;
        }
        tx.commit().await?;
        return Ok(Installed { channel: there.channel, api_key, provider, existed: true, unanswered });
    }
    let helpdesk_account = put(engine, &mut tx, helpdesk, &at_helpdesk).await?;
    let api_key = random("sk_", 32);
    let channel =
        Channel { id: random("chn_", 16), pair: pair.to_owned(), address, region, helpdesk_channel_id: None };
    let new = NewChannel { channel: &channel, helpdesk_account, provider_account, api_key: &api_key };
    channels::insert(&mut tx, engine.key(), new).await?;
    tx.commit().await?;
    Ok(Installed { channel, api_key, provider, existed: false, unanswered })
}

/// Checks that everything is set here that the connectors of a pair need of the installation. Without it this process
/// could not make their calls, and a refusal would be laid at the account's door.
///
/// # Errors
/// [`SetupError::MissingInstallation`], naming the variable.
pub fn check_installation(engine: &Engine, pair: &str) -> Result<(), SetupError> {
    let (helpdesk, provider) = engine.connectors().pair(pair).ok_or_else(|| no_pair(engine, pair))?;
    for connector in [helpdesk, provider] {
        let settings = engine.settings(connector.name(), &Settings::default());
        let needed = connector.settings().iter();
        let mut needed = needed.filter(|setting| setting.required && setting.scope == Scope::Installation);
        if let Some(missing) = needed.find(|setting| settings.get(setting.name).is_none()) {
            return Err(SetupError::MissingInstallation(variable(connector, missing.name), missing.prompt));
        }
    }
    Ok(())
}

/// A setting of the installation as it stands in the environment.
fn variable(connector: &dyn Connector, setting: &str) -> String {
    format!("TWINWIRE_{}_{setting}", connector.name()).to_uppercase()
}

fn no_pair(engine: &Engine, pair: &str) -> SetupError {
    let pairs = engine.connectors().pairs();
    let names: Vec<String> =
        pairs.map(|(helpdesk, provider)| format!("{}_{}", helpdesk.name(), provider.name())).collect();
    SetupError::NoPair(pair.to_owned(), names.join(", "))
}

/// Every answer that is needed is there, and no answer is misspelt.
fn check(
    engine: &Engine,
    helpdesk: &dyn Connector,
    provider: &dyn Connector,
    answers: &Settings,
) -> Result<(), SetupError> {
    for connector in [helpdesk, provider] {
        for setting in connector.settings().iter().filter(|setting| setting.required) {
            let all = engine.settings(connector.name(), answers);
            match (all.get(setting.name), setting.scope) {
                (Some(_), _) => {}
                (None, Scope::Installation) => {
                    let variable = variable(connector, setting.name);
                    return Err(SetupError::MissingInstallation(variable, setting.prompt));
                }
                (None, _) => return Err(SetupError::Missing(setting.name, setting.prompt)),
            }
        }
    }
    let known: Vec<&str> = [helpdesk, provider]
        .into_iter()
        .flat_map(Connector::settings)
        .filter(|setting| setting.scope != Scope::Installation)
        .map(|setting| setting.name)
        .collect();
    match answers.iter().find(|(name, _)| !known.contains(name)) {
        Some((name, _)) => Err(SetupError::Unknown(name.to_owned(), known.join(", "))),
        None => Ok(()),
    }
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
fn random(prefix: &str, bytes: usize) -> String {
    let random: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random))
}
