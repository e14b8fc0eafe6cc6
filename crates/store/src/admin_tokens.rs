//! Tokens of the admin API: their names, scopes and hashes.

use crate::Result;
use crate::words::{value, word};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

/// How exactly the last use is known.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What a token allows; each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read the metrics, and nothing else.
    Metrics,
    /// Look at everything, messages and customers' numbers among it, but for what people wrote.
    Read,
    /// Do an operator's daily work: read texts, retry, settle, backfill, pause and resume.
    Operate,
    /// Everything, also what cannot be taken back, and other tokens.
    Admin,
}

impl Scope {
    /// Its word, as it stands in commands and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// A token as it stands, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// Key.
    pub id: i64,
    /// Name.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it opens nothing.
    pub revoked_at: Option<DateTime<Utc>>,
}

struct Row {
    id: i64,
    name: String,
    scope: String,
    token_hash: Vec<u8>,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for AdminToken {
    type Error = crate::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            scope: value("admin_tokens.scope", &row.scope)?,
            hash: row.token_hash,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

/// Keeps a new token. None when a token of that name is in use.
pub async fn insert(
    conn: impl PgExecutor<'_>,
    name: &str,
    scope: Scope,
    hash: &[u8],
) -> Result<Option<AdminToken>> {
    sqlx::query_as!(
        Row,
        "insert into admin_tokens (name, scope, token_hash) values ($1, $2, $3)
        on conflict (name) where revoked_at is null do nothing
        returning id, name, scope, token_hash, created_at, last_used_at, revoked_at",
        name,
        word(scope),
        hash
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// The token of that hash that is in use.
pub async fn by_hash(conn: impl PgExecutor<'_>, hash: &[u8]) -> Result<Option<AdminToken>> {
    sqlx::query_as!(
        Row,
        "select id, name, scope, token_hash, created_at, last_used_at, revoked_at
        from admin_tokens where token_hash = $1 and revoked_at is null",
        hash
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Every token, the oldest first, those that were revoked among them.
pub async fn all(conn: impl PgExecutor<'_>) -> Result<Vec<AdminToken>> {
    sqlx::query_as!(
        Row,
        "select id, name, scope, token_hash, created_at, last_used_at, revoked_at from admin_tokens order by id"
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Writes down that a token is used, once a minute at most.
pub async fn used(conn: impl PgExecutor<'_>, token: &AdminToken, now: DateTime<Utc>) -> Result<()> {
    if token.last_used_at.is_some_and(|used| now - used < USED_EVERY) {
        return Ok(());
    }
    sqlx::query!(
        "update admin_tokens set last_used_at = $2
        where id = $1 and (last_used_at is null or last_used_at <= $3)",
        token.id,
        now,
        now - USED_EVERY
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Revokes the token of that name that is in use. None when there is none.
pub async fn revoke(conn: impl PgExecutor<'_>, name: &str, now: DateTime<Utc>) -> Result<Option<AdminToken>> {
    sqlx::query_as!(
        Row,
        "update admin_tokens set revoked_at = $2 where name = $1 and revoked_at is null
        returning id, name, scope, token_hash, created_at, last_used_at, revoked_at",
        name,
        now
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}
