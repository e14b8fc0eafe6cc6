//! Runs a command with a throwaway Postgres: `with_postgres [--migrate DIR] -- CMD ARGS ...`.
//!
//! The command finds the database in `DATABASE_URL`, and its exit code becomes ours.

use std::fs::{self, Permissions};
use std::io::{Write, stderr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};
use twinwire_postgres::{Options, start};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut args = std::env::args().skip(1).peekable();
    let mut migrations = None;
    if args.next_if(|arg| arg == "--migrate").is_some() {
        migrations = Some(args.next().context("--migrate needs a folder")?);
    }
    if args.next().as_deref() != Some("--") {
        bail!("usage: with_postgres [--migrate DIR] -- CMD ARGS ...");
    }
    let command: Vec<String> = args.collect();
    let temp = tempfile::tempdir()?;
    // Under root, Postgres runs as another user, who must get in.
    fs::set_permissions(temp.path(), Permissions::from_mode(0o711))?;
    let mut options = Options::new(temp.path().join("twinwire"));
    options.notify = |line| writeln!(stderr(), "{line}").unwrap_or_default();
    let server = start(options).await?;
    let code = run(server.url(), migrations.as_deref(), &command).await;
    server.stop().await?;
    code
}

async fn run(url: &str, migrations: Option<&str>, command: &[String]) -> anyhow::Result<ExitCode> {
    let (program, args) = command.split_first().context("no command after --")?;
    if let Some(folder) = migrations {
        let mut session = PgConnection::connect(url).await?;
        Migrator::new(Path::new(folder)).await?.run(&mut session).await?;
        session.close().await?;
    }
    let mut child = tokio::process::Command::new(program);
    let status = child.args(args).env("DATABASE_URL", url).status().await;
    let status = status.with_context(|| format!("cannot run {program}"))?;
    // Ended by a signal: the code shells use for a failure without a number.
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
