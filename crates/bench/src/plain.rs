//! The comparison: a plain Express handler, as a process of its own.

use anyhow::{Context, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::front;

/// The handler's process.
pub(crate) struct Express {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _child: Child,
}

impl Express {
    /// Installs express as the lock file says, and starts the handler.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("express");
        let install = ["ci", "--no-audit", "--no-fund", "--silent"];
        let installed = Command::new("npm").args(install).current_dir(&folder).status().await;
        ensure!(installed.context("npm is needed for the comparison")?.success(), "npm ci failed");
        let mut child = Command::new("node")
            .arg("server.js")
            .current_dir(&folder)
            .env("NODE_ENV", "production")
            .env("FRONT_APP_SECRET", front::APP.1)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node is needed for the comparison")?;
        let stdout = child.stdout.take().context("no output of node")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("the handler ended")?;
        let port = line.rsplit(' ').next().and_then(|port| port.parse().ok());
        Ok(Self { address: ([127, 0, 0, 1], port.context(line)?).into(), _child: child })
    }
}
