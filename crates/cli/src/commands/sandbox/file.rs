//! The settings file by which `serve` and `setup` find the doubles, and the commands of the sandbox its control.

use anyhow::{Context, bail};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use twinwire_sandbox::{Front, SignalWire};

/// Where it is unless it is named.
pub(super) const USUAL: &str = "twinwire.toml";
/// How its first line begins: no other file is written over.
const OURS: &str = "# Written by `twinwire sandbox`, and removed with it; told at ";

/// The settings.
pub(super) struct Written {
    text: String,
    public_url: String,
}

impl Written {
    /// Those that lead to these doubles.
    pub(super) fn new(
        control: SocketAddr,
        server: SocketAddr,
        front: &Front,
        signalwire: &SignalWire,
        folder: &Path,
    ) -> Self {
        let public_url = format!("http://{server}");
        let (app_id, app_secret) = (&front.options().app_id, &front.options().app_secret);
        let (front, signalwire) = (front.url(), signalwire.url());
        // Quoted as JSON does, which TOML reads as well.
        let data_dir = serde_json::Value::from(folder.join("twinwire-sandbox").display().to_string());
        let text = format!(
            "{OURS}http://{control}\n\
             listen = \"{server}\"\n\
             public_url = \"{public_url}\"\n\
             # A database, a key and files of its own, beside this file.\n\
             data_dir = {data_dir}\n\
             # The doubles are on this machine, and answer at once.\n\
             private_hosts = \"yes\"\n\
             settling = \"2s\"\n\
             front_app_id = \"{app_id}\"\n\
             front_app_secret = \"{app_secret}\"\n\
             front_api_url = \"{front}\"\n\
             signalwire_api_url = \"{signalwire}\"\n"
        );
        Self { text, public_url }
    }

    pub(super) fn public_url(&self) -> String {
        self.public_url.clone()
    }

    /// Writes them; over a file of an earlier sandbox, and over no other.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        if path.exists() && told(path).is_none() {
            bail!(
                "{} is a settings file of yours: run the sandbox in another folder, or name another file with --config",
                path.display()
            );
        }
        fs::write(path, &self.text).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Where the sandbox that runs here is told what people do.
pub(super) fn control(path: &Path) -> anyhow::Result<String> {
    told(path).with_context(|| {
        format!(
            "no sandbox runs in this folder ({} is not its file): start `twinwire sandbox`",
            path.display()
        )
    })
}

fn told(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next()?.strip_prefix(OURS).map(str::to_owned)
}

/// Takes the file away again, so that nothing calls doubles that are gone.
pub(super) fn remove(path: &Path) {
    if told(path).is_some()
        && let Err(error) = fs::remove_file(path)
    {
        tracing::warn!(%error, path = %PathBuf::from(path).display(), "the sandbox's settings could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_of_somebody_is_never_written_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(USUAL);
        let written = Written { text: format!("{OURS}http://127.0.0.1:8091\n"), public_url: String::new() };
        assert!(control(&path).unwrap_err().to_string().contains("start `twinwire sandbox`"));
        written.write(&path).unwrap();
        written.write(&path).unwrap();
        assert_eq!(control(&path).unwrap(), "http://127.0.0.1:8091");
        remove(&path);
        fs::write(&path, "public_url = \"https://twinwire.example.com\"\n").unwrap();
        assert!(written.write(&path).unwrap_err().to_string().contains("settings file of yours"));
        remove(&path);
        assert!(path.exists());
    }
}
