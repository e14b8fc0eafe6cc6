//! Connecting to the database.

use crate::Result;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::time::Duration;

/// Oldest server that is supported.
pub const OLDEST_SERVER: i32 = 140_000;

/// Opens a pool. The first connection is made at once, so that a wrong address shows here.
///
/// # Errors
/// When the database cannot be reached within ten seconds.
pub async fn connect(url: &str, size: u32) -> Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.application_name("twinwire"))
        .await?;
    Ok(pool)
}

/// The server's version, as 150018 for 15.18.
pub async fn server_version(pool: &PgPool) -> Result<i32> {
    let version: String = sqlx::query_scalar("show server_version_num").fetch_one(pool).await?;
    Ok(version.parse().unwrap_or(0))
}
