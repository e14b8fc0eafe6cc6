//! Accounts: credentials for one vendor, sealed, and their pauses.

use crate::seal::{SealError, SecretKey};
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use std::collections::BTreeMap;
use twinwire_core::setting::{Settings, Verification};

/// Why an account rests that sends too fast.
pub const THROTTLED: &str = "throttled";
/// Why an account rests whose messages are refused for its credentials (or because it cannot pay).
pub const REFUSED: &str = "credentials refused";
/// Why one rests that may not even be read.
pub const REFUSED_TO_READ: &str = "credentials refused to read";
/// Why one rests whose vendor answers nobody.
pub const AWAY: &str = "does not answer";
/// Refusals in a row after which an account's channels are shown as not working: one may be a slip of the vendor.
pub const SHOWN_AFTER: i32 = 2;

/// An account as it stands.
#[derive(Clone, Debug)]
pub struct Account {
    /// Key.
    pub id: i64,
    /// Public id, `acc_…`.
    pub public_id: String,
    /// The vendor.
    pub connector: String,
    /// The answers of its set-up, opened.
    pub settings: Settings,
    /// It rests until then.
    pub paused_until: Option<DateTime<Utc>>,
    /// Why it rests.
    pub pause_reason: Option<String>,
    /// Refusals in a row.
    pub pauses: i32,
    /// Everything that the vendor had up to then has been read.
    pub polled_until: Option<DateTime<Utc>>,
    /// What becomes of its webhooks that are not signed as they should be.
    pub verification: Verification,
}

struct Stored {
    id: i64,
    public_id: String,
    connector: String,
    sealed_settings: Vec<u8>,
    paused_until: Option<DateTime<Utc>>,
    pause_reason: Option<String>,
    pauses: i32,
    polled_until: Option<DateTime<Utc>>,
    verification: String,
}

impl Account {
    /// Whether it can be used, as far as its credentials go.
    pub fn works(&self) -> bool {
        let refused = matches!(self.pause_reason.as_deref(), Some(REFUSED | REFUSED_TO_READ));
        !(refused && self.pauses >= SHOWN_AFTER)
    }
}

impl Stored {
    fn open(self, key: &SecretKey) -> Result<Account> {
        Ok(Account {
            settings: open_settings(key, &self.public_id, &self.sealed_settings)?,
            id: self.id,
            public_id: self.public_id,
            connector: self.connector,
            paused_until: self.paused_until,
            pause_reason: self.pause_reason,
            pauses: self.pauses,
            polled_until: self.polled_until,
            verification: crate::words::value("accounts.verification", &self.verification)?,
        })
    }
}

/// Makes an account, or renews the settings of the one with the same identity. Gives its key.
pub async fn put(
    conn: &mut PgConnection,
    key: &SecretKey,
    public_id: &str,
    connector: &str,
    identity: Option<&str>,
    settings: &Settings,
) -> Result<i64> {
    let existing = sqlx::query!(
        "select id, public_id, sealed_settings from accounts where connector = $1 and identity = $2 for update",
        connector,
        identity
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(account) = existing {
        // An answer that is left out stays as it was: a second number set up without the signing key must not take the
        // webhooks of the first away.
        let settings = open_settings(key, &account.public_id, &account.sealed_settings)?.overlaid(settings);
        renew(conn, key, account.id, &account.public_id, &settings).await?;
        return Ok(account.id);
    }
    let sealed = seal_settings(key, public_id, settings)?;
    let id = sqlx::query_scalar!(
        "insert into accounts (public_id, connector, identity, sealed_settings) values ($1, $2, $3, $4) returning id",
        public_id,
        connector,
        identity,
        sealed
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Lays answers over those of an account. Gives nothing where there are none.
pub async fn overlay(conn: &mut PgConnection, key: &SecretKey, id: i64, answers: &Settings) -> Result<()> {
    if answers.iter().next().is_none() {
        return Ok(());
    }
    lock(conn, id).await?;
    let account = get(&mut *conn, key, id).await?;
    renew(conn, key, id, &account.public_id, &account.settings.overlaid(answers)).await
}

/// Replaces the answers of an account.
pub async fn replace(conn: &mut PgConnection, key: &SecretKey, id: i64, answers: &Settings) -> Result<()> {
    lock(conn, id).await?;
    let account = get(&mut *conn, key, id).await?;
    renew(conn, key, id, &account.public_id, answers).await
}

/// Keeps everybody else from changing an account until the end of the transaction: to be taken before its settings are
/// read for a change.
pub async fn lock(conn: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!("select id from accounts where id = $1 for update", id).fetch_one(conn).await?;
    Ok(())
}

/// What makes an account the same account at the vendor; none where every channel has one of its own.
pub async fn identity(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("select identity from accounts where id = $1", id).fetch_one(conn).await?)
}

/// Replaces the settings of an account and ends its pause: new credentials deserve a new try.
async fn renew(
    conn: &mut PgConnection,
    key: &SecretKey,
    id: i64,
    public_id: &str,
    settings: &Settings,
) -> Result<()> {
    let sealed = seal_settings(key, public_id, settings)?;
    sqlx::query!(
        "update accounts set sealed_settings = $2, paused_until = null, pause_reason = null, pauses = 0, updated_at = now()
        where id = $1",
        id,
        sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One account.
pub async fn get(conn: impl PgExecutor<'_>, key: &SecretKey, id: i64) -> Result<Account> {
    let stored = sqlx::query_as!(
        Stored,
        "select id, public_id, connector, sealed_settings, paused_until, pause_reason, pauses, polled_until,
            verification
        from accounts where id = $1",
        id
    )
    .fetch_one(conn)
    .await?;
    stored.open(key)
}

/// An account as operators see it: nothing of its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Key.
    pub id: i64,
    /// Public id, `acc_…`.
    pub public_id: String,
    /// The vendor.
    pub connector: String,
    /// It rests until then.
    pub paused_until: Option<DateTime<Utc>>,
    /// Why it rests, or did last while that is not known to be over.
    pub pause_reason: Option<String>,
    /// Refusals in a row.
    pub pauses: i32,
    /// Everything that the vendor had up to then has been read.
    pub polled_until: Option<DateTime<Utc>>,
    /// What becomes of its webhooks that are not signed as they should be: `enforce` or `log_only`.
    pub verification: String,
    /// Public ids of the channels that it serves, those that were removed left out.
    pub channels: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Every account, or the one of that public id.
pub async fn shown(conn: impl PgExecutor<'_>, public_id: Option<&str>) -> Result<Vec<Shown>> {
    let rows = sqlx::query_as!(
        Shown,
        r#"select a.id, a.public_id, a.connector, a.paused_until, a.pause_reason, a.pauses, a.polled_until,
            a.verification, a.created_at,
            array(select c.public_id from channels c
                where a.id in (c.helpdesk_account_id, c.provider_account_id) and c.state <> 'deleted'
                order by c.id) as "channels!"
        from accounts a where $1::text is null or a.public_id = $1 order by a.id"#,
        public_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Lets an account rest, for every process, unless it already rests longer. Calls that were in flight together and are
/// refused together count as one, another reason begins anew, and being throttled does not hide that the credentials are
/// refused. Gives whether the reason is news.
pub async fn pause(
    conn: impl PgExecutor<'_>,
    id: i64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    reason: &str,
) -> Result<bool> {
    let news = sqlx::query_scalar!(
        r#"with before as (select id, pause_reason from accounts where id = $1 for update)
        update accounts a set paused_until = greatest(a.paused_until, $3), updated_at = now(),
            pause_reason = case when $4 = $5 and a.pause_reason in ($6, $7) then a.pause_reason else $4 end,
            pauses = case when $4 <> $5 and a.pause_reason is distinct from $4 then 1
                else a.pauses + case when a.paused_until > $2 then 0 else 1 end end
        from before where a.id = before.id
        returning before.pause_reason is distinct from a.pause_reason as "news!""#,
        id,
        now,
        until,
        reason,
        THROTTLED,
        REFUSED,
        REFUSED_TO_READ
    )
    .fetch_optional(conn)
    .await?;
    Ok(news.unwrap_or(false))
}

/// A call of the account that began at `began` has worked: it does not rest any more, unless it was paused since. Writes
/// nothing when it did not rest.
pub async fn resume(conn: impl PgExecutor<'_>, id: i64, began: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "update accounts set paused_until = null, pause_reason = null, pauses = 0, updated_at = now()
        where id = $1 and pauses > 0 and (paused_until is null or paused_until <= $2)",
        id,
        began
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether a message waits to be brought to the account's side.
pub async fn has_to_deliver(conn: impl PgExecutor<'_>, id: i64) -> Result<bool> {
    let waits = sqlx::query_scalar!(
        r#"select exists (
            select 1 from channels c join messages m on m.channel_id = c.id
            where c.state = 'active' and m.wake_at is not null
                and ((c.provider_account_id = $1 and m.origin = 'helpdesk')
                    or (c.helpdesk_account_id = $1 and m.origin = 'provider'))
        ) as "waits!""#,
        id
    )
    .fetch_one(conn)
    .await?;
    Ok(waits)
}

/// Whatever made the account rest is over: its channel was connected anew.
pub async fn end_pause(conn: impl PgExecutor<'_>, id: i64) -> Result<()> {
    sqlx::query!(
        "update accounts set paused_until = null, pause_reason = null, pauses = 0, updated_at = now()
        where id = $1 and pauses > 0",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An operator ends its rest. Gives whether it rested. The refusals in a row are still counted, so that a helpdesk does not
/// show a channel as working before a call has worked.
pub async fn end_rest(conn: impl PgExecutor<'_>, id: i64) -> Result<bool> {
    let done = sqlx::query!(
        "update accounts set paused_until = null, updated_at = now() where id = $1 and paused_until > now()",
        id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Everything that the vendor had up to `until` has been read.
pub async fn set_polled(conn: impl PgExecutor<'_>, id: i64, until: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update accounts set polled_until = greatest(polled_until, $2) where id = $1", id, until)
        .execute(conn)
        .await?;
    Ok(())
}

fn seal_settings(key: &SecretKey, public_id: &str, settings: &Settings) -> Result<Vec<u8>> {
    let plain: BTreeMap<&str, &str> = settings.iter().collect();
    let json = serde_json::to_vec(&plain).map_err(|_| SealError::Failed)?;
    Ok(key.seal(&owner(public_id), &json)?)
}

fn open_settings(key: &SecretKey, public_id: &str, sealed: &[u8]) -> Result<Settings> {
    let json = key.open(&owner(public_id), sealed)?;
    let plain: BTreeMap<String, String> =
        serde_json::from_slice(&json).map_err(|_| Error::Seal(SealError::Damaged))?;
    Ok(plain.into_iter().collect())
}

fn owner(public_id: &str) -> String {
    format!("accounts/{public_id}")
}
