//! The settings as a table: the settings file's check, `twinwire settings` and docs/CONFIGURATION.md are made from it.
//!
//! A new setting is one line in [`SETTINGS`] and a field of [`crate::config::Config`]. Then
//! `cargo run -- settings --markdown > docs/CONFIGURATION.md`.

use std::fmt::Write;
use twinwire_connectors::ALL;
use twinwire_core::setting::Scope;

/// One setting of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in `twinwire.toml`.
    pub name: String,
    /// What holds without it, for people.
    pub default: String,
    /// What it is for.
    pub meaning: String,
    /// It is never shown, and may be given as a file (`…_FILE`).
    pub secret: bool,
    /// A running server takes a new value on SIGHUP.
    pub reloads: bool,
}

impl Setting {
    /// Its name in the environment.
    pub fn variable(&self) -> String {
        variable(&self.name)
    }
}

/// The name in the environment of a setting.
pub fn variable(name: &str) -> String {
    let capitals = name.to_uppercase();
    if name.starts_with("database_url") { capitals } else { format!("TWINWIRE_{capitals}") }
}

/// What a line of the table may be beside plain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Reloads,
    Secret,
    SecretReloads,
}

/// Name, default, kind, meaning. In the order in which people need them.
const SETTINGS: &[(&str, &str, Kind, &str)] = &[
    ("public_url", "", Kind::Plain, "what vendors call; signatures are checked against it"),
    (
        "database_url",
        "Twinwire's own Postgres",
        Kind::Secret,
        "any Postgres 14 or newer, with the extensions `hstore` and `pgcrypto` available",
    ),
    (
        "secret_key",
        "made and kept in the data folder",
        Kind::Secret,
        "seals credentials at rest; needed with `DATABASE_URL` (`openssl rand -base64 32`)",
    ),
    (
        "database_pool",
        "`20`",
        Kind::Plain,
        "most connections in the pool of a process; each has three more for webhooks, and one that works up to 13 for jobs ([DEPLOY.md](DEPLOY.md#several-processes))",
    ),
    ("listen", "`127.0.0.1:8080`", Kind::Plain, "address to listen on"),
    (
        "admin_token",
        "only tokens of `twinwire tokens create`",
        Kind::SecretReloads,
        "a token of the admin API with every right; `/metrics` takes it too",
    ),
    (
        "trusted_proxies",
        "nobody",
        Kind::Reloads,
        "addresses or networks of reverse proxies, such as `127.0.0.1, 10.0.0.0/8`: their `X-Forwarded-For` says whose wrong tokens are counted",
    ),
    (
        "data_dir",
        "the platform's data folder; `/var/lib/twinwire` if `HOME` is `/root`",
        Kind::Plain,
        "where Twinwire's own Postgres and key live; `serve`, `setup` and `migrate` make them",
    ),
    (
        "media",
        "`media` in the data folder",
        Kind::Plain,
        "where files of messages are kept: a folder, or `s3://bucket/prefix` with the usual `AWS_…` variables; all processes need the same",
    ),
    ("poll_interval", "`60s`", Kind::Reloads, "how often each account's list is read"),
    (
        "log",
        "`info` for `serve`",
        Kind::Reloads,
        "log filter, such as `info` or `warn,twinwire_engine=debug`; logs hold ids, never texts, numbers or secrets",
    ),
    (
        "log_format",
        "`text` on a terminal, else `json` for `serve`",
        Kind::Plain,
        "`text`, or `json`: one object a line",
    ),
    (
        "metrics_listen",
        "`/metrics` on the usual address, with a token",
        Kind::Plain,
        "a second address where `/metrics` is open to whoever reaches it",
    ),
    (
        "notify",
        "`no`",
        Kind::Plain,
        "`yes`: changes of messages are told by [NOTIFY](WEBHOOKS-OUT.md#inside-postgres-listen)",
    ),
    ("keep_webhooks", "`30d`", Kind::Plain, "how long logged requests are kept; `off`: for ever"),
    (
        "keep_bodies",
        "`off`: for ever",
        Kind::Plain,
        "how long texts of settled messages are kept, such as `90d`",
    ),
    ("keep_media", "`off`: for ever", Kind::Plain, "how long files of settled messages are kept"),
    ("keep_attempts", "`off`: for ever", Kind::Plain, "how long the stories of settled messages are kept"),
    ("url", "this machine's own database", Kind::Plain, "the server that commands ask"),
    ("token", "", Kind::Secret, "the token that commands show it; `twinwire tokens create` makes one"),
    ("postgres_bin", "found on the machine", Kind::Plain, "the folder with `postgres` and `initdb`"),
];

/// For tests and chaos runs: what they may need shorter than it should be, and where to die. Not in the document.
const FOR_TESTS: &[&str] = &["crash_at", "lease", "private_hosts", "settling", "stall_at"];

/// Every setting: the program's own, then those of its connectors.
pub fn all() -> Vec<Setting> {
    let own = SETTINGS.iter().map(|(name, default, kind, meaning)| Setting {
        name: (*name).to_owned(),
        default: (*default).to_owned(),
        meaning: (*meaning).to_owned(),
        secret: matches!(kind, Kind::Secret | Kind::SecretReloads),
        reloads: matches!(kind, Kind::Reloads | Kind::SecretReloads),
    });
    own.chain(of_connectors()).collect()
}

/// Settings of connectors for the whole installation, as `<connector>_<setting>`. Accounts are read anew all the time, so
/// all of them can change while a server runs.
fn of_connectors() -> impl Iterator<Item = Setting> {
    ALL.iter().flat_map(|connector| {
        let installation = connector.settings().iter().filter(|setting| setting.scope == Scope::Installation);
        installation.map(|setting| Setting {
            name: format!("{}_{}", connector.name(), setting.name),
            default: setting.default.map(|default| format!("`{default}`")).unwrap_or_default(),
            meaning: setting.prompt.to_owned(),
            secret: setting.secret,
            reloads: true,
        })
    })
}

/// Every name that means something, those for tests among them.
pub fn known() -> Vec<String> {
    let own = all().into_iter().map(|setting| setting.name);
    own.chain(FOR_TESTS.iter().map(|name| (*name).to_owned())).collect()
}

/// Whether a setting is a secret.
pub fn is_secret(name: &str) -> bool {
    all().iter().any(|setting| setting.name == name && setting.secret)
}

/// Whether a running server takes a new value of a setting.
pub fn reloads(name: &str) -> bool {
    all().iter().any(|setting| setting.name == name && setting.reloads)
}

/// docs/CONFIGURATION.md.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for setting in all() {
        let Setting { default, meaning, .. } = &setting;
        let marks = match (setting.secret, setting.reloads) {
            (true, true) => "F R",
            (true, false) => "F",
            (false, true) => "R",
            (false, false) => "",
        };
        // Into a text: it cannot fail.
        writeln!(page, "| `{}` | {default} | {meaning} | {marks} |", setting.variable()).ok();
    }
    page.push_str(END);
    page
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made by `twinwire settings --markdown`, from crates/cli/src/settings.rs. A test holds it to that. -->

Settings come from the environment, or without `TWINWIRE_` and in lower case from `twinwire.toml` in the working folder
(`--config FILE` for another one):

    public_url = \"https://twinwire.example.com\"
    front_app_id = \"…\"
    poll_interval = \"30s\"

The environment wins. An unknown name in the file is an error, in the environment a warning. Times are written as `60s`, `5m`
or `1h`.

**F**: a secret. It may stand in a file that is named by the same name with `_FILE` behind it (`DATABASE_URL_FILE`,
`TWINWIRE_SECRET_KEY_FILE`; `secret_key_file` in `twinwire.toml`), as Docker's and systemd's secrets are given. Line ends
at the end of the file do not count. Both at once are an error.

**R**: a running `serve` takes a new value from the file, and from files of secrets, when it gets `SIGHUP`. Everything else
needs a restart, and the log says so.

| variable | default | meaning | |
|---|---|---|---|
";

const END: &str = "
Settings of accounts and channels (credentials, `verification`, `long_texts`, …) are kept sealed in the database:
`twinwire setup --help` lists them.

`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` switches traces on; `OTEL_EXPORTER_OTLP_HEADERS`,
`OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` mean what they mean everywhere
([OPERATIONS.md](OPERATIONS.md#traces)).
";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_given_twice() {
        let names = known();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn every_setting_of_a_connector_is_in_the_document() {
        let page = markdown();
        for name in ["`TWINWIRE_FRONT_APP_SECRET`", "`TWINWIRE_TWILIO_API_URL`", "`DATABASE_URL`"] {
            assert!(page.contains(name), "{name}");
        }
        assert!(is_secret("front_app_secret") && is_secret("secret_key") && !is_secret("front_app_id"));
    }

    #[test]
    fn no_cell_breaks_the_table() {
        for setting in all() {
            assert!(
                !setting.default.contains('|') && !setting.meaning.contains(['|', '\n']),
                "{}",
                setting.name
            );
            assert!(!setting.meaning.is_empty(), "{}", setting.name);
        }
    }
}
