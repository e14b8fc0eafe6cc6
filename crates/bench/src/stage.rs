//! What is measured: the real program as a process, a Postgres of its own with fsync on, and vendors that answer at once.

use crate::front;
use crate::load::Connection;
use crate::vendors::Vendors;
use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlx::PgPool;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use twinwire_store::pool;
use twinwire_store::seal::SecretKey;

/// With this set Postgres logs the plan of every statement, in the stage's folder while it stands.
const PLANS: &str = "TWINWIRE_BENCH_PLANS";

/// How long a server may take until it listens, or to stop.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Postgres, vendors and the program's settings.
pub(crate) struct Stage {
    /// What vendors got.
    pub(crate) vendors: Vendors,
    /// Connections for looking.
    pub(crate) pool: PgPool,
    postgres: twinwire_postgres::Server,
    program: PathBuf,
    address: SocketAddr,
    folder: TempDir,
}

/// A connected channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// Where Front posts its messages.
    pub(crate) url: String,
    /// The key that comes along.
    pub(crate) key: String,
    /// Its id.
    pub(crate) id: String,
}

impl Channel {
    /// The `n`th message of a run, as a signed request.
    pub(crate) fn message(&self, run: &str, n: u64) -> anyhow::Result<Request<Full<Bytes>>> {
        front::signed(&self.url, &self.key, front::message(run, n))
    }
}

/// A server's process.
pub(crate) struct Serving {
    child: Child,
    /// Its number.
    pub(crate) pid: u32,
}

impl Stage {
    /// Everything but the server.
    pub(crate) async fn set(program: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("twinwire-bench-").tempdir()?;
        open_to_all(folder.path())?;
        let postgres = twinwire_postgres::start(twinwire_postgres::Options::new(folder.path())).await?;
        let pool = pool::connect(postgres.url(), 8).await?;
        let fsync: String = sqlx::query_scalar("show fsync").fetch_one(&pool).await?;
        ensure!(fsync == "on", "fsync is {fsync}");
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let vendors = Vendors::start().await?;
        let stage = Self { vendors, pool, postgres, program: program.to_owned(), address, folder };
        stage.run(&["migrate"]).await?;
        if std::env::var_os(PLANS).is_some() {
            stage.log_plans().await?;
        }
        Ok(stage)
    }

    /// Has Postgres write how it runs each statement into its log.
    async fn log_plans(&self) -> anyhow::Result<()> {
        for (name, value) in [
            ("session_preload_libraries", "auto_explain"),
            ("auto_explain.log_min_duration", "0"),
            ("auto_explain.log_analyze", "on"),
            ("auto_explain.log_buffers", "on"),
            ("auto_explain.log_nested_statements", "on"),
        ] {
            let name_of = "do $$ begin execute format('alter database %I set ";
            self.sql(format!("{name_of}{name} = {value}', current_database()); end $$")).await?;
        }
        Ok(())
    }

    /// What Postgres has logged.
    pub(crate) fn postgres_log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("postgres/postgres.log"))?)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database's address.
    pub(crate) fn database(&self) -> &str {
        self.postgres.url()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let vendors = self.vendors.url();
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(["PATH", "HOME"].iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
            .env("DATABASE_URL", self.postgres.url())
            .env("TWINWIRE_DATA_DIR", self.folder.path())
            .env("TWINWIRE_SECRET_KEY", secret_key())
            .env("TWINWIRE_LISTEN", self.address.to_string())
            .env("TWINWIRE_PUBLIC_URL", format!("http://{}", self.address))
            .env("TWINWIRE_LOG", "warn")
            .env("TWINWIRE_POLL_INTERVAL", "1d")
            .env("TWINWIRE_FRONT_APP_ID", front::APP.0)
            .env("TWINWIRE_FRONT_APP_SECRET", front::APP.1)
            .env("TWINWIRE_FRONT_API_URL", &vendors)
            .env("TWINWIRE_FRONT_REQUESTS_PER_MINUTE", "100000")
            .env("TWINWIRE_FRONT_REQUESTS_PER_SECOND", "100000")
            .env("TWINWIRE_SIGNALWIRE_API_URL", &vendors)
            .kill_on_drop(true);
        command
    }

    /// Runs a command of the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output().await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`twinwire {}` failed: {errors}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the server, and waits until it answers.
    pub(crate) async fn serve(&self, role: &str) -> anyhow::Result<Serving> {
        let child = self.command(&["serve", "--role", role]).stdout(Stdio::null()).spawn()?;
        let pid = child.id().context("the server ended")?;
        let (mut serving, began) = (Serving { child, pid }, Instant::now());
        loop {
            if let Some(status) = serving.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if let Ok(mut connection) = Connection::open(self.address).await {
                let ask = Request::get("/healthz").header("host", "127.0.0.1").body(Full::default())?;
                connection.send(ask).await?;
                return Ok(serving);
            }
            ensure!(began.elapsed() < PATIENCE, "the server does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes channels by the real set-up, and connects them as Front does. The server has to run.
    pub(crate) async fn channels(&self, count: u16) -> anyhow::Result<Vec<Channel>> {
        let mut channels = Vec::new();
        for n in 0..count {
            channels.push(self.channel(n).await.with_context(|| format!("channel {n}"))?);
        }
        Ok(channels)
    }

    async fn channel(&self, n: u16) -> anyhow::Result<Channel> {
        let mut arguments = vec!["setup".to_owned(), "front_signalwire".to_owned(), "--json".to_owned()];
        for (name, value) in [
            ("phone", format!("+1201555{n:04}")),
            ("space", "bench".to_owned()),
            ("project", "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13".to_owned()),
            ("token", "PTbench".to_owned()),
            ("signing_key", "PSK_bench".to_owned()),
            ("segments_per_second", "100000".to_owned()),
        ] {
            arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let installed: Value = serde_json::from_str(&self.run(&arguments).await?)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("not as agreed");
        let (key, id) = (text(&installed["api_key"])?, text(&installed["channel"])?);
        let url = format!("http://{}/v1/install/front_signalwire/authorization", self.address);
        let authorization = front::signed(&url, &key, front::authorization(&format!("cha_bench{n}")))?;
        let answer = Connection::open(self.address).await?.send(authorization).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(Channel { url: text(&answer["webhook_url"])?, key, id })
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &'static str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    /// Runs statements.
    pub(crate) async fn sql(&self, sql: String) -> anyhow::Result<()> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends it.
    pub(crate) async fn strike(self) -> anyhow::Result<()> {
        self.pool.close().await;
        Ok(self.postgres.stop().await?)
    }
}

impl Serving {
    /// Stops the server in order.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.pid.try_into()?), Signal::SIGTERM)?;
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// Postgres is run by another user where this is run by root.
fn open_to_all(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?)
}

fn secret_key() -> String {
    use secrecy::ExposeSecret;
    SecretKey::text_of([7; 32]).expose_secret().to_owned()
}
