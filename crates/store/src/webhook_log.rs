//! The log of genuine requests, and the count of refused ones.

use crate::Result;
use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};

/// A request as received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// From which vendor.
    pub connector: &'a str,
    /// On which hook.
    pub hook: &'a str,
    /// For which channel.
    pub channel: i64,
    /// The vendor's word for the event.
    pub event: &'a str,
    /// Method.
    pub method: &'a str,
    /// URL.
    pub url: &'a str,
    /// Content type.
    pub content_type: Option<&'a str>,
    /// Body.
    pub body: &'a [u8],
    /// The status answered.
    pub status: u16,
}

/// Logs a request, in the transaction that folds it.
pub async fn insert(conn: &mut PgConnection, received: Received<'_>) -> Result<()> {
    sqlx::query!(
        "insert into webhook_log (received_at, connector, hook, channel_id, event, method, url, content_type, body, status)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        received.at,
        received.connector,
        received.hook,
        received.channel,
        received.event,
        received.method,
        received.url,
        received.content_type,
        received.body,
        i32::from(received.status),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to the count of refused requests.
pub async fn count_refused(
    conn: impl PgExecutor<'_>,
    day: NaiveDate,
    connector: &str,
    hook: &str,
    reason: &str,
    count: i64,
) -> Result<()> {
    sqlx::query!(
        "insert into webhook_refusals as r (day, connector, hook, reason, count) values ($1, $2, $3, $4, $5)
        on conflict (day, connector, hook, reason) do update set count = r.count + excluded.count",
        day,
        connector,
        hook,
        reason,
        count
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the partitions of yesterday, today and the next days. Requests outside of them go to the default partition.
pub async fn make_partitions(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    for days in 0..4 {
        let day = now.date_naive() + Days::new(days) - Days::new(1);
        sqlx::query!("select create_webhook_log_partition($1)", day).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Drops what is older than `days`. Gives how many days went.
pub async fn retain(conn: &mut PgConnection, now: DateTime<Utc>, days: u64) -> Result<i32> {
    let before = now.date_naive() - Days::new(days);
    let dropped = sqlx::query_scalar!("select drop_webhook_log_before($1)", before).fetch_one(conn).await?;
    Ok(dropped.unwrap_or(0))
}
