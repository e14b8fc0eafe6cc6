//! A database for one run: made at the start, dropped at the end. The user's own is never touched.

use crate::config::Config;
use crate::database::{Database, Place};
use anyhow::Context;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use std::time::Duration;
use twinwire_postgres::Crash;
use twinwire_store::seal::SecretKey;

/// What the names of databases begin with that are to stay.
const KEPT: &str = "twinwire_kept_";

/// Seconds for which a database is not taken for a leftover, whoever is in it.
const NEW: i64 = 3_600;

/// The database of a run.
pub(crate) struct Scratch {
    /// The database, open.
    pub(crate) database: Database,
    /// The key of its secrets, as text: for other processes that work on it.
    pub(crate) key: SecretString,
    command: &'static str,
    name: String,
    home: SecretString,
    /// Holds the lock that says that the database is in use.
    keeper: PgConnection,
}

impl Scratch {
    /// Makes a database for a command, and drops those of its runs that were killed, an hour later at the earliest. The command's name is one word of
    /// small letters.
    pub(crate) async fn open(config: &Config, command: &'static str) -> anyhow::Result<Self> {
        let mut place = Place::find(config, &config.data_dir.join(command)).await?;
        let home = place.url.clone();
        let mut keeper = connect(&home, command).await?;
        let prefix = format!("twinwire_{command}_");
        sweep(&mut keeper, &prefix).await?;
        let name = name(&prefix, Utc::now(), rand::random());
        // Locked before it is there, so that no other run can take it for a leftover.
        lock(&mut keeper, &name).await?;
        run(&mut keeper, format!("create database {name}")).await.with_context(|| may_not(command))?;
        place.url = within(&home, &name)?;
        let key = SecretKey::text_of(rand::random());
        let database = Database::at(place, SecretKey::from_text(&key)?, config.database_pool).await?;
        Ok(Self { database, key, command, name, home, keeper })
    }

    /// What the database is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Ends every connection to the database: to a private server by letting it crash and come up again after `down`, to
    /// any other by asking it to.
    pub(crate) async fn cut(&mut self, how: Crash, down: Duration) -> anyhow::Result<()> {
        let Some(server) = self.database.own_server() else {
            let cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
            sqlx::query(cut).bind(&self.name).execute(&mut self.keeper).await?;
            return Ok(());
        };
        server.crash(how, down).await?;
        self.keeper = connect(&self.home, self.command).await?;
        lock(&mut self.keeper, &self.name).await?;
        Ok(())
    }

    /// Leaves the database where it is, under a name that no later run sweeps away. Gives the name.
    pub(crate) async fn keep(mut self) -> anyhow::Result<String> {
        self.database.pool.close().await;
        let kept = self.name.replacen(&format!("twinwire_{}_", self.command), KEPT, 1);
        run(&mut self.keeper, format!("alter database {} rename to {kept}", self.name)).await?;
        self.database.close().await?;
        Ok(kept)
    }

    /// Drops the database, and stops Twinwire's own Postgres if nobody else uses it.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        self.database.pool.close().await;
        let mut dropped = drop_database(&mut self.keeper, &self.name, FORCE).await;
        if dropped.is_err() {
            // A connection that was idle for long may have been cut.
            let keeper = &mut connect(&self.home, self.command).await?;
            dropped = drop_database(keeper, &self.name, FORCE).await;
        }
        self.database.close().await?;
        dropped
    }
}

fn may_not(command: &str) -> String {
    format!(
        "`twinwire {command}` makes a database of its own and may not: let the user of DATABASE_URL create databases \
         (alter role … createdb createrole), or run it without DATABASE_URL"
    )
}

async fn connect(url: &SecretString, command: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    let options = options.application_name(&format!("twinwire {command}")).disable_statement_logging();
    options.connect().await.context("the database cannot be reached")
}

/// The same server, another database.
fn within(url: &SecretString, name: &str) -> anyhow::Result<SecretString> {
    let mut url = url::Url::parse(url.expose_secret()).context("DATABASE_URL is not a URL")?;
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != "dbname")
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    url.set_path(name);
    Ok(String::from(url).into())
}

/// Whoever uses a database holds its lock for as long as it is connected.
async fn lock(keeper: &mut PgConnection, name: &str) -> anyhow::Result<bool> {
    let lock = sqlx::query_scalar("select pg_try_advisory_lock(hashtext($1))");
    Ok(lock.bind(name).fetch_one(keeper).await?)
}

async fn sweep(keeper: &mut PgConnection, prefix: &str) -> anyhow::Result<()> {
    let names: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database where starts_with(datname::text, $1)")
            .bind(prefix)
            .fetch_all(&mut *keeper)
            .await?;
    for name in names.iter().filter(|name| is_leftover(prefix, name, Utc::now())) {
        if lock(keeper, name).await?
            && nobody_is_in(keeper, name).await?
            && let Err(error) = drop_database(keeper, name, "").await
        {
            // Another user's, perhaps: no reason not to go on.
            tracing::debug!(name, %error, "a leftover was not dropped");
        }
    }
    Ok(())
}

/// The name of a database says when it was made: eight digits of the second, and four by chance.
fn name(prefix: &str, now: DateTime<Utc>, chance: u16) -> String {
    format!("{prefix}{:08x}{chance:04x}", now.timestamp())
}

/// Whether a run of a command may have left what is called so, as [`Scratch::name`] is.
pub(crate) fn is_leftover_of(command: &str, name: &str) -> bool {
    is_leftover(&format!("twinwire_{command}_"), name, Utc::now())
}

/// Whether a run may have left it. A database of the user's may well be called `twinwire_demo_new`; and one that was made
/// just now may have nobody in it yet, and its lock stands in another database where a run was asked to use another one.
fn is_leftover(prefix: &str, name: &str, now: DateTime<Utc>) -> bool {
    let Some(rest) = name.strip_prefix(prefix).filter(|rest| rest.len() == 12) else { return false };
    let hex = rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let made = rest.get(..8).and_then(|seconds| i64::from_str_radix(seconds, 16).ok());
    hex && made.is_some_and(|made| now.timestamp() - made > NEW)
}

/// A run that lost its lock with a connection may still be at work.
async fn nobody_is_in(keeper: &mut PgConnection, name: &str) -> anyhow::Result<bool> {
    let nobody = sqlx::query_scalar("select not exists (select from pg_stat_activity where datname = $1)");
    Ok(nobody.bind(name).fetch_one(keeper).await?)
}

/// Without regard to whoever is still connected.
const FORCE: &str = " with (force)";

/// With the role that reads it. The name is ours, of lower-case letters and digits.
async fn drop_database(keeper: &mut PgConnection, name: &str, how: &str) -> anyhow::Result<()> {
    run(keeper, format!("drop database if exists {name}{how}")).await?;
    // A user who may not make roles may not even ask for one to be dropped that is not there.
    let role = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)");
    if role.bind(format!("{name}_reader")).fetch_one(&mut *keeper).await? {
        run(keeper, format!("drop role {name}_reader")).await?;
    }
    Ok(())
}

async fn run(keeper: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(keeper).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_run_of_the_same_command_left_is_swept_away() {
        let made = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(0x6550_0000);
        let name = name("twinwire_demo_", made, 0xaf);
        assert_eq!(name, "twinwire_demo_6550000000af");
        let later = |seconds| made + chrono::TimeDelta::seconds(seconds);
        assert!(is_leftover("twinwire_demo_", &name, later(NEW + 1)));
        assert!(!is_leftover("twinwire_demo_", &name, later(NEW)), "it may have been made just now");
        assert!(!is_leftover("twinwire_chaos_", &name, later(NEW + 1)));
        for other in ["twinwire_demo_new", "twinwire_demo_65500000zzzz", "twinwire_demo_6550000000af1"] {
            assert!(!is_leftover("twinwire_demo_", other, later(NEW + 1)), "{other}");
        }
    }

    #[test]
    fn only_the_database_changes_in_an_address() {
        let within = |url: &str| within(&url.to_owned().into(), "demo_1").unwrap().expose_secret().to_owned();
        assert_eq!(
            within("postgres://a:b@h:5433/old?sslmode=require"),
            "postgres://a:b@h:5433/demo_1?sslmode=require"
        );
        assert_eq!(within("postgres://a@h?dbname=old"), "postgres://a@h/demo_1");
        assert_eq!(within("postgres:///old?host=/run/pg"), "postgres:///demo_1?host=%2Frun%2Fpg");
    }
}
