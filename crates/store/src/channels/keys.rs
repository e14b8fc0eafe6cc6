//! The key by which a channel's requests are known: its hash to find the channel by, and the key itself, sealed.

use crate::Result;
use crate::seal::SecretKey;
use sha2::{Digest, Sha256};
use sqlx::PgExecutor;

/// The key of a channel, for its operator.
pub async fn api_key(conn: impl PgExecutor<'_>, key: &SecretKey, id: i64, public_id: &str) -> Result<String> {
    let sealed =
        sqlx::query_scalar!("select sealed_api_key from channels where id = $1", id).fetch_one(conn).await?;
    let plain = key.open(&owner(public_id), &sealed)?;
    String::from_utf8(plain).map_err(|_| crate::seal::SealError::Damaged.into())
}

/// Gives a channel another key: from now on the old one opens nothing.
pub async fn replace_api_key(
    conn: impl PgExecutor<'_>,
    key: &SecretKey,
    id: i64,
    public_id: &str,
    api_key: &str,
) -> Result<()> {
    let sealed = key.seal(&owner(public_id), api_key.as_bytes())?;
    sqlx::query!(
        "update channels set api_key_hash = $2, sealed_api_key = $3, updated_at = now() where id = $1",
        id,
        &hash(api_key),
        sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of a key is stored.
pub type KeyHash = [u8; 32];

/// What of a key is stored: so the time that looking for it takes tells nothing about the key.
pub fn hash(api_key: &str) -> KeyHash {
    Sha256::digest(api_key.as_bytes()).into()
}

/// Whose secret the sealed key is.
pub(super) fn owner(public_id: &str) -> String {
    format!("channels/{public_id}/api_key")
}
