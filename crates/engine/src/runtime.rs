//! What every part of the engine shares.

use crate::doctor::Home;
use crate::health::Health;
use crate::ingest::{self, Ingest};
use crate::lately::Lately;
use crate::media::Media;
use crate::metrics::Metrics;
use crate::sender::{Downloader, Sender};
use crate::trace::Spans;
use crate::verification::Unsigned;
use crate::{Error, Keep, Result, Safeguard};
use chrono::{DateTime, SubsecRound, Utc};
use sqlx::PgPool;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use twinwire_core::connector::Connector;
use twinwire_core::model::Side;
use twinwire_core::plan::Policy;
use twinwire_core::setting::Settings;
use twinwire_store::accounts::{self, Account};
use twinwire_store::channels::StoredChannel;
use twinwire_store::pool::Webhooks;
use twinwire_store::seal::SecretKey;
use twinwire_store::views::Published;
use twinwire_store::{pool, webhook_log};

/// Numbers of the webhook log that are taken at once.
const NUMBERS: i32 = 256;

/// The list of connectors of a build.
#[derive(Clone, Copy, Debug)]
pub struct Connectors(pub &'static [&'static dyn Connector]);

impl Connectors {
    /// By name.
    pub fn named(self, name: &str) -> Result<&'static dyn Connector> {
        let found = self.0.iter().find(|connector| connector.name() == name);
        found.copied().ok_or_else(|| Error::NoConnector(name.to_owned()))
    }

    /// The helpdesk and the provider of a pair's name, `<helpdesk>_<provider>`.
    pub fn pair(self, pair: &str) -> Option<(&'static dyn Connector, &'static dyn Connector)> {
        self.pairs().find(|(helpdesk, provider)| pair == format!("{}_{}", helpdesk.name(), provider.name()))
    }

    /// Every pair.
    pub fn pairs(self) -> impl Iterator<Item = (&'static dyn Connector, &'static dyn Connector)> {
        self.on(Side::Helpdesk)
            .flat_map(move |helpdesk| self.on(Side::Provider).map(move |provider| (helpdesk, provider)))
    }

    /// The names that the build publishes as views.
    pub fn published(self) -> Vec<Published> {
        let pairs = self.pairs().map(|(helpdesk, provider)| Published::Pair {
            helpdesk: helpdesk.name().to_owned(),
            provider: provider.name().to_owned(),
        });
        pairs
            .chain(self.on(Side::Provider).map(|provider| Published::Provider(provider.name().to_owned())))
            .collect()
    }

    fn on(self, side: Side) -> impl Iterator<Item = &'static dyn Connector> {
        self.0.iter().copied().filter(move |connector| connector.side() == side)
    }
}

/// How an engine runs.
pub struct Options {
    /// The database.
    pub pool: PgPool,
    /// The connectors.
    pub connectors: Connectors,
    /// The installation's settings, by connector.
    pub installation: BTreeMap<String, Settings>,
    /// The key of the secrets.
    pub key: SecretKey,
    /// Where vendors reach this installation.
    pub public_url: String,
    /// Where files of messages are kept.
    pub media: Media,
    /// What belongs to this process on its machine, for whoever asks whether it is well.
    pub home: Option<Home>,
    /// Whether files may be fetched from private networks and without TLS: where the vendors are doubles.
    pub private_hosts: bool,
    /// Limits.
    pub policy: Policy,
    /// How long what is kept is kept.
    pub keep: Keep,
    /// How often each account is read.
    pub poll_interval: Duration,
    /// How long a channel's lease holds without being renewed.
    pub lease: Duration,
    /// The safeguard that a proof leaves out; none in a server.
    pub without: Option<Safeguard>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// What may change while an engine runs.
#[derive(Clone, Debug)]
pub struct Changeable {
    /// The installation's settings, by connector.
    pub installation: BTreeMap<String, Settings>,
    /// How often each account is read.
    pub poll_interval: Duration,
}

/// A running engine; a cheap handle, with the connections that it uses.
#[derive(Clone)]
pub struct Engine(Arc<Inner>, PgPool);

struct Inner {
    options: Options,
    operators: PgPool,
    webhooks: Webhooks,
    changeable: RwLock<Changeable>,
    metrics: Metrics,
    spans: OnceLock<Arc<dyn Spans>>,
    sender: Sender,
    outgoing: Sender,
    downloader: Downloader,
    owner: String,
    health: Health,
    unsigned: Unsigned,
    ingest: Ingest,
    lately: Lately,
    /// Numbers of requests that will be logged.
    numbers: Mutex<VecDeque<i64>>,
}

impl Engine {
    /// Makes an engine. Nothing runs yet.
    pub fn new(options: Options) -> Result<Self> {
        let sender = Sender::new()?;
        let outgoing = Sender::open(options.private_hosts)?;
        let downloader = Downloader::new(options.private_hosts)?;
        let metrics = Metrics::default();
        metrics.begin(options.connectors);
        // Unique for every start: a process that comes back must not be taken for the one that died.
        let owner = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let changeable = RwLock::new(Changeable {
            installation: options.installation.clone(),
            poll_interval: options.poll_interval,
        });
        let pool = options.pool.clone();
        let (operators, webhooks) = (pool::for_operators(&pool), Webhooks::beside(&pool));
        let inner = Inner {
            options,
            operators,
            webhooks,
            changeable,
            metrics,
            spans: OnceLock::new(),
            sender,
            outgoing,
            downloader,
            owner,
            health: Health::default(),
            unsigned: Unsigned::default(),
            ingest: ingest::gather(),
            lately: Lately::default(),
            numbers: Mutex::default(),
        };
        Ok(Self(Arc::new(inner), pool))
    }

    /// The same engine for what operators ask: with connections of its own, few and for short questions alone, so that
    /// webhooks and messages never wait for a list.
    pub fn for_operators(&self) -> Self {
        Self(self.0.clone(), self.0.operators.clone())
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.1
    }

    /// The connectors.
    pub fn connectors(&self) -> Connectors {
        self.0.options.connectors
    }

    /// The key of the secrets.
    pub fn key(&self) -> &SecretKey {
        &self.0.options.key
    }

    /// Where vendors reach this installation, without a slash at the end.
    pub fn public_url(&self) -> &str {
        self.0.options.public_url.trim_end_matches('/')
    }

    /// Limits.
    pub fn policy(&self) -> &Policy {
        &self.0.options.policy
    }

    /// How long what is kept is kept.
    pub fn keep(&self) -> &Keep {
        &self.0.options.keep
    }

    /// How often each account is read.
    pub fn poll_interval(&self) -> Duration {
        self.changeable(|now| now.poll_interval)
    }

    /// Takes other settings. Accounts and their limits follow within seconds, as each is read anew.
    pub fn change(&self, changeable: Changeable) {
        *self.0.changeable.write().unwrap_or_else(PoisonError::into_inner) = changeable;
    }

    fn changeable<T>(&self, look: impl FnOnce(&Changeable) -> T) -> T {
        look(&self.0.changeable.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives the spans of messages to somebody, from now on. The first one stays.
    pub fn trace_to(&self, spans: Arc<dyn Spans>) {
        self.0.spans.set(spans).ok();
    }

    /// Who takes the spans of messages, if anybody does.
    pub(crate) fn spans(&self) -> Option<Arc<dyn Spans>> {
        self.0.spans.get().cloned()
    }

    /// What this process counts.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How long a lease holds.
    pub fn lease(&self) -> Duration {
        self.0.options.lease
    }

    /// For how long a lease is taken; in a proof without leases it is over at once.
    pub(crate) fn lease_held(&self) -> Duration {
        if self.guards(Safeguard::Lease) { self.lease() } else { Duration::ZERO }
    }

    /// The name of this process in leases and jobs.
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// Whether a safeguard is there; always, but in a proof.
    pub(crate) fn guards(&self, safeguard: Safeguard) -> bool {
        self.0.options.without != Some(safeguard)
    }

    /// Whether vendors answer, as this process sees it.
    pub(crate) fn health(&self) -> &Health {
        &self.0.health
    }

    /// What was taken without being verified, and is not written down yet.
    pub(crate) fn unsigned(&self) -> &Unsigned {
        &self.0.unsigned
    }

    /// The one sender.
    pub(crate) fn sender(&self) -> &Sender {
        &self.0.sender
    }

    /// The one sender of events, to addresses that somebody wrote.
    pub(crate) fn outgoing(&self) -> &Sender {
        &self.0.outgoing
    }

    /// Whether private networks may be called, where the others are doubles.
    pub(crate) fn private_hosts(&self) -> bool {
        self.0.options.private_hosts
    }

    /// The one fetcher of files.
    pub(crate) fn downloader(&self) -> &Downloader {
        &self.0.downloader
    }

    /// What belongs to this process on its machine.
    pub(crate) fn home(&self) -> Option<&Home> {
        self.0.options.home.as_ref()
    }

    /// Where files of messages are kept.
    pub fn media(&self) -> &Media {
        &self.0.options.media
    }

    /// The clock.
    pub(crate) fn clock(&self) -> Arc<dyn Fn() -> DateTime<Utc> + Send + Sync> {
        self.0.options.clock.clone()
    }

    /// The time, in whole microseconds as Postgres keeps it: what is read back must equal what was written.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0.options.clock)().trunc_subsecs(6)
    }

    /// An account with its settings laid over the installation's.
    pub async fn account(&self, id: i64) -> Result<Account> {
        let mut account = accounts::get(self.pool(), self.key(), id).await?;
        account.settings = self.settings(&account.connector, &account.settings);
        Ok(account)
    }

    /// An account as it was a moment ago.
    pub(crate) async fn account_lately(&self, id: i64) -> Result<Arc<Account>> {
        self.0.lately.account(self, id).await
    }

    /// The channel of a key that the helpdesk sends, as it was a moment ago.
    pub async fn channel_by_key(&self, key: &str) -> Result<Option<Arc<StoredChannel>>> {
        self.0.lately.by_key(self, key).await
    }

    /// The channel of a public id, as it was a moment ago.
    pub async fn channel_by_id(&self, id: &str) -> Result<Option<Arc<StoredChannel>>> {
        self.0.lately.by_id(self, id).await
    }

    /// Forgets how channels and accounts were a moment ago: something about them has changed.
    pub fn forget(&self) {
        self.0.lately.forget();
    }

    /// The connections for storing webhooks.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    /// Ends the connections that are not the installation's main ones.
    pub async fn close(&self) {
        self.0.operators.close().await;
        self.0.webhooks.close().await;
    }

    /// Webhooks that are being stored.
    pub(crate) fn ingest(&self) -> &Ingest {
        &self.0.ingest
    }

    /// Numbers for requests that will be logged, lowest first. Few of those who ask need the database.
    pub(crate) async fn webhook_numbers(&self, count: usize, pool: &PgPool) -> Result<Vec<i64>> {
        loop {
            {
                let mut numbers = self.0.numbers.lock().unwrap_or_else(PoisonError::into_inner);
                if numbers.len() >= count {
                    return Ok(numbers.drain(..count).collect());
                }
            }
            let more = webhook_log::numbers(pool, NUMBERS).await?;
            self.0.numbers.lock().unwrap_or_else(PoisonError::into_inner).extend(more);
        }
    }

    /// Settings of an account laid over the installation's for its connector, over the connector's defaults.
    pub fn settings(&self, connector: &str, account: &Settings) -> Settings {
        let defaults: Settings = self
            .connectors()
            .named(connector)
            .map(Connector::settings)
            .unwrap_or_default()
            .iter()
            .filter_map(|setting| Some((setting.name, setting.default?)))
            .collect();
        let installation =
            self.changeable(|now| now.installation.get(connector).cloned()).unwrap_or_default();
        defaults.overlaid(&installation).overlaid(account)
    }
}
