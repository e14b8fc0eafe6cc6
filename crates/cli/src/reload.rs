//! Taking changed settings while a server runs: SIGHUP.

use crate::config::Config;
use crate::server::Server;
use crate::{logging, settings};
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use twinwire_engine::Changeable;

/// Reads the settings again and takes what can be taken. What cannot is said; what is wrong changes nothing.
pub(crate) fn reload(config: &mut Config, server: &Server) {
    let new = match Config::load(config.file.as_deref()) {
        Ok(new) => new,
        Err(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the settings are wrong; everything stays as it was"
            );
            return;
        }
    };
    let changed = changed(config, &new);
    if changed.is_empty() {
        tracing::info!("the settings are as they were");
        return;
    }
    if let Err(error) = logging::reload(&new) {
        tracing::error!(error = format!("{error:#}"), "the settings are wrong; everything stays as it was");
        return;
    }
    server.admit(new.admin_token.clone());
    server.trust(new.trusted_proxies.clone());
    server
        .engine
        .change(Changeable { installation: new.connectors.clone(), poll_interval: new.poll_interval });
    for name in changed {
        let setting = settings::variable(&name);
        if settings::reloads(&name) {
            tracing::info!(setting, "a changed setting is taken");
        } else {
            tracing::warn!(setting, "a changed setting needs a restart");
        }
    }
    *config = new;
}

/// The names of settings that are not as they were.
fn changed(old: &Config, new: &Config) -> BTreeSet<String> {
    let differs = |name: &&String| {
        let value = |config: &Config| config.given.get(*name).map(|value| value.expose_secret().to_owned());
        value(old) != value(new)
    };
    old.given.keys().chain(new.given.keys()).filter(differs).cloned().collect()
}
