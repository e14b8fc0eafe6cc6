//! `twinwire serve`

use crate::config::Config;
use crate::database::Database;
use crate::server::Server;
use crate::stop::Stop;
use crate::{Failure, Outcome, output};
use anyhow::Context;
use tokio::net::TcpListener;
use twinwire_engine::{Engine, Safeguard, verification};
use twinwire_store::{events, installation, reader};

/// Settings come from the environment and `twinwire.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs until it is told to stop (Ctrl-C, SIGTERM).
pub(crate) async fn run(config: &Config, _args: &Args) -> Outcome {
    run_without(config, None).await
}

/// The same with a safeguard left out, for a proof. No setting and no option of `serve` leads here.
pub(crate) async fn run_without(config: &Config, without: Option<Safeguard>) -> Outcome {
    let mut stop = Stop::listen()?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("cannot listen on {} (TWINWIRE_LISTEN)", config.listen))?;
    let address = listener.local_addr()?;
    let database = tokio::select! {
        database = Database::open(config) => database?,
        () = stop.asked() => return Ok(()),
    };
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => {
            tracing::warn!("TWINWIRE_PUBLIC_URL is not set: vendors cannot reach this server");
            format!("http://{address}")
        }
    };
    installation::set_public_url(&mut *database.pool.acquire().await?, &public_url).await?;
    events::set_notify(&mut *database.pool.acquire().await?, config.notify).await?;
    make_reader(&database).await?;
    let engine = database.engine_without(config, &public_url, without)?;
    warn_of_log_only(&engine).await?;
    engine.media().open().map_err(|error| Failure::Usage(error.to_string()))?;
    let server = Server::start(engine, listener, config.admin_token.clone())?;
    output::say(&format!("twinwire listening on http://{}", server.address));
    stop.asked().await;
    tracing::info!("stopping: calls in flight are finished first");
    tokio::select! {
        () = server.stop() => {}
        () = stop.asked() => tracing::warn!("stopping at once: what was in flight is looked up at the next start"),
    }
    database.close().await?;
    Ok(())
}

/// Makes the role for plain SQL, which the server itself does not need.
async fn make_reader(database: &Database) -> anyhow::Result<()> {
    match reader::ensure(&database.pool, &database.key).await {
        Ok(_) => Ok(()),
        Err(twinwire_store::Error::Reader(why)) => {
            tracing::warn!(%why, "there is no read-only login; `twinwire migrate` prints the SQL that makes it");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// That webhooks are taken which anybody may have sent is no state to be forgotten.
async fn warn_of_log_only(engine: &Engine) -> anyhow::Result<()> {
    for one in verification::log_only(engine).await? {
        tracing::warn!(
            account = one.account,
            connector = one.connector,
            unverified_in_7_days = one.unverified,
            "webhooks of this account are taken without being verified: verification=log_only"
        );
    }
    Ok(())
}
