//! The replication table, read and written as [`Message`]s.

use crate::words::{value, value_of, word, word_of};
use crate::{Error, Result, events};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::event;
use twinwire_core::model::{Begun, Message};
use twinwire_core::parts::Part;

/// A row as it stands in the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) external_id: String,
    pub(crate) origin: String,
    pub(crate) direction: String,
    pub(crate) external_conversation_id: String,
    pub(crate) sender: String,
    pub(crate) recipient: String,
    pub(crate) body: String,
    pub(crate) data: Value,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) helpdesk_message_id: Option<String>,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) provider_bound_by: Option<String>,
    pub(crate) provider_status: Option<String>,
    pub(crate) provider_error_code: Option<String>,
    pub(crate) provider_error_message: Option<String>,
    pub(crate) provider_updated_at: Option<DateTime<Utc>>,
    pub(crate) helpdesk_status: Option<String>,
    pub(crate) in_flight: Option<String>,
    pub(crate) in_flight_at: Option<DateTime<Utc>>,
    pub(crate) doubt: Option<String>,
    pub(crate) doubt_at: Option<DateTime<Utc>>,
    pub(crate) attempted_at: Option<DateTime<Utc>>,
    pub(crate) failures: i32,
    pub(crate) last_error: Option<String>,
    pub(crate) parked: Option<String>,
    pub(crate) wake_at: Option<DateTime<Utc>>,
    pub(crate) media: Value,
    pub(crate) part: i32,
    pub(crate) parts: i32,
    pub(crate) emptied_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Message {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            origin: value("origin", &row.origin)?,
            direction: value("direction", &row.direction)?,
            bound_by: value_of("provider_bound_by", row.provider_bound_by.as_deref())?,
            provider_status: value_of("provider_status", row.provider_status.as_deref())?,
            helpdesk_status: value_of("helpdesk_status", row.helpdesk_status.as_deref())?,
            in_flight: begun("in_flight", row.in_flight.as_deref(), row.in_flight_at)?,
            doubt: begun("doubt", row.doubt.as_deref(), row.doubt_at)?,
            parked: value_of("parked", row.parked.as_deref())?,
            failures: u32::try_from(row.failures).unwrap_or(0),
            external_id: row.external_id,
            conversation: row.external_conversation_id,
            sender: row.sender,
            recipient: row.recipient,
            body: row.body,
            data: row.data,
            occurred_at: row.occurred_at,
            seen_at: row.created_at,
            media: serde_json::from_value(row.media).map_err(|_| Error::Unreadable("media"))?,
            part: Part { nth: number(row.part), of: number(row.parts) },
            helpdesk_message_id: row.helpdesk_message_id,
            provider_message_id: row.provider_message_id,
            provider_error_code: row.provider_error_code,
            provider_error_message: row.provider_error_message,
            provider_updated_at: row.provider_updated_at,
            attempted_at: row.attempted_at,
            last_error: row.last_error,
            wake_at: row.wake_at,
            emptied_at: row.emptied_at,
        })
    }
}

fn number(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(1)
}

fn places(message: &Message) -> (i32, i32) {
    let place = |value| i32::try_from(value).unwrap_or(i32::MAX);
    (place(message.part.nth), place(message.part.of))
}

fn media(message: &Message) -> Result<Value> {
    serde_json::to_value(&message.media).map_err(|_| Error::Unreadable("media"))
}

fn begun(column: &'static str, act: Option<&str>, at: Option<DateTime<Utc>>) -> Result<Option<Begun>> {
    let act = value_of(column, act)?;
    Ok(act.zip(at).map(|(act, at)| Begun { act, at }))
}

/// A row by its id, locked until the transaction ends.
pub async fn lock(conn: &mut PgConnection, channel: i64, external_id: &str) -> Result<Option<Message>> {
    sqlx::query_as!(
        Row,
        "select external_id, origin, direction, external_conversation_id, sender, recipient, body, data, occurred_at,
            created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status, provider_error_code,
            provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt, doubt_at,
            attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
        from messages where channel_id = $1 and external_id = $2 for update",
        channel,
        external_id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// A row by its id.
pub async fn get(conn: impl PgExecutor<'_>, channel: i64, external_id: &str) -> Result<Option<Message>> {
    sqlx::query_as!(
        Row,
        "select external_id, origin, direction, external_conversation_id, sender, recipient, body, data, occurred_at,
            created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status, provider_error_code,
            provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt, doubt_at,
            attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
        from messages where channel_id = $1 and external_id = $2",
        channel,
        external_id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// A row by the provider's id, locked.
pub async fn lock_by_provider_id(conn: &mut PgConnection, channel: i64, id: &str) -> Result<Option<Message>> {
    sqlx::query_as!(
        Row,
        "select external_id, origin, direction, external_conversation_id, sender, recipient, body, data, occurred_at,
            created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status, provider_error_code,
            provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt, doubt_at,
            attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
        from messages where channel_id = $1 and provider_message_id = $2 for update",
        channel,
        id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// The row that the helpdesk took under `accepted_as`, locked: it has a better id by now.
pub async fn lock_by_helpdesk_id(conn: &mut PgConnection, channel: i64, id: &str) -> Result<Option<Message>> {
    sqlx::query_as!(
        Row,
        "select external_id, origin, direction, external_conversation_id, sender, recipient, body, data, occurred_at,
            created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status, provider_error_code,
            provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt, doubt_at,
            attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
        from messages where channel_id = $1 and helpdesk_message_id = $2 and origin = 'provider' for update",
        channel,
        id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Sends of a conversation whose outcome is not known, locked: an echo may belong to one of them.
pub async fn lock_uncertain(
    conn: &mut PgConnection,
    channel: i64,
    conversation: &str,
) -> Result<Vec<Message>> {
    sqlx::query_as!(
        Row,
        "select external_id, origin, direction, external_conversation_id, sender, recipient, body, data, occurred_at,
            created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status, provider_error_code,
            provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt, doubt_at,
            attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
        from messages
        where channel_id = $1 and external_conversation_id = $2 and origin = 'helpdesk'
            and provider_message_id is null and attempted_at is not null
            and (in_flight = 'deliver' or doubt = 'deliver')
        order by occurred_at, seq for update",
        channel,
        conversation
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Makes a row, and writes down what that is news of. False when one with its id is there already; that one is not touched.
pub async fn insert(conn: &mut PgConnection, channel: i64, message: &Message) -> Result<bool> {
    let (part, parts) = places(message);
    let done = sqlx::query!(
        "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
            body, data, occurred_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, last_error, parked, wake_at, created_at,
            media, part, parts)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
            $24)
        on conflict (channel_id, external_id) do nothing",
        channel,
        message.external_id,
        word(message.origin),
        word(message.direction),
        message.conversation,
        message.sender,
        message.recipient,
        message.body,
        message.data,
        message.occurred_at,
        message.helpdesk_message_id,
        message.provider_message_id,
        word_of(message.bound_by),
        word_of(message.provider_status),
        message.provider_error_code,
        message.provider_error_message,
        message.provider_updated_at,
        message.last_error,
        word_of(message.parked),
        message.wake_at,
        message.seen_at,
        media(message)?,
        part,
        parts,
    )
    .execute(&mut *conn)
    .await?;
    let made = done.rows_affected() > 0;
    if made {
        events::record(conn, channel, &message.external_id, &event::between(None, message)).await?;
    }
    Ok(made)
}

/// Writes a row that was locked as `before` and has changed, and what that is news of: there is no other way to write a
/// row, so no transition goes untold. What a message is by birth (origin, direction, conversation) stays.
pub async fn update(
    conn: &mut PgConnection,
    channel: i64,
    before: &Message,
    message: &Message,
) -> Result<()> {
    sqlx::query!(
        "update messages set sender = $3, recipient = $4, body = $5, data = $6, occurred_at = $7,
            helpdesk_message_id = $8, provider_message_id = $9, provider_bound_by = $10, provider_status = $11,
            provider_error_code = $12, provider_error_message = $13, provider_updated_at = $14, helpdesk_status = $15,
            in_flight = $16, in_flight_at = $17, doubt = $18, doubt_at = $19, attempted_at = $20, failures = $21,
            last_error = $22, parked = $23, wake_at = $24, media = $25, row_updated_at = now()
        where channel_id = $1 and external_id = $2",
        channel,
        message.external_id,
        message.sender,
        message.recipient,
        message.body,
        message.data,
        message.occurred_at,
        message.helpdesk_message_id,
        message.provider_message_id,
        word_of(message.bound_by),
        word_of(message.provider_status),
        message.provider_error_code,
        message.provider_error_message,
        message.provider_updated_at,
        word_of(message.helpdesk_status),
        word_of(message.in_flight.map(|begun| begun.act)),
        message.in_flight.map(|begun| begun.at),
        word_of(message.doubt.map(|begun| begun.act)),
        message.doubt.map(|begun| begun.at),
        message.attempted_at,
        i32::try_from(message.failures).unwrap_or(i32::MAX),
        message.last_error,
        word_of(message.parked),
        message.wake_at,
        media(message)?,
    )
    .execute(&mut *conn)
    .await?;
    events::record(conn, channel, &message.external_id, &event::between(Some(before), message)).await
}

/// Whether an earlier part of the same text was put aside.
pub async fn is_broken_off(conn: impl PgExecutor<'_>, channel: i64, message: &Message) -> Result<bool> {
    let (part, _) = places(message);
    let broken = sqlx::query_scalar!(
        r#"select exists (
            select 1 from messages
            where channel_id = $1 and helpdesk_message_id = $2 and external_conversation_id = $3 and part < $4
                and origin = 'helpdesk' and parked is not null
        ) as "broken!""#,
        channel,
        message.helpdesk_message_id,
        message.conversation,
        part
    )
    .fetch_one(conn)
    .await?;
    Ok(broken)
}

/// Our ids of the later parts of the same text that were put aside because of an earlier one.
pub async fn left_behind(conn: impl PgExecutor<'_>, channel: i64, message: &Message) -> Result<Vec<String>> {
    let (part, _) = places(message);
    let ids = sqlx::query_scalar!(
        "select external_id from messages
        where channel_id = $1 and helpdesk_message_id = $2 and external_conversation_id = $3 and part > $4
            and origin = 'helpdesk' and parked = 'incomplete'
        order by part",
        channel,
        message.helpdesk_message_id,
        message.conversation,
        part
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
