//! Set-ups in progress: sealed answers, resumable from any face, for a day.

use crate::Result;
use crate::seal::{SealError, SecretKey};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgExecutor;
use std::collections::BTreeMap;
use twinwire_core::setting::Settings;
use twinwire_core::setup::{Notes, Progress};

/// A set-up in progress.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Public id, `stp_…`.
    pub id: String,
    /// The pair.
    pub pair: String,
    /// The channel, once there is one.
    pub channel: Option<i64>,
    /// How far it has come.
    pub progress: Progress,
    /// How often it was changed.
    pub version: i64,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
}

/// A progress as it is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    answers: BTreeMap<String, String>,
    notes: Notes,
}

/// Begins one.
pub async fn insert(conn: impl PgExecutor<'_>, key: &SecretKey, setup: &Setup) -> Result<()> {
    let sealed = seal(key, &setup.id, &setup.progress)?;
    sqlx::query!(
        "insert into setups (public_id, pair, channel_id, sealed_progress, version, expires_at)
        values ($1, $2, $3, $4, $5, $6)",
        setup.id,
        setup.pair,
        setup.channel,
        sealed,
        setup.version,
        setup.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One that is not over.
pub async fn get(
    conn: impl PgExecutor<'_>,
    key: &SecretKey,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<Setup>> {
    let row = sqlx::query!(
        "select public_id, pair, channel_id, sealed_progress, version, expires_at from setups
        where public_id = $1 and expires_at > $2",
        id,
        now
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Setup {
            progress: open(key, &row.public_id, &row.sealed_progress)?,
            id: row.public_id,
            pair: row.pair,
            channel: row.channel_id,
            version: row.version,
            expires_at: row.expires_at,
        })
    })
    .transpose()
}

/// Writes how far it has come, unless somebody else was faster. Gives whether it was written.
pub async fn save(conn: impl PgExecutor<'_>, key: &SecretKey, setup: &Setup) -> Result<bool> {
    let sealed = seal(key, &setup.id, &setup.progress)?;
    let done = sqlx::query!(
        "update setups set sealed_progress = $3, channel_id = $4, version = version + 1
        where public_id = $1 and version = $2",
        setup.id,
        setup.version,
        sealed,
        setup.channel
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives a set-up a link, in place of a former one.
pub async fn set_link(conn: impl PgExecutor<'_>, id: &str, link: &str, until: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update setups set link_hash = $2, link_until = $3 where public_id = $1",
        id,
        hash(link),
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a link to a set-up of this pair can still be used. It stays usable.
pub async fn knows_link(
    conn: impl PgExecutor<'_>,
    pair: &str,
    link: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"select exists (select from setups
            where link_hash = $1 and pair = $2 and link_until > $3 and expires_at > $3) as "known!""#,
        hash(link),
        pair,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(known)
}

/// Exchanges a link, once, for a visitor's cookie. Gives the set-up; none where the link is not good any more.
pub async fn spend_link(
    conn: impl PgExecutor<'_>,
    pair: &str,
    link: &str,
    visitor: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    let id = sqlx::query_scalar!(
        "update setups set link_hash = null, link_until = null, visitor_hash = $3
        where link_hash = $1 and pair = $2 and link_until > $4 and expires_at > $4 returning public_id",
        hash(link),
        pair,
        hash(visitor),
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Binds a visitor's cookie to a set-up.
pub async fn set_visitor(conn: impl PgExecutor<'_>, id: &str, visitor: &str) -> Result<()> {
    sqlx::query!("update setups set visitor_hash = $2 where public_id = $1", id, hash(visitor))
        .execute(conn)
        .await?;
    Ok(())
}

/// The set-up of a visitor, by the cookie's hash: the time tells nothing about the cookie.
pub async fn of_visitor(
    conn: impl PgExecutor<'_>,
    pair: &str,
    visitor: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    let id = sqlx::query_scalar!(
        "select public_id from setups where visitor_hash = $1 and pair = $2 and expires_at > $3",
        hash(visitor),
        pair,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Deletes those that are over.
pub async fn forget(conn: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!("delete from setups where expires_at <= $1", now).execute(conn).await?;
    Ok(done.rows_affected())
}

fn seal(key: &SecretKey, id: &str, progress: &Progress) -> Result<Vec<u8>> {
    let answers = progress.answers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let plain = Plain { answers, notes: progress.notes.clone() };
    let json = serde_json::to_vec(&plain).map_err(|_| SealError::Failed)?;
    Ok(key.seal(&owner(id), &json)?)
}

fn open(key: &SecretKey, id: &str, sealed: &[u8]) -> Result<Progress> {
    let json = key.open(&owner(id), sealed)?;
    let plain: Plain = serde_json::from_slice(&json).map_err(|_| SealError::Damaged)?;
    Ok(Progress { answers: Settings::from_iter(plain.answers), notes: plain.notes })
}

fn owner(id: &str) -> String {
    format!("setups/{id}")
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
