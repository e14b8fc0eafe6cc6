//! The schema, applied in order under an advisory lock: several processes may start at once.

use crate::views::{self, Published};
use crate::{Error, Result, lock, webhook_log};
use chrono::{DateTime, Utc};
use sqlx::migrate::MigrateError;
use sqlx::{Connection, PgPool};

/// Every migration of this build. sqlx takes an advisory lock while it applies them.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Serialises what follows the migrations (views, partitions), which several processes may start at once.
const LOCK: i64 = 0x7477_696e_7769_7265;

/// How long another process, or a query that is in the way, is waited for.
const PATIENCE: &str = "set lock_timeout = '60s'";
/// What is brought up to date, in words.
const WHAT: &str = "the schema";

/// Brings the schema up to date: migrations, published views, today's partitions. Gives how many migrations were new.
pub async fn run(pool: &PgPool, published: &[Published], now: DateTime<Utc>) -> Result<usize> {
    let before = applied(pool).await?;
    let mut conn = pool.acquire().await?;
    // Its time limit goes with it.
    conn.close_on_drop();
    sqlx::query(PATIENCE).execute(&mut *conn).await?;
    MIGRATOR.run(&mut *conn).await.map_err(waited)?;
    let mut tx = conn.begin().await?;
    let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await;
    lock.map_err(|error| lock::held(error, WHAT))?;
    views::publish(&mut tx, published).await?;
    webhook_log::make_partitions(&mut tx, now).await?;
    tx.commit().await?;
    Ok(MIGRATOR.iter().count().saturating_sub(before))
}

/// The error of a migration, in our words where it waited in vain.
fn waited(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) if lock::is_held(&error) => Error::Locked(WHAT),
        error => error.into(),
    }
}

async fn applied(pool: &PgPool) -> Result<usize> {
    let there: Option<String> =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations')::text").fetch_one(pool).await?;
    if there.is_none() {
        return Ok(0);
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(pool).await?;
    Ok(usize::try_from(count).unwrap_or(0))
}
