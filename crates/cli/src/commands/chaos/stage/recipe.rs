//! How the workers are started.

use super::super::args::Args;
use super::super::plan::{LEASE, POLL, SETTLING};
use super::super::worker::Recipe;
use super::Doubles;
use crate::config::Config;
use crate::scratch::Scratch;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The program itself, with the doubles in place of the vendors and times that suit a run.
pub(in super::super) fn recipe(
    config: &Config,
    args: &Args,
    scratch: &Scratch,
    doubles: &Doubles,
    public_url: &str,
    folder: &Path,
) -> anyhow::Result<Recipe> {
    let mut env: BTreeMap<String, OsString> = BTreeMap::new();
    for kept in ["PATH", "HOME"] {
        env.extend(std::env::var_os(kept).map(|value| (kept.to_owned(), value)));
    }
    let time = |time: Duration| humantime::format_duration(time).to_string();
    let log = config.log.clone().unwrap_or_else(|| "info,sqlx::postgres::notice=warn".to_owned());
    let set = [
        ("DATABASE_URL", scratch.database.url.expose_secret().to_owned()),
        ("TWINWIRE_SECRET_KEY", scratch.key.expose_secret().to_owned()),
        ("TWINWIRE_LISTEN", "127.0.0.1:0".to_owned()),
        ("TWINWIRE_PUBLIC_URL", public_url.to_owned()),
        ("TWINWIRE_SETTLING", time(SETTLING)),
        ("TWINWIRE_LEASE", time(LEASE)),
        ("TWINWIRE_POLL_INTERVAL", time(POLL)),
        ("TWINWIRE_LOG", log),
        // The doubles have their files on this machine.
        ("TWINWIRE_PRIVATE_HOSTS", "yes".to_owned()),
        // In the folder where all run: what one has fetched another one serves.
        ("TWINWIRE_MEDIA", "files".to_owned()),
    ];
    env.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    for (connector, settings) in doubles.settings() {
        let variable = |name: &str| format!("TWINWIRE_{connector}_{name}").to_uppercase();
        env.extend(settings.iter().map(|(name, value)| (variable(name), value.into())));
    }
    let program = std::env::current_exe().context("this program's own file cannot be found")?;
    Ok(Recipe { program, folder: folder.to_owned(), env, without: args.without })
}
