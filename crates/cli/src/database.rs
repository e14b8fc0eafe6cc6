//! The database of a command: the one of `DATABASE_URL`, or Twinwire's own.

use crate::config::Config;
use crate::output;
use anyhow::{Context, bail};
use chrono::Utc;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use twinwire_connectors::ALL;
use twinwire_core::plan::Policy;
use twinwire_engine::doctor::Home;
use twinwire_engine::jobs::queue;
use twinwire_engine::media::Media;
use twinwire_engine::{Connectors, Engine, Options, Safeguard};
use twinwire_store::migrate::Standing;
use twinwire_store::seal::SecretKey;
use twinwire_store::{installation, migrate, pool};

/// The key of the secrets in the data folder.
const KEY_FILE: &str = "secret.key";

/// An open database, its schema as this program needs it.
pub struct Database {
    /// Connections.
    pub pool: PgPool,
    /// Its address.
    pub url: SecretString,
    /// The key of the secrets.
    pub key: SecretKey,
    /// Migrations that were new.
    pub migrated: usize,
    server: Option<twinwire_postgres::Server>,
}

/// Where a database is, and Twinwire's own server if it runs there.
pub struct Place {
    /// Its address.
    pub url: SecretString,
    server: Option<twinwire_postgres::Server>,
}

impl Place {
    /// The address of `DATABASE_URL`. Without one Twinwire's own Postgres in `folder` is started, or joined if it runs.
    ///
    /// # Errors
    /// A sentence that says what to install or set.
    pub async fn find(config: &Config, folder: &Path) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), server: None });
        }
        let options = twinwire_postgres::Options {
            bin_dir: config.postgres_bin.clone(),
            // A fetched copy serves whatever folder the server works in.
            cache_dir: Some(config.data_dir.join("postgres-dist")),
            notify: output::complain,
            ..twinwire_postgres::Options::new(folder)
        };
        let server = twinwire_postgres::start(options).await?;
        Ok(Self { url: SecretString::from(server.url().to_owned()), server: Some(server) })
    }
}

/// Every connector of this build.
pub fn connectors() -> Connectors {
    Connectors(ALL)
}

/// What may be done to the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schema {
    /// Brought up to date.
    Renew,
    /// Made where there is none. One that is behind belongs to a server, which is renewed when the operator says so.
    Make,
    /// Nothing.
    Keep,
}

impl Database {
    /// Opens the database for a command, which works on the schema that it finds. Without `DATABASE_URL` Twinwire's own
    /// Postgres is started, or joined if it runs. It has to be there: whoever looks in a wrong place is told, and gets no new
    /// installation to look at.
    ///
    /// # Errors
    /// A sentence that says what to install, set or run.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        if config.database_url.is_some() {
            return Self::open_with(config, Schema::Keep).await;
        }
        if !twinwire_postgres::is_there(&config.data_dir) {
            bail!("{}", nothing_there(&config.data_dir));
        }
        // Whoever made it may have been stopped before the schema was there.
        Self::open_with(config, Schema::Make).await
    }

    /// The same for a command that people begin with: Twinwire's own Postgres and the schema are made where there is none.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_first(config: &Config) -> anyhow::Result<Self> {
        Self::open_with(config, Schema::Make).await
    }

    /// The same, and brings the schema up to date.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_and_renew(config: &Config) -> anyhow::Result<Self> {
        Self::open_with(config, Schema::Renew).await
    }

    async fn open_with(config: &Config, schema: Schema) -> anyhow::Result<Self> {
        let place = Place::find(config, &config.data_dir).await?;
        Self::at_with(place, key(config)?, config.database_pool, schema).await
    }

    /// Opens the database at `place`, whose secrets `key` seals, with a pool of that size, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached, is too old, or was sealed with another key.
    pub async fn at(place: Place, key: SecretKey, size: u32) -> anyhow::Result<Self> {
        Self::at_with(place, key, size, Schema::Renew).await
    }

    async fn at_with(place: Place, key: SecretKey, size: u32, schema: Schema) -> anyhow::Result<Self> {
        let Place { url, server } = place;
        let pool = pool::connect(url.expose_secret(), size)
            .await
            .with_context(|| unreachable(&url, server.is_some()))?;
        let version = pool::server_version(&pool).await?;
        if version < pool::OLDEST_SERVER {
            bail!("the database is PostgreSQL {}; Twinwire needs 14 or newer", version / 10_000);
        }
        let migrated = prepare(&pool, schema).await?;
        installation::check_key(&mut *pool.acquire().await?, &key).await?;
        Ok(Self { pool, url, key, migrated, server })
    }

    /// An engine on it. `public_url` is where vendors reach this installation.
    pub fn engine(&self, config: &Config, public_url: &str) -> anyhow::Result<Engine> {
        self.engine_without(config, public_url, None)
    }

    /// The same with a safeguard left out, for a proof.
    pub fn engine_without(
        &self,
        config: &Config,
        public_url: &str,
        without: Option<Safeguard>,
    ) -> anyhow::Result<Engine> {
        let policy = Policy {
            settling: config.settling.and_then(|settling| chrono::TimeDelta::from_std(settling).ok()),
            ..Policy::default()
        };
        Ok(Engine::new(Options {
            pool: self.pool.clone(),
            connectors: connectors(),
            installation: config.connectors.clone(),
            key: self.key.clone(),
            public_url: public_url.to_owned(),
            media: Media::at(config.media.clone()),
            home: Some(self.home(config)),
            private_hosts: config.private_hosts,
            policy,
            keep: config.keep,
            poll_interval: config.poll_interval,
            lease: config.lease,
            without,
            clock: Arc::new(Utc::now),
        })?)
    }

    /// What belongs to this process beside the database.
    fn home(&self, config: &Config) -> Home {
        let kept = config.secret_key.is_none() && config.database_url.is_none();
        Home {
            folder: config.data_dir.clone(),
            key: kept.then(|| config.data_dir.join(KEY_FILE)),
            keeps_database: self.server.is_some(),
            public_url_is_set: config.public_url.is_some(),
        }
    }

    /// Where vendors reach this installation: as set, else as the last `serve` was told, else where one listened.
    pub async fn public_url(&self, config: &Config) -> anyhow::Result<String> {
        if let Some(url) = self.told_url(config).await? {
            return Ok(url);
        }
        let listening = installation::listening(&mut *self.pool.acquire().await?).await?;
        Ok(listening.unwrap_or_else(|| format!("http://{}", config.listen)))
    }

    /// The public address as set, else as the last `serve` was told.
    pub(crate) async fn told_url(&self, config: &Config) -> anyhow::Result<Option<String>> {
        if let Some(url) = &config.public_url {
            return Ok(Some(url.clone()));
        }
        Ok(installation::public_url(&mut *self.pool.acquire().await?).await?)
    }

    /// Twinwire's own Postgres, if it is that.
    pub(crate) fn own_server(&mut self) -> Option<&mut twinwire_postgres::Server> {
        self.server.as_mut()
    }

    /// Closes it. Twinwire's own Postgres stops with its last user.
    pub async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
}

/// Does to the schema what may be done; gives how many migrations were new.
async fn prepare(pool: &PgPool, schema: Schema) -> anyhow::Result<usize> {
    if schema != Schema::Renew {
        match migrate::standing(pool).await? {
            Standing::Current | Standing::Newer => return Ok(0),
            Standing::Empty if schema == Schema::Make => {}
            Standing::Empty => bail!(
                "the database holds no tables of Twinwire's yet: `twinwire migrate` makes them, and so does starting the \
                 server; or DATABASE_URL is another program's"
            ),
            Standing::Older(_) => bail!(
                "the database is older than this program: run `twinwire migrate`, or start the server of this version"
            ),
        }
    }
    // The queue first: whoever finds the migrations applied may use it at once.
    queue::setup(pool).await?;
    Ok(migrate::run(pool, &connectors().published(), Utc::now()).await?)
}

/// Where was looked for Twinwire's own database, and what to do.
fn nothing_there(folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    format!(
        "there is no database in {} yet.\n`twinwire serve` makes one there. If there is one elsewhere, name its folder in \
         TWINWIRE_DATA_DIR, or its address in DATABASE_URL.",
        folder.display()
    )
}

/// What to do. Of the address only what is no secret.
fn unreachable(url: &SecretString, own: bool) -> String {
    if own {
        return "Twinwire's own Postgres cannot be reached".to_owned();
    }
    let parsed = url::Url::parse(url.expose_secret()).ok();
    let host = parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port().unwrap_or(5432))));
    let place = host.map(|(host, port)| format!(" at {host}:{port}")).unwrap_or_default();
    format!(
        "the database{place} cannot be reached: start it or correct DATABASE_URL; without DATABASE_URL Twinwire \
         runs a Postgres of its own"
    )
}

/// The key as set, else the one kept beside Twinwire's own database, made at first use.
fn key(config: &Config) -> anyhow::Result<SecretKey> {
    let text = match &config.secret_key {
        Some(text) => text.clone(),
        None if config.database_url.is_none() => kept_key(&config.data_dir)?,
        None => bail!(
            "TWINWIRE_SECRET_KEY is not set: with DATABASE_URL Twinwire needs the key that seals its secrets; \
             make one with `openssl rand -base64 32` and keep it"
        ),
    };
    Ok(SecretKey::from_text(&text)?)
}

fn kept_key(data_dir: &Path) -> anyhow::Result<SecretString> {
    let path = data_dir.join(KEY_FILE);
    let context = || format!("the key of the secrets in {} cannot be read or made", path.display());
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = SecretKey::text_of(rand::random());
            // Written aside and linked into place: two commands at once agree on one key, and no half key is ever read.
            let draft = data_dir.join(format!(".secret.key.{:016x}", rand::random::<u64>()));
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)
                .with_context(context)?;
            writeln!(file, "{}", text.expose_secret())
                .and_then(|()| file.sync_all())
                .with_context(context)?;
            let linked = fs::hard_link(&draft, &path);
            fs::remove_file(&draft).with_context(context)?;
            match linked {
                Ok(()) => Ok(text),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => kept_key(data_dir),
                Err(error) => Err(error).with_context(context),
            }
        }
        Err(error) => Err(error).with_context(context),
    }
}
