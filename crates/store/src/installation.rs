//! Facts about the installation as a whole.

use crate::seal::SecretKey;
use crate::{Error, Result};
use sqlx::PgConnection;

const KEY_CHECK: &str = "key_check";
const PUBLIC_URL: &str = "public_url";
const LISTENING: &str = "listening";

/// Reads a fact.
pub async fn get(conn: &mut PgConnection, name: &str) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select value from installation where name = $1", name)
        .fetch_optional(conn)
        .await?)
}

/// Writes a fact, unless it stands there already.
pub async fn set(conn: &mut PgConnection, name: &str, value: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into installation (name, value) values ($1, $2)
        on conflict (name) do update set value = excluded.value, updated_at = now()
        where installation.value <> excluded.value",
        name,
        value
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes sure that `key` is the one that sealed this database; the first key to come becomes it.
///
/// # Errors
/// [`crate::seal::SealError::OtherKey`] with what to do.
pub async fn check_key(conn: &mut PgConnection, key: &SecretKey) -> Result<()> {
    let sealed = key.seal(KEY_CHECK, KEY_CHECK.as_bytes())?;
    sqlx::query!(
        "insert into installation (name, value) values ($1, $2) on conflict do nothing",
        KEY_CHECK,
        sealed
    )
    .execute(&mut *conn)
    .await?;
    let stored = get(conn, KEY_CHECK).await?.unwrap_or_default();
    key.open(KEY_CHECK, &stored).map(drop).map_err(Error::from)
}

/// Where vendors reach this installation, as the last `serve` was told that was told: commands beside it, and a process
/// that is not told, need the same.
pub async fn public_url(conn: &mut PgConnection) -> Result<Option<String>> {
    text(conn, PUBLIC_URL).await
}

/// Where the last `serve` listened that knew no public address: all that commands beside it can go by.
pub async fn listening(conn: &mut PgConnection) -> Result<Option<String>> {
    text(conn, LISTENING).await
}

/// Keeps where a `serve` without a public address listens.
pub async fn set_listening(conn: &mut PgConnection, url: &str) -> Result<()> {
    set(conn, LISTENING, url.as_bytes()).await
}

async fn text(conn: &mut PgConnection, name: &str) -> Result<Option<String>> {
    Ok(get(conn, name).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// Keeps where vendors reach this installation.
pub async fn set_public_url(conn: &mut PgConnection, url: &str) -> Result<()> {
    set(conn, PUBLIC_URL, url.as_bytes()).await
}
