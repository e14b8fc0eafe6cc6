//! Whether an account's webhooks have to be signed as they should be, and how many were taken that were not.

use crate::Result;
use crate::words::word;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgExecutor;
use twinwire_core::setting::Verification;

/// Sets what becomes of an account's webhooks that are not signed as they should be: for every process, from the next one
/// on.
pub async fn set(conn: impl PgExecutor<'_>, account: i64, verification: Verification) -> Result<()> {
    sqlx::query!(
        "update accounts set verification = $2, updated_at = now() where id = $1 and verification <> $2",
        account,
        word(verification)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What becomes of an account's webhooks that are not signed as they should be.
pub async fn get(conn: impl PgExecutor<'_>, account: i64) -> Result<Verification> {
    let stored = sqlx::query_scalar!("select verification from accounts where id = $1", account)
        .fetch_one(conn)
        .await?;
    crate::words::value("accounts.verification", &stored)
}

/// Adds to the count of webhooks that were taken although they were not verified, the last of them at `last_at`.
pub async fn count(
    conn: impl PgExecutor<'_>,
    account: i64,
    reason: &str,
    count: i64,
    last_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into webhook_unverified as u (day, account_id, reason, count, last_at) values ($1, $2, $3, $4, $5)
        on conflict (account_id, day, reason) do update
            set count = u.count + excluded.count, last_at = greatest(u.last_at, excluded.last_at)",
        last_at.date_naive(),
        account,
        reason,
        count,
        last_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes old counts.
pub async fn forget(conn: impl PgExecutor<'_>, before: NaiveDate) -> Result<u64> {
    let done = sqlx::query!("delete from webhook_unverified where day < $1", before).execute(conn).await?;
    Ok(done.rows_affected())
}

/// An account whose webhooks are taken also when they are not signed as they should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogOnly {
    /// Public id.
    pub account: String,
    /// The vendor.
    pub connector: String,
    /// Public ids of the channels that it serves.
    #[serde(skip)]
    pub channels: Vec<String>,
    /// Webhooks taken without being verified, of the days asked for.
    pub unverified: i64,
    /// When the last one came, whenever that was.
    pub last_unverified_at: Option<DateTime<Utc>>,
}

/// Every such account, with what was counted from the day `since` on.
pub async fn log_only(conn: impl PgExecutor<'_>, since: NaiveDate) -> Result<Vec<LogOnly>> {
    let rows = sqlx::query_as!(
        LogOnly,
        r#"select a.public_id as account, a.connector,
            array(select c.public_id from channels c
                where a.id in (c.helpdesk_account_id, c.provider_account_id) order by c.id) as "channels!",
            (select coalesce(sum(u.count), 0)::bigint from webhook_unverified u
                where u.account_id = a.id and u.day >= $1) as "unverified!",
            (select max(u.last_at) from webhook_unverified u where u.account_id = a.id) as last_unverified_at
        from accounts a where a.verification = 'log_only' order by a.id"#,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
