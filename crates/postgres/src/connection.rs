//! The port and password of the cluster, kept in `connection.json`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::cluster::{self, Cluster};
use crate::error::io;

/// How to connect. It has no `Debug`, so that the password cannot slip into a log.
#[derive(Serialize, Deserialize)]
pub(crate) struct Connection {
    pub(crate) port: u16,
    pub(crate) password: String,
    /// Where its server was started last: the same numbers mean other processes in another container.
    #[serde(default)]
    place: String,
}

impl Connection {
    /// A new random password on a free port.
    pub(crate) fn new() -> Result<Self, Error> {
        // This alphabet needs no escaping in a URL.
        let password = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        Ok(Self { port: free_port()?, password, place: place() })
    }

    pub(crate) fn read(cluster: &Cluster) -> Result<Self, Error> {
        let path = cluster.connection();
        let text = fs::read(&path).map_err(|error| damaged(&path, format!("cannot be read ({error})")))?;
        // The parser's message could quote the password.
        serde_json::from_slice(&text)
            .map_err(|_| damaged(&path, "does not hold a port and a password".into()))
    }

    /// Keeps it on disk, all or nothing.
    pub(crate) fn save(&self, cluster: &Cluster) -> Result<(), Error> {
        let path = cluster.connection();
        let new = path.with_extension("json.new");
        let text = serde_json::to_vec(self).map_err(|_| damaged(&path, "cannot be written".into()))?;
        write_secret(&new, &text)?;
        cluster.hand_over(&new)?;
        fs::rename(&new, &path).map_err(io("replace", &path))?;
        sync_folder(cluster.dir())
    }

    /// The same for a server that starts here and now: on another port if something listens on this one.
    pub(crate) fn for_start(self, cluster: &Cluster) -> Result<Self, Error> {
        let free = self.is_port_free();
        if free && self.is_here() {
            return Ok(self);
        }
        let port = if free { self.port } else { free_port()? };
        let moved = Self { port, place: place(), ..self };
        tracing::debug!(port, "the server starts on another port or in another place");
        moved.save(cluster)?;
        Ok(moved)
    }

    /// Whether nothing has its port.
    pub(crate) fn is_port_free(&self) -> bool {
        TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }

    /// Whether its server, if it runs, is among the processes that we can see.
    pub(crate) fn is_here(&self) -> bool {
        self.place == place()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://twinwire:{}@127.0.0.1:{}/twinwire", self.password, self.port)
    }
}

pub(crate) fn damaged(path: &Path, reason: String) -> Error {
    Error::Connection { path: path.to_path_buf(), reason }
}

/// Writes a file that only its owner can read, through to the disk.
pub(crate) fn write_secret(path: &Path, text: &[u8]) -> Result<(), Error> {
    // An old file could have a wider mode, and the mode below is only for new ones.
    cluster::remove(path)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(io("create", path))?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(io("write", path))
}

/// Makes renames in a folder survive a power cut.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(io("write", path))
}

fn free_port() -> Result<u16, Error> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port())
        .map_err(|source| Error::Io { action: "find a free port on 127.0.0.1".into(), source })
}

/// Names the container we run in, where there are such things.
fn place() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}
