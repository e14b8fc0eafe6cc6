//! Endpoints: where other programs want to hear what becomes of messages.

use crate::Result;
use crate::seal::{SealError, SecretKey};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, PgExecutor};

/// Events of an endpoint are counted up to here: so many are more than 10,000.
pub const MOST: i64 = 10_001;

/// An endpoint, as operators see it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Key.
    pub id: i64,
    /// Public id, `ep_…`.
    pub endpoint: String,
    /// Where events are posted to.
    pub url: String,
    /// The types that it wants; all where it is empty.
    pub events: Vec<String>,
    /// The channel of which it wants to hear; all where there is none.
    pub channel: Option<String>,
    /// Whether texts are sent along.
    pub with_body: bool,
    /// active, paused, disabled or deleted.
    pub state: String,
    /// Why it is disabled.
    pub state_reason: Option<String>,
    /// It rests until then.
    pub paused_until: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    pub failures: i32,
    /// The first of them.
    pub failing_since: Option<DateTime<Utc>>,
    /// What was wrong with the last of them.
    pub last_error: Option<String>,
    /// When it last took an event.
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// Events that wait, of which at most [`MOST`] are counted.
    pub pending: i64,
    /// Events that were given up, counted likewise.
    pub failed: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What an endpoint is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewEndpoint<'a> {
    /// Public id.
    pub public_id: &'a str,
    /// Where events are posted to.
    pub url: &'a str,
    /// The types that it wants; all where it is empty.
    pub events: &'a [String],
    /// The channel of which it wants to hear.
    pub channel: Option<i64>,
    /// Whether texts are sent along.
    pub with_body: bool,
}

/// Makes an endpoint whose events are signed with `secret`.
pub async fn insert(
    conn: impl PgExecutor<'_>,
    key: &SecretKey,
    new: NewEndpoint<'_>,
    secret: &SecretString,
) -> Result<()> {
    sqlx::query!(
        "insert into endpoints (public_id, url, sealed_secret, event_types, channel_id, with_body)
        values ($1, $2, $3, $4, $5, $6)",
        new.public_id,
        new.url,
        seal(key, new.public_id, secret)?,
        new.events,
        new.channel,
        new.with_body,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Endpoints that are not deleted, oldest first; only the one of that public id, where one is asked for.
pub async fn list(conn: impl PgExecutor<'_>, public_id: Option<&str>) -> Result<Vec<Endpoint>> {
    let found = sqlx::query_as!(
        Endpoint,
        r#"select e.id, e.public_id as endpoint, e.url, e.event_types as events, c.public_id as "channel?", e.with_body,
            e.state, e.state_reason, e.paused_until, e.failures, e.failing_since, e.last_error, e.last_delivered_at,
            e.created_at,
            (select count(*) from (select from deliveries d
                where d.endpoint_id = e.id and d.state = 'pending' limit $2) n) as "pending!",
            (select count(*) from (select from deliveries d
                where d.endpoint_id = e.id and d.state = 'failed' limit $2) n) as "failed!"
        from endpoints e left join channels c on c.id = e.channel_id
        where e.state <> 'deleted' and ($1::text is null or e.public_id = $1)
        order by e.id"#,
        public_id,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// The secrets with which events of an endpoint are signed: the newest first, and the one before for a while.
pub async fn secrets(conn: impl PgExecutor<'_>, key: &SecretKey, id: i64) -> Result<Vec<SecretString>> {
    let row = sqlx::query!(
        "select public_id, sealed_secret,
            case when old_secret_until > now() then sealed_old_secret end as old
        from endpoints where id = $1",
        id
    )
    .fetch_one(conn)
    .await?;
    let sealed = std::iter::once(row.sealed_secret).chain(row.old);
    sealed.map(|sealed| open(key, &row.public_id, &sealed)).collect()
}

/// Gives an endpoint a new secret. The one before goes on signing until `old_until`.
pub async fn rotate(
    conn: impl PgExecutor<'_>,
    key: &SecretKey,
    public_id: &str,
    secret: &SecretString,
    old_until: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "update endpoints set sealed_old_secret = sealed_secret, old_secret_until = $3, sealed_secret = $2,
            updated_at = now()
        where public_id = $1 and state <> 'deleted'",
        public_id,
        seal(key, public_id, secret)?,
        old_until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Stops an endpoint. What happens meanwhile waits for it.
pub async fn pause(conn: impl PgExecutor<'_>, public_id: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update endpoints set state = 'paused', updated_at = now() where public_id = $1 and state = 'active'",
        public_id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets an endpoint go on at once, whatever made it stop or rest, and what waits for it as well.
pub async fn resume(conn: &mut PgConnection, public_id: &str) -> Result<bool> {
    let id = sqlx::query_scalar!(
        "update endpoints set state = 'active', state_reason = null, paused_until = null, failures = 0,
            failing_since = null, updated_at = now()
        where public_id = $1 and state <> 'deleted' returning id",
        public_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Ok(false) };
    sqlx::query!(
        "update deliveries set next_at = now() where endpoint_id = $1 and state = 'pending' and claimed_by is null",
        id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query("select pg_notify($1, '')").bind(crate::events::DELIVERIES).execute(conn).await?;
    Ok(true)
}

/// Forgets an endpoint: its address and secrets go, what waits for it is cancelled, its story stays.
pub async fn delete(conn: &mut PgConnection, public_id: &str) -> Result<bool> {
    let id = sqlx::query_scalar!(
        "update endpoints set state = 'deleted', url = '', sealed_secret = '', sealed_old_secret = null,
            updated_at = now()
        where public_id = $1 and state <> 'deleted' returning id",
        public_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Ok(false) };
    cancel(conn, id).await?;
    Ok(true)
}

/// Locks an endpoint until the transaction ends. Whoever writes an endpoint and its events takes it first: several calls that
/// end together would each hold an event that another one wants. New events are written beside it.
pub async fn lock(conn: impl PgExecutor<'_>, id: i64) -> Result<()> {
    sqlx::query_scalar!("select id from endpoints where id = $1 for no key update", id)
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// It answered that it is gone: it is sent nothing any more.
pub async fn disable(conn: &mut PgConnection, id: i64, reason: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update endpoints set state = 'disabled', state_reason = $2, updated_at = now()
        where id = $1 and state in ('active', 'paused')",
        id,
        reason
    )
    .execute(&mut *conn)
    .await?;
    cancel(conn, id).await?;
    Ok(done.rows_affected() > 0)
}

/// It took an event. Written only where that is news, or a minute later than it was.
pub async fn worked(conn: impl PgExecutor<'_>, id: i64, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update endpoints set failures = 0, failing_since = null, paused_until = null, last_error = null,
            last_delivered_at = $2
        where id = $1 and (failures > 0 or last_error is not null or last_delivered_at is null
            or last_delivered_at < $2::timestamptz - interval '1 minute')",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It did not take an event. Gives how many failures in a row that makes; none where it rests already: calls that were in
/// flight together and fail together count as one.
pub async fn failed(
    conn: impl PgExecutor<'_>,
    id: i64,
    now: DateTime<Utc>,
    why: &str,
) -> Result<Option<i32>> {
    let failures = sqlx::query_scalar!(
        "update endpoints set failures = failures + case when paused_until > $2 then 0 else 1 end,
            failing_since = coalesce(failing_since, $2), last_error = $3
        where id = $1
        returning case when paused_until > $2 then null else failures end as failures",
        id,
        now,
        why
    )
    .fetch_optional(conn)
    .await?;
    Ok(failures.flatten())
}

/// Lets it rest, unless it rests longer already.
pub async fn rest(conn: impl PgExecutor<'_>, id: i64, until: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update endpoints set paused_until = greatest(paused_until, $2) where id = $1", id, until)
        .execute(conn)
        .await?;
    Ok(())
}

async fn cancel(conn: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!(
        "update deliveries set state = 'cancelled', next_at = null, finished_at = now()
        where endpoint_id = $1 and state = 'pending'",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn seal(key: &SecretKey, public_id: &str, secret: &SecretString) -> Result<Vec<u8>> {
    Ok(key.seal(&owner(public_id), secret.expose_secret().as_bytes())?)
}

fn open(key: &SecretKey, public_id: &str, sealed: &[u8]) -> Result<SecretString> {
    let plain = key.open(&owner(public_id), sealed)?;
    Ok(String::from_utf8(plain).map_err(|_| SealError::Damaged)?.into())
}

fn owner(public_id: &str) -> String {
    format!("endpoints/{public_id}/secret")
}
