//! What the demo stands on: a database, the doubles, a server with its workers, and a channel made as people make it.

use super::cast::{Cast, NUMBER};
use super::folder::Folder;
use crate::config::Config;
use crate::database::Database;
use crate::scratch::Scratch;
use crate::server::Server;
use anyhow::Context;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use std::time::Duration;
use tokio::net::TcpListener;
use twinwire_core::setting::Settings;
use twinwire_engine::{Engine, setup};
use twinwire_sandbox::{Front, FrontOptions, SignalWire, SignalWireOptions};
use twinwire_store::{channels, reader};

/// Vendors answer at once here, so an outcome that is not known can be looked up soon.
const SETTLING: Duration = Duration::from_secs(2);
/// Longer than anybody looks: what a webhook missed is found by a backfill or not at all.
const POLL_INTERVAL: Duration = Duration::from_secs(60 * 60);
const PAIR: &str = "front_signalwire";
const READER: &str = "the demo reads its table by a role of its own and may not make one: let the user of \
                      DATABASE_URL create roles (alter role … createrole), or run it without DATABASE_URL";
const QUERY_LIMIT: Duration = Duration::from_secs(10);

/// A running demo.
pub(super) struct Stage {
    pub(super) cast: Cast,
    server: Server,
    scratch: Scratch,
    folder: Folder,
}

impl Stage {
    /// Starts everything and connects the channel.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let scratch = Scratch::open(config, "demo").await?;
        let reader = match open_reader(&scratch.database).await {
            Ok(reader) => reader,
            Err(error) => {
                if let Err(error) = scratch.close().await {
                    tracing::warn!(%error, "the demo's database was not dropped; the next demo does it");
                }
                return Err(error);
            }
        };
        let database = &scratch.database;
        let (front, signalwire) = doubles().await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let public_url = format!("http://{}", listener.local_addr()?);
        let folder = Folder::open(config, &scratch).await;
        let engine = database.engine(&settings(config, &folder, &front, &signalwire), &public_url)?;
        let server = Server::start(engine.clone(), listener, None)?;
        let api_key = make_channel(&engine, &signalwire).await?;
        front.set_server_url(&format!("{public_url}/v1/install/{PAIR}/authorization"));
        let inbox = front.connect(&api_key).await.context("Front could not connect the channel")?.id;
        let channel = channels::by_api_key(&database.pool, &channels::hash(&api_key))
            .await?
            .context("the channel is not there")?;
        signalwire.set_webhook(NUMBER, &channel.channel.provider_url(&public_url, "signalwire", "inbound"));
        let cast = Cast { front, signalwire, engine, inbox, channel, reader };
        Ok(Self { cast, server, scratch, folder })
    }

    /// Stops everything, in the order in which each needs the next.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.server.stop().await;
        self.cast.front.stop().await;
        self.cast.signalwire.stop().await;
        self.cast.reader.close().await;
        self.folder.close().await;
        self.scratch.close().await
    }
}

async fn doubles() -> anyhow::Result<(Front, SignalWire)> {
    let front = Front::start(FrontOptions::default()).await?;
    // Slow enough that a person can see the steps.
    let options =
        SignalWireOptions { step_delay: Duration::from_millis(150), ..SignalWireOptions::default() };
    let signalwire = SignalWire::start(options).await?;
    signalwire.add_number(NUMBER);
    Ok((front, signalwire))
}

/// The user's settings, with the doubles in place of the vendors.
fn settings(config: &Config, folder: &Folder, front: &Front, signalwire: &SignalWire) -> Config {
    let (app_id, app_secret) = (&front.options().app_id, &front.options().app_secret);
    let at_front = [
        ("app_id", app_id.clone()),
        ("app_secret", app_secret.clone()),
        ("api_url", front.url()),
        // The double has no limit of its own to be kept.
        ("requests_per_minute", "60000".to_owned()),
        ("requests_per_second", "1000".to_owned()),
    ];
    let at_signalwire = [("api_url", signalwire.url())];
    let mut config = config.clone();
    config.media = folder.place();
    // The doubles have their files on this machine.
    config.private_hosts = true;
    config.settling = Some(SETTLING);
    config.poll_interval = POLL_INTERVAL;
    config.connectors = [
        ("front".to_owned(), Settings::from_iter(at_front)),
        ("signalwire".to_owned(), Settings::from_iter(at_signalwire)),
    ]
    .into();
    config
}

/// The set-up as `twinwire setup` does it. Gives the key that Front's user pastes.
async fn make_channel(engine: &Engine, signalwire: &SignalWire) -> anyhow::Result<String> {
    let account = signalwire.options();
    let answers = Settings::from_iter([
        ("phone", NUMBER),
        ("space", &account.space),
        ("project", &account.project),
        ("token", &account.token),
        ("signing_key", &account.signing_key),
    ]);
    Ok(setup::install(engine, PAIR, &answers).await?.api_key)
}

async fn open_reader(database: &Database) -> anyhow::Result<PgPool> {
    let url = database.url.expose_secret();
    reader::connect(&database.pool, url, &database.key, QUERY_LIMIT).await.context(READER)
}
