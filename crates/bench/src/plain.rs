//! The comparisons: plain handlers that verify and answer and store nothing, each a process of its own.
//!
//! Express is what the figure is asked for beside. The one in axum does no more than that with the libraries of this server: what
//! HTTP and the load cost by themselves.

use crate::front;
use anyhow::{Context, ensure};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

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
        let installed = Command::new("npm").args(install).current_dir(&folder).status().await;
        ensure!(installed.context("npm is needed for the comparison")?.success(), "npm ci failed");
        let mut node = Command::new("node");
        node.arg("server.js").current_dir(&folder).env("NODE_ENV", "production");
        Self::start(&mut node).await
    }

    /// Starts the one in axum.
    pub(crate) async fn axum() -> anyhow::Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg("--plain-handler")).await
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

/// Is the handler in axum, until it is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?.port())?;
    Ok(axum::serve(listener, Router::new().route("/message", post(answer))).await?)
}

#[derive(Deserialize)]
struct Posted {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    id: String,
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    role: String,
    handle: String,
}

async fn answer(headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(front::APP.1.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    for part in [header("x-front-request-timestamp").as_bytes(), b":", &body] {
        mac.update(part);
    }
    let given = STANDARD.decode(header("x-front-signature")).unwrap_or_default();
    if mac.verify_slice(&given).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(Posted { payload }) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let to = payload.recipients.into_iter().find(|one| one.role == "to").map(|one| one.handle);
    Json(json!({ "type": "success", "external_id": payload.id, "external_conversation_id": to }))
        .into_response()
}
