//! A database for one run: made at the start, dropped at the end. The user's own is never touched.

use crate::config::Config;
use crate::database::{Database, Place};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use twinwire_store::seal::SecretKey;

/// What the names of these databases begin with. No character of it needs quoting or stands for others in `like`.
const PREFIX: &str = "twinwire_demo_";
const MAY_NOT: &str = "the demo makes a database of its own and may not: let the user of DATABASE_URL create \
                       databases (alter role … createdb createrole), or run it without DATABASE_URL";

/// The database of a run.
pub(super) struct Scratch {
    /// The database, open.
    pub(super) database: Database,
    name: String,
    home: SecretString,
    /// Holds the lock that says that the database is in use.
    keeper: PgConnection,
}

impl Scratch {
    /// Makes a database, and drops those of runs that were killed.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let mut place = Place::find(config, &config.data_dir.join("demo")).await?;
        let home = place.url.clone();
        let mut keeper = connect(&home).await?;
        sweep(&mut keeper).await?;
        let name = format!("{PREFIX}{:012x}", rand::random::<u64>() >> 16);
        // Locked before it is there, so that no other run can take it for a leftover.
        lock(&mut keeper, &name).await?;
        run(&mut keeper, format!("create database {name}")).await.context(MAY_NOT)?;
        place.url = within(&home, &name)?;
        let key = SecretKey::from_text(&SecretKey::text_of(rand::random()))?;
        let database = Database::at(place, key).await?;
        Ok(Self { database, name, home, keeper })
    }

    /// Drops the database, and stops Twinwire's own Postgres if nobody else uses it.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        self.database.pool.close().await;
        let mut dropped = drop_database(&mut self.keeper, &self.name).await;
        if dropped.is_err() {
            // A connection that was idle for long may have been cut.
            dropped = drop_database(&mut connect(&self.home).await?, &self.name).await;
        }
        self.database.close().await?;
        dropped
    }
}

async fn connect(url: &SecretString) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    let options = options.application_name("twinwire demo").disable_statement_logging();
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

async fn sweep(keeper: &mut PgConnection) -> anyhow::Result<()> {
    let names: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database where starts_with(datname::text, $1)")
            .bind(PREFIX)
            .fetch_all(&mut *keeper)
            .await?;
    let ours =
        |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    for name in names.iter().filter(|name| ours(name)) {
        if lock(keeper, name).await?
            && let Err(error) = drop_database(keeper, name).await
        {
            // Another user's, perhaps: no reason not to go on.
            tracing::debug!(name, %error, "a leftover was not dropped");
        }
    }
    Ok(())
}

/// With the role that reads it. The name is ours, of lower-case letters and digits.
async fn drop_database(keeper: &mut PgConnection, name: &str) -> anyhow::Result<()> {
    run(keeper, format!("drop database if exists {name} with (force)")).await?;
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
