//! Finds the programs of Postgres on the machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::context::Context;
use crate::user::{self, Account};
use crate::{Error, Options, fetch, pins, run};

/// The oldest major version that Twinwire's tables work on.
const OLDEST: u32 = 14;
/// The extensions that Twinwire's job tables need.
const EXTENSIONS: [&str; 2] = ["pgcrypto", "hstore"];

/// The folder with `postgres` and `initdb`: given, found, fetched earlier, or fetched now. Data that exists
/// `need`s the major version that wrote it.
pub(crate) fn programs(
    options: &Options,
    cluster: &Cluster,
    need: Option<u32>,
    context: &Context,
) -> Result<PathBuf, Error> {
    let account = cluster.account.as_ref();
    if let Some(path) = &options.bin_dir {
        return given(path, cluster, need, context);
    }
    let cache = options.cache_dir.clone().unwrap_or_else(|| cluster.dir().with_file_name("postgres-dist"));
    let mut folders = if options.search { on_machine() } else { Vec::new() };
    folders.extend(pins::copies().iter().map(|copy| copy.bin(&cache)).filter(|bin| bin.exists()));
    let mut reasons = Vec::new();
    for folder in unique(folders) {
        match check(&folder, account, need, context) {
            Ok(bin) => return Ok(bin),
            Err(Refusal { reason, .. }) => reasons.push(format!("{}: {reason}", folder.display())),
        }
    }
    let fetched = fetch::fetch(&cache, account, need, context, &mut reasons)?;
    fetched.ok_or_else(|| match need {
        Some(needed) => Error::WrongVersion { data: cluster.data(), needed, reasons },
        None => Error::NotFound { reasons },
    })
}

/// The folder the user named; nothing else is tried, for a choice must not be overridden silently.
fn given(path: &Path, cluster: &Cluster, need: Option<u32>, context: &Context) -> Result<PathBuf, Error> {
    check(path, cluster.account.as_ref(), need, context).map_err(|refusal| match need {
        Some(needed) if refusal.wrong_version => {
            let reasons = vec![format!("{}: {}", path.display(), refusal.reason)];
            Error::WrongVersion { data: cluster.data(), needed, reasons }
        }
        _ => Error::BinDir { path: path.to_path_buf(), reason: refusal.reason },
    })
}

/// The folders where Postgres usually is, best first.
fn on_machine() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    // Debian, Red Hat and the two places of Homebrew.
    folders.extend(versions("/usr/lib/postgresql", ""));
    folders.extend(versions("/usr", "pgsql-"));
    folders.extend(versions("/opt/homebrew/opt", "postgresql@"));
    folders.extend(versions("/usr/local/opt", "postgresql@"));
    folders.retain(|folder| folder.join("postgres").exists() && folder.join("initdb").exists());
    folders
}

/// `<parent>/<prefix><version>/bin`, highest version first.
fn versions(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// One installation often shows up under several names.
fn unique(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    for folder in folders.into_iter().map(|folder| real(&folder)) {
        if !seen.contains(&folder) {
            seen.push(folder);
        }
    }
    seen
}

/// The folder that the programs are in when `folder` has only links to them.
fn real(folder: &Path) -> PathBuf {
    let program = fs::canonicalize(folder.join("postgres")).ok();
    let home = program.and_then(|program| program.parent().map(Path::to_path_buf));
    home.filter(|home| home.join("initdb").exists()).unwrap_or_else(|| folder.to_path_buf())
}

/// Why a folder does not do.
pub(crate) struct Refusal {
    pub(crate) reason: String,
    wrong_version: bool,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, wrong_version: false }
    }
}

/// Whether the programs in a folder run, have the right version and the extensions. Returns the real folder.
pub(crate) fn check(
    folder: &Path,
    account: Option<&Account>,
    need: Option<u32>,
    context: &Context,
) -> Result<PathBuf, Refusal> {
    let folder = real(folder);
    for program in ["postgres", "initdb"] {
        let path = folder.join(program);
        if !path.is_file() {
            return Err(format!("it has no `{program}`").into());
        }
        if let Some((account, barrier)) = account.and_then(|user| Some((user, user.barrier(&path)?))) {
            let text = format!("user {} cannot enter or run {}", account.name, barrier.display());
            return Err(text.into());
        }
    }
    let version = version(&folder, account, context)?;
    if need.is_some_and(|need| need != version) || version < OLDEST {
        return Err(Refusal { reason: format!("it is Postgres {version}"), wrong_version: true });
    }
    let share = share_folders(&folder, version, account, context);
    for name in EXTENSIONS {
        let control = format!("extension/{name}.control");
        if !share.iter().any(|share| share.join(&control).exists()) {
            let text =
                format!("Postgres {version} there lacks the extension {name} (package postgresql-contrib)");
            return Err(text.into());
        }
    }
    tracing::debug!(folder = %folder.display(), version, "found Postgres");
    Ok(folder)
}

fn version(folder: &Path, account: Option<&Account>, context: &Context) -> Result<u32, String> {
    let mut command = user::command(folder.join("postgres"), account);
    let text = output(command.arg("--version"), context)?;
    let number = text.split("(PostgreSQL) ").nth(1).unwrap_or_default();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| format!("`postgres --version` says {}", run::tail(&text, 1)))
}

/// Where the extensions may be: as `pg_config` says, next to the programs, or Debian's folder.
fn share_folders(folder: &Path, version: u32, account: Option<&Account>, context: &Context) -> Vec<PathBuf> {
    let mut command = user::command(folder.join("pg_config"), account);
    let told = output(command.arg("--sharedir"), context).ok().map(|text| PathBuf::from(text.trim()));
    let share = folder.with_file_name("share");
    let mut folders: Vec<PathBuf> = told.into_iter().collect();
    folders.push(PathBuf::from(format!("/usr/share/postgresql/{version}")));
    folders.extend(subfolders(&share).iter().flat_map(|inner| subfolders(inner)));
    folders.extend(subfolders(&share));
    folders.push(share);
    folders
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn output(command: &mut Command, context: &Context) -> Result<String, String> {
    match run::run(command, Duration::from_secs(30), context) {
        Ok(finished) if finished.success => Ok(finished.text),
        Ok(finished) => Err(format!("it does not run here: {}", run::tail(&finished.text, 2))),
        Err(error) => Err(error.to_string()),
    }
}
