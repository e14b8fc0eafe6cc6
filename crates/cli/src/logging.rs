//! Logs go to standard error: plain on a terminal, JSON elsewhere for a server. Ids only: no texts, numbers or secrets.

use crate::config::Config;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Starts logging. A server says what it does; other commands only what goes wrong.
///
/// # Errors
/// When `TWINWIRE_LOG` is no filter.
pub fn start(config: &Config, server: bool) -> anyhow::Result<()> {
    // Postgres remarks at every start on what is there already.
    let usual = if server { "info,sqlx::postgres::notice=warn" } else { "warn,sqlx=error" };
    let filter = EnvFilter::try_new(config.log.as_deref().unwrap_or(usual))
        .map_err(|error| anyhow::anyhow!("TWINWIRE_LOG is not a log filter: {error}"))?;
    let terminal = std::io::stderr().is_terminal();
    let ansi = terminal && std::env::var_os("NO_COLOR").is_none();
    let format = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    // Set already where several commands run in one process (tests): the first one's stays.
    if server && !terminal {
        format.json().try_init().ok()
    } else {
        format.try_init().ok()
    };
    Ok(())
}
