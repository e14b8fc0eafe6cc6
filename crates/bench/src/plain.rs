//! The comparisons: plain handlers that verify and answer, each a process of its own.
//!
//! Express is what the figure is asked for beside; it stores nothing. Those in axum do no more than that with the libraries
//! of this server, and store nothing, the request alone, or the row that a message becomes and nothing else: what HTTP and
//! the load cost by themselves, and what the machine allows to anything that commits before it answers.

mod handler;

use crate::front;
use crate::stage::Stage;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) use handler::serve;

/// What a handler in axum stores before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keeps {
    /// Nothing.
    Nothing,
    /// The request's body, in a table with one index.
    Request,
    /// The row of `messages`.
    Row,
}

impl Keeps {
    /// In words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Request => "the request alone",
            Self::Row => "the row of messages alone",
        }
    }

    /// How many transactions at a time are tried.
    pub(crate) fn at_once(self) -> &'static [u32] {
        if self == Self::Nothing { &[1] } else { &[1, 2, 4] }
    }
}

/// A handler's process.
pub(crate) struct Plain {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _child: Child,
}

impl Plain {
    /// Installs express as the lock file says, and starts the handler.
    pub(crate) async fn express() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("express");
        let install = ["ci", "--no-audit", "--no-fund", "--silent"];
        let installed =
            Command::new("npm").args(install).current_dir(&folder).kill_on_drop(true).status().await;
        ensure!(installed.context("npm is needed for the comparison")?.success(), "npm ci failed");
        let mut node = Command::new("node");
        node.arg("server.js").current_dir(&folder).env("NODE_ENV", "production");
        Self::start(&mut node).await
    }

    /// Starts one in axum, on the stage's database, with so many transactions at a time.
    pub(crate) async fn axum(stage: &Stage, keeps: Keeps, at_once: u32) -> anyhow::Result<Self> {
        let name = keeps.to_possible_value().context("a handler without a name")?;
        let mut handler = Command::new(std::env::current_exe()?);
        handler.args(["--plain-handler", name.get_name(), "--at-once", &at_once.to_string()]);
        handler.env("DATABASE_URL", stage.database());
        Self::start(&mut handler).await
    }

    async fn start(command: &mut Command) -> anyhow::Result<Self> {
        let command = command.env("FRONT_APP_SECRET", front::APP.1).stdout(Stdio::piped()).kill_on_drop(true);
        let program = command.as_std().get_program().display().to_string();
        let mut child = command.spawn().with_context(|| format!("{program} is needed for the comparison"))?;
        let stdout = child.stdout.take().context("no output of the handler")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("the handler ended")?;
        let port = line.rsplit(' ').next().and_then(|port| port.parse().ok());
        Ok(Self { address: ([127, 0, 0, 1], port.context(line)?).into(), _child: child })
    }
}
