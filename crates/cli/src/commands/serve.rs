//! `twinwire serve`

use crate::config::Config;
use crate::database::Database;
use crate::server::{Role, Server};
use crate::stop::{Reload, Stop};
use crate::{Failure, Outcome, output, reload, traces};
use anyhow::Context;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use twinwire_connectors::ALL;
use twinwire_core::setting::Scope;
use twinwire_engine::{Engine, Safeguard, verification};
use twinwire_store::{events, installation, reader};

/// Settings come from the environment and `twinwire.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What this process does; several of each may share one database
    #[arg(long, value_enum, default_value_t)]
    role: Role,
}

/// Runs until it is told to stop (Ctrl-C, SIGTERM). Reads its settings again on SIGHUP.
pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    run_as(config, args.role, None).await
}

/// The same with a safeguard left out, for a proof. No setting and no option of `serve` leads here.
pub(crate) async fn run_without(config: &Config, without: Option<Safeguard>) -> Outcome {
    run_as(config, Role::All, without).await
}

async fn run_as(config: &Config, role: Role, without: Option<Safeguard>) -> Outcome {
    let (mut stop, mut reload) = (Stop::listen()?, Reload::listen()?);
    let listener = listen(&config.listen, "TWINWIRE_LISTEN").await?;
    let metrics = match &config.metrics_listen {
        Some(address) => Some(listen(address, "TWINWIRE_METRICS_LISTEN").await?),
        None => None,
    };
    let address = listener.local_addr()?;
    let database = tokio::select! {
        database = Database::open_and_renew(config) => database?,
        () = stop.asked() => return Ok(()),
    };
    let public_url = public_url(config, role, &database, address).await?;
    warn_of_missing(config);
    events::set_notify(&mut *database.pool.acquire().await?, config.notify).await?;
    make_reader(&database).await?;
    let engine = database.engine_without(config, &public_url, without)?;
    warn_of_log_only(&engine).await?;
    engine.media().open().map_err(|error| Failure::Usage(error.to_string()))?;
    let traces = traces::start(&engine)?;
    let server = Server::start_as(role, engine, listener, config.admin_token.clone())?;
    server.trust(config.trusted_proxies.clone());
    if let Some(metrics) = metrics {
        tracing::info!(address = %metrics.local_addr()?, "metrics are open to whoever reaches their address");
        server.show_metrics(metrics);
    }
    output::say(&format!("twinwire listening on http://{}", server.address));
    let mut config = config.clone();
    let mut broke = false;
    loop {
        tokio::select! {
            () = stop.asked() => break,
            () = server.broke() => {
                broke = true;
                break;
            }
            () = reload.asked() => reload::reload(&mut config, &server),
        }
    }
    tracing::info!("stopping: calls in flight are finished first");
    tokio::select! {
        () = server.stop() => {}
        () = stop.asked() => tracing::warn!("stopping at once: what was in flight is looked up at the next start"),
    }
    if let Some(traces) = traces {
        traces.stop().await;
    }
    database.close().await?;
    if broke {
        return Err(Failure::Failed(anyhow::anyhow!("a part of the server ended; the log says which")));
    }
    Ok(())
}

async fn listen(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({setting})"))
}

/// Where vendors reach this installation. A process that is not told leaves what the others were told as it is.
async fn public_url(
    config: &Config,
    role: Role,
    database: &Database,
    address: SocketAddr,
) -> anyhow::Result<String> {
    let conn = &mut *database.pool.acquire().await?;
    if let Some(url) = &config.public_url {
        installation::set_public_url(conn, url).await?;
        return Ok(url.clone());
    }
    if let Some(url) = database.told_url(config).await? {
        tracing::warn!(url, "TWINWIRE_PUBLIC_URL is not set: the address of an earlier start is taken");
        return Ok(url);
    }
    tracing::warn!("TWINWIRE_PUBLIC_URL is not set: vendors cannot reach this server");
    if role == Role::Worker {
        return database.public_url(config).await;
    }
    let url = format!("http://{address}");
    installation::set_listening(conn, &url).await?;
    Ok(url)
}

/// What a connector needs of the installation and was not given: it fails only when somebody connects a channel, which
/// may be weeks later.
fn warn_of_missing(config: &Config) {
    for connector in ALL {
        let needed = connector.settings().iter().filter(|setting| {
            setting.scope == Scope::Installation && setting.required && setting.default.is_none()
        });
        let given = config.connectors.get(connector.name());
        for setting in needed.filter(|setting| given.and_then(|given| given.get(setting.name)).is_none()) {
            tracing::warn!(
                setting = format!("TWINWIRE_{}_{}", connector.name(), setting.name).to_uppercase(),
                "not set: {} channels cannot be used without it",
                connector.title()
            );
        }
    }
}

/// Makes the role for plain SQL, which the server itself does not need.
async fn make_reader(database: &Database) -> anyhow::Result<()> {
    match reader::ensure(&database.pool, &database.key).await {
        Ok(_) => Ok(()),
        Err(error @ twinwire_store::Error::Locked(_)) => {
            tracing::warn!(%error, "the rights of the read-only login are as they were");
            Ok(())
        }
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
