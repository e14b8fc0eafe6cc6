//! Logs go to standard error: text, or JSON with one object a line. Ids only: no texts, numbers or secrets.

use crate::config::Config;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: `timestamp`, `level`, `target`, `message`, the ids of the line, and those of what it happened in.
    Json,
}

impl FromStr for Format {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> anyhow::Result<Self> {
        match word {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => anyhow::bail!("`log_format` must be text or json, and is `{word}`"),
        }
    }
}

/// The filter at work, which can be changed.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging. A server says what it does; other commands only what goes wrong.
///
/// # Errors
/// When `TWINWIRE_LOG` is no filter.
pub fn start(config: &Config, server: bool) -> anyhow::Result<()> {
    let (filter, handle) = reload::Layer::new(filter(config, server)?);
    let terminal = std::io::stderr().is_terminal();
    let ansi = terminal && std::env::var_os("NO_COLOR").is_none();
    let usual = if server && !terminal { Format::Json } else { Format::Text };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    // Set already where several commands run in one process (tests): the first one's stays.
    let started = match config.log_format.unwrap_or(usual) {
        Format::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
            registry.with(lines).try_init()
        }
        Format::Text => registry.with(lines).try_init(),
    };
    if started.is_ok() {
        FILTER.set(handle).ok();
    }
    Ok(())
}

/// Takes another filter while the server runs.
///
/// # Errors
/// When `TWINWIRE_LOG` is no filter; the old one stays.
pub fn reload(config: &Config) -> anyhow::Result<()> {
    let filter = filter(config, true)?;
    match FILTER.get() {
        Some(handle) => Ok(handle.reload(filter)?),
        None => Ok(()),
    }
}

fn filter(config: &Config, server: bool) -> anyhow::Result<EnvFilter> {
    // Postgres remarks at every start on what is there already.
    let usual = if server { "info,sqlx::postgres::notice=warn" } else { "warn,sqlx=error" };
    EnvFilter::try_new(config.log.as_deref().unwrap_or(usual))
        .map_err(|error| anyhow::anyhow!("TWINWIRE_LOG is not a log filter: {error}"))
}
