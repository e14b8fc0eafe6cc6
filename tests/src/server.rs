//! A Twinwire between the doubles.

use crate::process::lasting_address;
use crate::stack::{AGENT_APP, SECRET, Setting};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use twinwire_cli::database::connectors;
use twinwire_cli::server::Server;
use twinwire_core::plan::Policy;
use twinwire_core::setting::Settings;
use twinwire_engine::media::Media;
use twinwire_engine::{Engine, Options};
use twinwire_sandbox::{Front, SignalWire};
use twinwire_store::pool;
use twinwire_store::seal::SecretKey;

/// Starts one.
pub(crate) async fn serve(
    database: &str,
    front: &Front,
    signalwire: &SignalWire,
    setting: &Setting,
) -> Server {
    let listener = TcpListener::bind(lasting_address()).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let engine = engine(database, front, signalwire, setting, address).await;
    Server::start(engine, listener, Some(SecretString::from("admin"))).unwrap()
}

/// The engine of one, of which nothing runs.
pub(crate) async fn engine(
    database: &str,
    front: &Front,
    signalwire: &SignalWire,
    setting: &Setting,
    address: String,
) -> Engine {
    let installation: BTreeMap<String, Settings> = [
        (
            "front".to_owned(),
            [
                ("app_id", AGENT_APP),
                ("app_secret", SECRET),
                ("api_url", &front.url()),
                ("requests_per_minute", setting.front_per_minute),
                ("requests_per_second", "1000"),
            ]
            .into_iter()
            .filter(|(name, _)| setting.front_app || !name.starts_with("app_"))
            .collect(),
        ),
        ("signalwire".to_owned(), [("api_url", signalwire.url().as_str())].into_iter().collect()),
        ("twilio".to_owned(), setting.twilio_url.iter().map(|url| ("api_url", url.as_str())).collect()),
    ]
    .into();
    Engine::new(Options {
        pool: pool::connect(database, 12).await.unwrap(),
        connectors: connectors(),
        installation,
        key: SecretKey::from_text(&SecretKey::text_of([7; 32])).unwrap(),
        public_url: setting.public_url.clone().unwrap_or(address),
        media: Media::at(setting.media.path().to_str().unwrap()),
        home: None,
        private_hosts: setting.private_hosts,
        policy: Policy {
            settling: Some(chrono::TimeDelta::from_std(setting.settling).unwrap()),
            ..Policy::default()
        },
        keep: setting.keep,
        poll_interval: setting.poll_interval,
        lease: setting.lease,
        without: setting.without,
        clock: Arc::new(chrono::Utc::now),
    })
    .unwrap()
}
