//! The schema, applied in order under an advisory lock: several processes may start at once.

use crate::views::{self, Published};
use crate::{Result, webhook_log};
use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Every migration of this build. sqlx takes an advisory lock while it applies them.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Serialises what follows the migrations (views, partitions), which several processes may start at once.
const LOCK: i64 = 0x7477_696e_7769_7265;

/// Brings the schema up to date: migrations, published views, today's partitions. Gives how many migrations were new.
pub async fn run(pool: &PgPool, published: &[Published], now: DateTime<Utc>) -> Result<usize> {
    let before = applied(pool).await?;
    MIGRATOR.run(pool).await?;
    let mut tx = pool.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
    views::publish(&mut tx, published).await?;
    webhook_log::make_partitions(&mut tx, now).await?;
    tx.commit().await?;
    Ok(MIGRATOR.iter().count().saturating_sub(before))
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
