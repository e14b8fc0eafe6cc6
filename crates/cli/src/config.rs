//! The installation's settings: environment first, then `twinwire.toml`.

use crate::logging::Format;
use crate::sources;
use anyhow::{Context, bail};
use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use twinwire_connectors::ALL;
use twinwire_core::setting::{Scope, Settings};
use twinwire_engine::Keep;

/// The settings of an installation.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on.
    pub listen: String,
    /// Where vendors reach us; signatures are checked against it.
    pub public_url: Option<String>,
    /// The database; without one Twinwire runs its own.
    pub database_url: Option<SecretString>,
    /// Most connections in the pool of a process.
    pub database_pool: u32,
    /// Where Twinwire keeps its own Postgres and key.
    pub data_dir: PathBuf,
    /// Where files of messages are kept: a folder, or `s3://bucket/prefix`.
    pub media: String,
    /// Whether files may be fetched from private networks: where the vendors are doubles on this machine.
    pub private_hosts: bool,
    /// A token of the admin API with every right, for programs and for commands from elsewhere.
    pub admin_token: Option<SecretString>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// The server that commands ask, where it is not this machine's own database.
    pub url: Option<String>,
    /// The token that they show it.
    pub token: Option<SecretString>,
    /// Whether that token may go unencrypted to another machine.
    pub plain_http: bool,
    /// How often each account is read.
    pub poll_interval: Duration,
    /// Log filter.
    pub log: Option<String>,
    /// How log lines are written; without it as fits where they go.
    pub log_format: Option<Format>,
    /// An address of its own for metrics.
    pub metrics_listen: Option<String>,
    /// The key of the secrets.
    pub secret_key: Option<SecretString>,
    /// Where the programs of Postgres are.
    pub postgres_bin: Option<PathBuf>,
    /// Whether every change of a row is told by NOTIFY.
    pub notify: bool,
    /// How long an outcome stays unknown before it is looked up; each connector's own time without it.
    pub settling: Option<Duration>,
    /// How long a channel's lease holds without being renewed: a dead process's channels are taken over after it.
    pub lease: Duration,
    /// How long what is kept is kept.
    pub keep: Keep,
    /// Settings of the installation for connectors, by connector.
    pub connectors: BTreeMap<String, Settings>,
    /// Every value as it was given, to see what has changed.
    pub given: BTreeMap<String, SecretString>,
    /// The settings file that was named.
    pub file: Option<PathBuf>,
}

impl Config {
    /// Reads the settings. `file` must be there when it is named.
    ///
    /// # Errors
    /// A sentence that names the setting and says what is wrong with it.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let values = sources::read(file)?;
        Ok(Self { file: file.map(Path::to_owned), ..Self::from_values(&values)? })
    }

    fn from_values(values: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let text = |name: &str| values.get(name).map(|value| value.trim().to_owned());
        let duration = |name: &str| {
            let parse = |value: String| {
                humantime::parse_duration(&value)
                    .with_context(|| format!("`{name}` must be a time such as 60s or 5m, and is `{value}`"))
            };
            text(name).map(parse).transpose()
        };
        let public_url = text("public_url").map(|url| checked_url(&url)).transpose()?;
        let poll_interval = duration("poll_interval")?.unwrap_or(Duration::from_secs(60));
        if poll_interval < Duration::from_secs(1) {
            bail!("`poll_interval` must be at least 1s");
        }
        let lease = duration("lease")?.unwrap_or(Duration::from_secs(10));
        if lease < Duration::from_secs(1) {
            bail!("`lease` must be at least 1s");
        }
        let data_dir = text("data_dir").map_or_else(default_data_dir, |dir| Ok(PathBuf::from(dir)))?;
        Ok(Self {
            media: text("media").unwrap_or_else(|| data_dir.join("media").display().to_string()),
            private_hosts: text("private_hosts").is_some_and(|value| value == "yes"),
            listen: text("listen").unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
            public_url,
            database_url: text("database_url").map(Into::into),
            database_pool: database_pool(text("database_pool").as_deref())?,
            data_dir,
            admin_token: text("admin_token").map(Into::into),
            trusted_proxies: proxies(text("trusted_proxies").as_deref())?,
            url: text("url"),
            token: text("token").map(Into::into),
            plain_http: false,
            poll_interval,
            log: text("log"),
            log_format: text("log_format").map(|word| word.parse()).transpose()?,
            metrics_listen: text("metrics_listen"),
            secret_key: text("secret_key").map(Into::into),
            postgres_bin: text("postgres_bin").map(PathBuf::from),
            notify: yes_or_no("notify", text("notify").as_deref())?,
            settling: duration("settling")?,
            lease,
            keep: keep(values)?,
            connectors: connector_settings(values)?,
            given: values.iter().map(|(name, value)| (name.clone(), value.trim().into())).collect(),
            file: None,
        })
    }
}

/// With fewer connections the parts of a process would wait for each other.
fn database_pool(value: Option<&str>) -> anyhow::Result<u32> {
    let Some(value) = value else { return Ok(20) };
    match value.parse() {
        Ok(size @ 8..=1_000) => Ok(size),
        _ => bail!("`database_pool` must be a number from 8 to 1000, and is `{value}`"),
    }
}

/// How long what is kept is kept. The shortest times leave what is still on its way alone.
fn keep(values: &BTreeMap<String, String>) -> anyhow::Result<Keep> {
    let usual = Keep::default();
    Ok(Keep {
        webhooks: kept(values, "keep_webhooks", usual.webhooks, 2)?,
        media: kept(values, "keep_media", usual.media, 7)?,
        bodies: kept(values, "keep_bodies", usual.bodies, 7)?,
        attempts: kept(values, "keep_attempts", usual.attempts, 7)?,
    })
}

/// `off`: for ever.
fn kept(
    values: &BTreeMap<String, String>,
    name: &str,
    usual: Option<TimeDelta>,
    least_days: i64,
) -> anyhow::Result<Option<TimeDelta>> {
    let Some(value) = values.get(name).map(|value| value.trim()) else { return Ok(usual) };
    if value == "off" {
        return Ok(None);
    }
    let wrong = || format!("`{name}` must be a time such as 30d, or off, and is `{value}`");
    let time = humantime::parse_duration(value).with_context(wrong)?;
    let time = TimeDelta::from_std(time).with_context(wrong)?;
    if time < TimeDelta::days(least_days) {
        bail!(
            "`{name}` must be at least {least_days}d, and is `{value}`: what is younger may still be needed"
        );
    }
    // Further back than this there is nothing, and no calendar either.
    Ok(Some(time).filter(|time| *time < TimeDelta::days(365 * 1000)))
}

/// A switch; off where it is not set.
/// Addresses and networks, between commas.
fn proxies(value: Option<&str>) -> anyhow::Result<Vec<IpNet>> {
    let all = value.unwrap_or_default().split(',').map(str::trim).filter(|one| !one.is_empty());
    let parse = |one: &str| {
        let address = || Some(IpNet::from(one.parse::<IpAddr>().ok()?));
        one.parse().ok().or_else(address).with_context(|| {
            format!("`trusted_proxies` must be addresses or networks such as 127.0.0.1, 10.0.0.0/8, and has `{one}`")
        })
    };
    all.map(parse).collect()
}

fn yes_or_no(name: &str, value: Option<&str>) -> anyhow::Result<bool> {
    match value {
        Some("yes") => Ok(true),
        None | Some("no") => Ok(false),
        Some(other) => bail!("`{name}` must be yes or no, and is `{other}`"),
    }
}

/// Settings of connectors for the whole installation stand as `<connector>_<setting>`.
fn connector_settings(values: &BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, Settings>> {
    let mut all = BTreeMap::new();
    for connector in ALL {
        let settings: Settings = connector
            .settings()
            .iter()
            .filter(|setting| setting.scope == Scope::Installation)
            .filter_map(|setting| {
                let value = values.get(&format!("{}_{}", connector.name(), setting.name))?;
                Some((setting.name, value.trim().to_owned()))
            })
            .collect();
        connector
            .pace(&settings)
            .map_err(|error| anyhow::anyhow!("setting of {}: {error}", connector.title()))?;
        all.insert(connector.name().to_owned(), settings);
    }
    Ok(all)
}

fn checked_url(text: &str) -> anyhow::Result<String> {
    let parsed =
        url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let plain = parsed.is_some_and(|url| url.query().is_none() && url.fragment().is_none());
    if !plain {
        bail!("`public_url` must be an address such as https://twinwire.example.com, and is `{text}`");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Root keeps data where services do, because Postgres will not run as root and cannot enter root's home.
fn default_data_dir() -> anyhow::Result<PathBuf> {
    let home_of_root = std::env::var_os("HOME").is_some_and(|home| home == "/root");
    if cfg!(unix) && home_of_root {
        return Ok(PathBuf::from("/var/lib/twinwire"));
    }
    let dirs = directories::ProjectDirs::from("", "", "twinwire")
        .context("there is no home directory: set TWINWIRE_DATA_DIR to a folder for Twinwire's data")?;
    Ok(dirs.data_dir().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::from_values(
            &pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn nothing_set_gives_the_documented_defaults() {
        let config = from(&[]).unwrap();
        assert_eq!(config.listen, "127.0.0.1:8080");
        assert_eq!((config.poll_interval, config.database_pool), (Duration::from_secs(60), 20));
        assert!(config.public_url.is_none() && config.database_url.is_none());
    }

    #[test]
    fn what_is_kept_is_kept_for_a_time_or_for_ever() {
        assert_eq!(from(&[]).unwrap().keep, Keep::default());
        let keep =
            from(&[("keep_webhooks", "off"), ("keep_bodies", "90d"), ("keep_media", "1y")]).unwrap().keep;
        assert_eq!((keep.webhooks, keep.bodies), (None, Some(TimeDelta::days(90))));
        assert!(keep.media.is_some() && keep.attempts.is_none());
        assert_eq!(from(&[("keep_bodies", "30000y")]).unwrap().keep.bodies, None);
    }

    #[test]
    fn a_connectors_settings_are_found_by_its_name() {
        let config =
            from(&[("front_app_id", "app_1"), ("signalwire_api_url", "http://localhost:1")]).unwrap();
        assert_eq!(config.connectors["front"].get("app_id"), Some("app_1"));
        assert_eq!(config.connectors["signalwire"].get("api_url"), Some("http://localhost:1"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("public_url", "twinwire.example.com"),
            ("public_url", "https://x.test/?a=1"),
            ("poll_interval", "soon"),
            ("poll_interval", "10ms"),
            ("front_requests_per_minute", "many"),
            ("keep_webhooks", "1d"),
            ("keep_bodies", "6d"),
            ("keep_media", "a week"),
            ("keep_attempts", "never"),
            ("notify", "perhaps"),
            ("database_pool", "7"),
            ("database_pool", "many"),
        ] {
            let error = from(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name.strip_prefix("front_").unwrap_or(name)), "{error}");
        }
        assert!(from(&[("log_format", "xml")]).unwrap_err().to_string().contains("json"));
    }

    #[test]
    fn the_public_url_has_no_slash_at_its_end() {
        let config = from(&[("public_url", "https://twinwire.example.com/")]).unwrap();
        assert_eq!(config.public_url.as_deref(), Some("https://twinwire.example.com"));
    }
}
