//! Fetches through pip, which verifies the checksum itself and runs nothing of a wheel.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::fetch::Job;
use crate::run;

/// The ways to call pip; a machine may have only one of them.
const CLIENTS: [&[&str]; 3] = [&["python3", "-m", "pip"], &["pip3"], &["pip"]];

/// Returns the folder that the package was installed into.
pub(crate) fn get(package: &str, sha256: &[&str], job: &Job<'_>) -> Result<PathBuf, String> {
    let list = job.temp.join("requirements.txt");
    let hashes = sha256.join(" --hash=sha256:");
    fs::write(&list, format!("{package} --hash=sha256:{hashes}\n")).map_err(|error| error.to_string())?;
    let root = job.temp.join("site");
    let mut reasons = Vec::new();
    for client in CLIENTS {
        let mut pip = Command::new(client[0]);
        pip.current_dir(job.temp).args(&client[1..]).arg("install");
        // A wheel only: a source package would run code while it is built.
        pip.args(["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"]);
        pip.args(["--no-input", "--no-cache-dir", "--disable-pip-version-check"]);
        pip.arg("--target").arg(&root).arg("-r").arg(&list);
        match run::run(&mut pip, job.time_left(), job.context) {
            Ok(finished) if finished.success => return Ok(root),
            Ok(finished) => reasons.push(run::tail(&finished.text, 2)),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(reasons.join("; "))
}
