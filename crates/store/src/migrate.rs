//! The schema, applied in order under an advisory lock: several processes may start at once.

use crate::views::{self, Published};
use crate::{Error, Result, lock, webhook_log};
use chrono::{DateTime, Utc};
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection, PgPool};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Every migration of this build. sqlx takes an advisory lock while it applies them. Those of a newer build are left
/// alone: they add what this one does not miss, and it goes on to work beside the newer one, or after it.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!("../../migrations");
    migrator.set_ignore_missing(true);
    migrator
});

/// Serialises what follows the migrations (views, partitions), which several processes may start at once.
const LOCK: i64 = 0x7477_696e_7769_7265;

/// How long another process, or a query that is in the way, is waited for.
const PATIENCE: &str = "set lock_timeout = '60s'";
/// What is brought up to date, in words.
const WHAT: &str = "the schema";

/// How the schema of a database stands against this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none yet.
    Empty,
    /// So many migrations are missing.
    Older(usize),
    /// Everything is there.
    Current,
    /// Everything is there, and more: a newer build has been here.
    Newer,
}

/// Brings the schema up to date: migrations, published views, today's partitions. Gives how many migrations were new.
/// The views of a newer build stay as they are: they may have columns that this one would take away.
pub async fn run(pool: &PgPool, published: &[Published], now: DateTime<Utc>) -> Result<usize> {
    let missing = match standing(pool).await? {
        Standing::Empty => MIGRATOR.iter().count(),
        Standing::Older(missing) => missing,
        Standing::Current | Standing::Newer => 0,
    };
    let mut conn = pool.acquire().await?;
    // Its time limit goes with it.
    conn.close_on_drop();
    sqlx::query(PATIENCE).execute(&mut *conn).await?;
    MIGRATOR.run(&mut *conn).await.map_err(waited)?;
    let newer = compared(&applied(pool).await?) == Standing::Newer;
    let mut tx = conn.begin().await?;
    let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await;
    lock.map_err(|error| lock::held(error, WHAT))?;
    if !newer {
        views::publish(&mut tx, published).await?;
    }
    webhook_log::make_partitions(&mut tx, now).await?;
    tx.commit().await?;
    Ok(missing)
}

/// How the schema stands. Where it seems to be behind, the end of whoever may be renewing it just now is waited for.
pub async fn standing(pool: &PgPool) -> Result<Standing> {
    let found = compared(&applied(pool).await?);
    if matches!(found, Standing::Current | Standing::Newer) {
        return Ok(found);
    }
    let mut conn = pool.acquire().await?;
    // The lock goes with the connection, whatever happens in between.
    conn.close_on_drop();
    sqlx::query(PATIENCE).execute(&mut *conn).await?;
    conn.lock().await.map_err(waited)?;
    let found = applied(pool).await;
    conn.unlock().await?;
    Ok(compared(&found?))
}

/// The error of a migration, in our words where it waited in vain.
fn waited(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) if lock::is_held(&error) => Error::Locked(WHAT),
        error => error.into(),
    }
}

fn compared(applied: &BTreeSet<i64>) -> Standing {
    let known: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    match known.difference(applied).count() {
        0 if applied.is_subset(&known) => Standing::Current,
        0 => Standing::Newer,
        _ if applied.is_disjoint(&known) => Standing::Empty,
        missing => Standing::Older(missing),
    }
}

/// The migrations that were applied.
async fn applied(pool: &PgPool) -> Result<BTreeSet<i64>> {
    let there: Option<String> =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations')::text").fetch_one(pool).await?;
    if there.is_none() {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await?;
    Ok(versions.into_iter().collect())
}
