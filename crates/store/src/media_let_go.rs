//! Files that no message has any more and that have to be deleted from the store of files.

use crate::Result;
use sqlx::{PgConnection, PgExecutor};

/// A file to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The channel of the message that had it.
    pub channel_id: i64,
    /// The message.
    pub external_id: String,
    /// Where it is in the store.
    pub key: String,
}

/// Writes down a file, in the transaction that takes it from its message.
pub async fn add(conn: &mut PgConnection, channel: i64, external_id: &str, key: &str) -> Result<()> {
    sqlx::query!(
        "insert into media_let_go (channel_id, external_id, key) values ($1, $2, $3) on conflict do nothing",
        channel,
        external_id,
        key
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Files that are still to be deleted.
pub async fn next(conn: impl PgExecutor<'_>, limit: i64) -> Result<Vec<File>> {
    let files = sqlx::query_as!(
        File,
        "select channel_id, external_id, key from media_let_go order by channel_id, external_id, key limit $1",
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(files)
}

/// A file is gone.
pub async fn gone(conn: impl PgExecutor<'_>, file: &File) -> Result<()> {
    sqlx::query!(
        "delete from media_let_go where channel_id = $1 and external_id = $2 and key = $3",
        file.channel_id,
        file.external_id,
        file.key
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a file of a message is to be deleted still.
pub async fn is_pending(conn: impl PgExecutor<'_>, channel: i64, external_id: &str) -> Result<bool> {
    let pending = sqlx::query_scalar!(
        r#"select exists (select from media_let_go where channel_id = $1 and external_id = $2) as "pending!""#,
        channel,
        external_id
    )
    .fetch_one(conn)
    .await?;
    Ok(pending)
}
