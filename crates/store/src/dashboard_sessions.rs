//! Browsers that are signed in to the dashboard: hashes of what they show, and the token that each stems from.

use crate::Result;
use crate::admin_tokens::Scope;
use crate::words::value;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

/// How exactly the last use is known.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The token that a session stems from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stem {
    /// One of `admin_tokens`, by its key.
    Token(i64),
    /// The server's own, by a keyed hash of it.
    Own([u8; 32]),
}

impl Stem {
    fn token(&self) -> Option<i64> {
        match self {
            Self::Token(id) => Some(*id),
            Self::Own(_) => None,
        }
    }

    fn own(&self) -> Option<&[u8]> {
        match self {
            Self::Token(_) => None,
            Self::Own(mac) => Some(mac),
        }
    }
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token of the table that it stems from: key, name and scope; none where it is the server's own.
    pub token: Option<(i64, String, Scope)>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Opens one.
pub async fn insert(
    conn: impl PgExecutor<'_>,
    hash: &[u8],
    stem: &Stem,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into dashboard_sessions
            (session_hash, admin_token_id, own_token_mac, created_at, last_used_at, expires_at)
        values ($1, $2, $3, $4, $4, $5)",
        hash,
        stem.token(),
        stem.own(),
        now,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The session of that hash, if it is open. `own` is what the server's own token is at present.
pub async fn find(
    conn: impl PgExecutor<'_>,
    hash: &[u8],
    own: Option<&[u8]>,
    now: DateTime<Utc>,
) -> Result<Option<Session>> {
    let row = sqlx::query!(
        r#"select t.id as "id?", t.name as "name?", t.scope as "scope?", s.expires_at
        from dashboard_sessions s left join admin_tokens t on t.id = s.admin_token_id
        where s.session_hash = $1 and s.expires_at > $3
            and case when t.id is null then s.own_token_mac = $2 else t.revoked_at is null end"#,
        hash,
        own,
        now
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let token = match (row.id, row.name, row.scope) {
        (Some(id), Some(name), Some(scope)) => Some((id, name, value("admin_tokens.scope", &scope)?)),
        _ => None,
    };
    Ok(Some(Session { token, expires_at: row.expires_at }))
}

/// Which of these are open still, as far as the database knows: the server's own token may be another by now.
pub async fn open(conn: impl PgExecutor<'_>, hashes: &[Vec<u8>], now: DateTime<Utc>) -> Result<Vec<Vec<u8>>> {
    let open = sqlx::query_scalar!(
        "select s.session_hash from dashboard_sessions s left join admin_tokens t on t.id = s.admin_token_id
        where s.session_hash = any($1) and s.expires_at > $2 and t.revoked_at is null",
        hashes,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(open)
}

/// Writes down that one is used, once a minute at most.
pub async fn used(conn: impl PgExecutor<'_>, hash: &[u8], now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update dashboard_sessions set last_used_at = $2 where session_hash = $1 and last_used_at <= $3",
        hash,
        now,
        now - USED_EVERY
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one.
pub async fn end(conn: impl PgExecutor<'_>, hash: &[u8]) -> Result<()> {
    sqlx::query!("delete from dashboard_sessions where session_hash = $1", hash).execute(conn).await?;
    Ok(())
}

/// Ends every session that stems from the same token. Gives how many.
pub async fn end_all(conn: impl PgExecutor<'_>, stem: &Stem) -> Result<u64> {
    let done = sqlx::query!(
        "delete from dashboard_sessions where admin_token_id = $1 or own_token_mac = $2",
        stem.token(),
        stem.own()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes those that are over.
pub async fn forget(conn: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64> {
    let done =
        sqlx::query!("delete from dashboard_sessions where expires_at <= $1", now).execute(conn).await?;
    Ok(done.rows_affected())
}
