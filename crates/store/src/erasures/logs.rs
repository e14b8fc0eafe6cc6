//! Erasing somebody from logged requests, which are searched for them.

use crate::Result;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Where searching the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the last one that was looked at came.
    pub at: DateTime<Utc>,
    /// Its number.
    pub id: i64,
}

/// Empties logged requests in which one of these words occurs, looking at up to `limit` past a place. Gives how many were
/// emptied, and where to go on; none at the end.
pub async fn erase_webhooks(
    conn: &mut PgConnection,
    words: &[String],
    after: Place,
    upto: DateTime<Utc>,
    limit: i64,
) -> Result<(u64, Option<Place>)> {
    let rows = sqlx::query!(
        r#"select w.received_at, w.id, not w.erased and exists (
                select from unnest($4::text[]) word
                where position(convert_to(word, 'UTF8') in w.body) > 0 or position(word in w.url) > 0) as "hit!"
        from webhook_log w
        where w.received_at >= $1 and (w.received_at, w.id) > ($1, $2) and w.received_at <= $3
        order by w.received_at, w.id limit $5"#,
        after.at,
        after.id,
        upto,
        words,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let last = rows.last().map(|row| Place { at: row.received_at, id: row.id });
    let (times, ids): (Vec<_>, Vec<_>) =
        rows.into_iter().filter(|row| row.hit).map(|row| (row.received_at, row.id)).unzip();
    if ids.is_empty() {
        return Ok((0, last));
    }
    sqlx::query!(
        "update webhook_log w set body = '', url = split_part(w.url, '?', 1), erased = true
        from unnest($1::timestamptz[], $2::bigint[]) as hit (at, id)
        where w.received_at = hit.at and w.id = hit.id",
        &times,
        &ids
    )
    .execute(conn)
    .await?;
    Ok((ids.len() as u64, last))
}
