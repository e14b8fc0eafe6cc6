//! What the provider has: one record per message, joined from all evidence about it.

use crate::words::{value, value_of, word, word_of};
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::observe::AtProvider;

/// A record as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Everything that the evidence says.
    pub seen: AtProvider,
    /// The channel whose row it is.
    pub channel: Option<i64>,
    /// It waits for a send of unknown outcome to be settled.
    pub held: bool,
    /// Its text was let go, and so is what evidence shows of it.
    pub emptied: bool,
}

/// What joining did to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Inserted,
    /// It says more than before.
    Updated,
    /// Nothing new.
    None,
}

struct Row {
    provider_message_id: String,
    direction: String,
    sender: String,
    recipient: String,
    body: Option<String>,
    files: Value,
    said: Option<String>,
    status: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    date_created: Option<DateTime<Utc>>,
    date_sent: Option<DateTime<Utc>>,
    date_updated: Option<DateTime<Utc>>,
    reference: Option<String>,
    data: Option<Value>,
    channel_id: Option<i64>,
    held: bool,
    emptied_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Record {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            channel: row.channel_id,
            held: row.held,
            emptied: row.emptied_at.is_some(),
            seen: AtProvider {
                id: row.provider_message_id,
                direction: value("provider_messages.direction", &row.direction)?,
                from: row.sender,
                to: row.recipient,
                body: row.body,
                files: serde_json::from_value(row.files)
                    .map_err(|_| Error::Unreadable("provider_messages.files"))?,
                said: value_of("provider_messages.said", row.said.as_deref())?,
                status: value_of("provider_messages.status", row.status.as_deref())?,
                error_code: row.error_code,
                error_message: row.error_message,
                created_at: row.date_created,
                sent_at: row.date_sent,
                updated_at: row.date_updated,
                reference: row.reference,
                data: row.data,
            },
        })
    }
}

fn files(seen: &AtProvider) -> Result<Value> {
    serde_json::to_value(&seen.files).map_err(|_| Error::Unreadable("provider_messages.files"))
}

/// A record by its id.
pub async fn get(conn: impl PgExecutor<'_>, account: i64, id: &str) -> Result<Option<Record>> {
    sqlx::query_as!(
        Row,
        "select provider_message_id, direction, sender, recipient, body, files, said, status, error_code, error_message,
            date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
        from provider_messages where account_id = $1 and provider_message_id = $2",
        account,
        id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Joins evidence into the record of its message and gives the whole record, locked until the transaction ends. That
/// lock is what puts all evidence about one message in line.
pub async fn join(conn: &mut PgConnection, account: i64, seen: &AtProvider) -> Result<(Record, Change)> {
    if insert(conn, account, seen).await? {
        return Ok((
            Record { seen: seen.clone(), channel: None, held: false, emptied: false },
            Change::Inserted,
        ));
    }
    let before = lock(conn, account, &seen.id).await?;
    let joined = if before.emptied {
        before.seen.clone().join(bare(seen, &before.seen))
    } else {
        before.seen.clone().join(seen.clone())
    };
    if joined == before.seen {
        return Ok((before, Change::None));
    }
    update(conn, account, &joined).await?;
    Ok((Record { seen: joined, ..before }, Change::Updated))
}

/// What is still told by evidence about a message that was let go: how far it got and when, and nothing about people.
fn bare(seen: &AtProvider, before: &AtProvider) -> AtProvider {
    AtProvider {
        from: before.from.clone(),
        to: before.to.clone(),
        body: None,
        files: before.files.clone(),
        error_message: None,
        reference: None,
        data: None,
        ..seen.clone()
    }
}

async fn insert(conn: &mut PgConnection, account: i64, seen: &AtProvider) -> Result<bool> {
    let done = sqlx::query!(
        "insert into provider_messages (account_id, provider_message_id, direction, sender, recipient, body, files, said, status,
            error_code, error_message, date_created, date_sent, date_updated, reference, data)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict do nothing",
        account,
        seen.id,
        word(seen.direction),
        seen.from,
        seen.to,
        seen.body,
        files(seen)?,
        word_of(seen.said),
        word_of(seen.status),
        seen.error_code,
        seen.error_message,
        seen.created_at,
        seen.sent_at,
        seen.updated_at,
        seen.reference,
        seen.data,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn lock(conn: &mut PgConnection, account: i64, id: &str) -> Result<Record> {
    sqlx::query_as!(
        Row,
        "select provider_message_id, direction, sender, recipient, body, files, said, status, error_code, error_message,
            date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
        from provider_messages where account_id = $1 and provider_message_id = $2 for update",
        account,
        id
    )
    .fetch_one(conn)
    .await?
    .try_into()
}

async fn update(conn: &mut PgConnection, account: i64, seen: &AtProvider) -> Result<()> {
    sqlx::query!(
        "update provider_messages set sender = $3, recipient = $4, body = $5, files = $6, said = $7, status = $8,
            error_code = $9, error_message = $10, date_created = $11, date_sent = $12, date_updated = $13,
            reference = $14, data = $15, row_updated_at = now()
        where account_id = $1 and provider_message_id = $2",
        account,
        seen.id,
        seen.from,
        seen.to,
        seen.body,
        files(seen)?,
        word_of(seen.said),
        word_of(seen.status),
        seen.error_code,
        seen.error_message,
        seen.created_at,
        seen.sent_at,
        seen.updated_at,
        seen.reference,
        seen.data,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down which channel's row a record is, or that it waits.
pub async fn set_place(
    conn: &mut PgConnection,
    account: i64,
    id: &str,
    channel: Option<i64>,
    held: bool,
) -> Result<()> {
    sqlx::query!(
        "update provider_messages set channel_id = $3, held = $4
        where account_id = $1 and provider_message_id = $2 and (channel_id is distinct from $3 or held <> $4)",
        account,
        id,
        channel,
        held
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Messages from our address to one person that are no row yet, oldest first: what a send of unknown outcome may be.
/// Evidence that does not show the sender may be ours.
pub async fn unbound(
    conn: &mut PgConnection,
    account: i64,
    ours: &str,
    recipient: &str,
) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = sqlx::query_as!(
        Row,
        "select provider_message_id, direction, sender, recipient, body, files, said, status, error_code, error_message,
            date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
        from provider_messages
        where account_id = $1 and recipient = $3 and sender in ($2, '') and channel_id is null
            and direction = 'outbound' and emptied_at is null
        order by date_created desc nulls first, provider_message_id limit 1000",
        account,
        ours,
        recipient
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect::<Result<_>>()?;
    records.reverse();
    Ok(records)
}

/// Outgoing messages younger than `since` whose fate is open and that have not been read since `unread_since`.
pub async fn open(
    conn: impl PgExecutor<'_>,
    account: i64,
    since: DateTime<Utc>,
    unread_since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        "select provider_message_id from provider_messages
        where account_id = $1 and channel_id is not null and direction = 'outbound'
            and status in ('accepted', 'queued', 'sending', 'sent')
            and coalesce(date_created, created_at) > $2 and coalesce(checked_at, created_at) < $3
        order by checked_at nulls first limit $4",
        account,
        since,
        unread_since,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// A message whose fate is open has been read again.
pub async fn set_checked(
    conn: impl PgExecutor<'_>,
    account: i64,
    id: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update provider_messages set checked_at = $3 where account_id = $1 and provider_message_id = $2",
        account,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
