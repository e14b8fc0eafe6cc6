//! `twinwire serve`

use crate::config::Config;
use crate::database::Database;
use crate::server::Server;
use crate::{Outcome, output};
use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use twinwire_store::installation;

/// Settings come from the environment and `twinwire.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs until it is told to stop (Ctrl-C, SIGTERM).
pub(crate) async fn run(config: &Config, _args: &Args) -> Outcome {
    // Before anything else, so that a stop during the start ends in order too.
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("cannot listen on {} (TWINWIRE_LISTEN)", config.listen))?;
    let address = listener.local_addr()?;
    let database = Database::open(config).await?;
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => {
            tracing::warn!("TWINWIRE_PUBLIC_URL is not set: vendors cannot reach this server");
            format!("http://{address}")
        }
    };
    installation::set_public_url(&mut *database.pool.acquire().await?, &public_url).await?;
    let server = Server::start(database.engine(config, &public_url)?, listener, config.admin_token.clone())?;
    output::say(&format!("twinwire listening on http://{}", server.address));
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: calls in flight are finished first");
    server.stop().await;
    database.close().await?;
    Ok(())
}
