//! Transactions.

use sqlx::{AssertSqlSafe, PgPool, Postgres, SqlSafeStr, Transaction};

/// Begins a transaction. There is no other way to begin one of a pool's (`clippy.toml`).
///
/// A begin that is given up while the database answers leaves its connection inside of the transaction (sqlx 0.9): the pool
/// takes it for a free one, and what its next user writes by single statements is never committed. So it happens in a task of
/// its own, which nobody gives up; whoever does not wait for it any more has it rolled back.
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    begin_with(pool, "begin".to_owned()).await
}

/// The same with a statement of its own, which begins it.
pub(crate) async fn begin_with(
    pool: &PgPool,
    statement: String,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    // Who gives this up is in nobody's way.
    let conn = pool.acquire().await?;
    let statement = AssertSqlSafe(statement).into_sql_str();
    let begun = tokio::spawn(async move { Transaction::begin(conn, Some(statement)).await });
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}
