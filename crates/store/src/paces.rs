//! Budgets of calls that several processes share, by the database's clock.

use crate::Result;
use sqlx::PgExecutor;
use std::time::Duration;

/// Takes the next free place in a budget and gives the wait until then; none when it is further ahead than `ahead`, and
/// then no place is taken. Places are `every` apart; after a quiet time `burst` of them are free at once.
pub async fn reserve(
    conn: impl PgExecutor<'_>,
    key: &str,
    every: Duration,
    burst: u32,
    ahead: Duration,
) -> Result<Option<Duration>> {
    let wait = sqlx::query_scalar!(
        r#"insert into paces as p (key, free_at)
        values ($1, clock_timestamp() - make_interval(secs => $3) + make_interval(secs => $2))
        on conflict (key) do update
            set free_at = greatest(p.free_at, clock_timestamp() - make_interval(secs => $3)) + make_interval(secs => $2)
            where p.free_at <= clock_timestamp() + make_interval(secs => $4)
        returning extract(epoch from free_at - make_interval(secs => $2) - clock_timestamp())::float8 as "wait!""#,
        key,
        every.as_secs_f64(),
        every.as_secs_f64() * f64::from(burst.saturating_sub(1)),
        ahead.as_secs_f64(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(wait.map(|wait| Duration::try_from_secs_f64(wait.max(0.0)).unwrap_or_default()))
}
