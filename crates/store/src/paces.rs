//! Budgets of calls that several processes share, by the database's clock.

use crate::Result;
use sqlx::PgExecutor;
use std::time::Duration;

/// Takes the next free place in a budget and gives the wait until then. Places are `every` apart; after a quiet time
/// `burst` of them are free at once.
pub async fn reserve(conn: impl PgExecutor<'_>, key: &str, every: Duration, burst: u32) -> Result<Duration> {
    let wait = sqlx::query_scalar!(
        r#"insert into paces as p (key, free_at)
        values ($1, clock_timestamp() - make_interval(secs => $3) + make_interval(secs => $2))
        on conflict (key) do update
            set free_at = greatest(p.free_at, clock_timestamp() - make_interval(secs => $3)) + make_interval(secs => $2)
        returning extract(epoch from free_at - make_interval(secs => $2) - clock_timestamp())::float8 as "wait!""#,
        key,
        every.as_secs_f64(),
        every.as_secs_f64() * f64::from(burst.saturating_sub(1)),
    )
    .fetch_one(conn)
    .await?;
    Ok(Duration::try_from_secs_f64(wait.max(0.0)).unwrap_or_default())
}
