//! The replication table, read and written as [`Message`]s.

use crate::words::{value, value_of};
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::model::{Begun, Message};
use twinwire_core::parts::Part;

/// A row as it stands in the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) channel_id: i64,
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
            data: row.data.into(),
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

pub(crate) fn places(message: &Message) -> (i32, i32) {
    let place = |value| i32::try_from(value).unwrap_or(i32::MAX);
    (place(message.part.nth), place(message.part.of))
}

pub(crate) fn media(message: &Message) -> Result<Value> {
    serde_json::to_value(&message.media).map_err(|_| Error::Unreadable("media"))
}

fn begun(column: &'static str, act: Option<&str>, at: Option<DateTime<Utc>>) -> Result<Option<Begun>> {
    let act = value_of(column, act)?;
    Ok(act.zip(at).map(|(act, at)| Begun { act, at }))
}

/// A row by its id.
pub async fn get(conn: impl PgExecutor<'_>, channel: i64, external_id: &str) -> Result<Option<Message>> {
    sqlx::query_as!(
        Row,
        "select channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, data, occurred_at,
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

/// Rows by their ids, with their channels. Each is looked up by itself (`lateral`): a plan that joins could read a whole index
/// while the statistics are behind.
pub(crate) async fn load(conn: &mut PgConnection, channels: &[i64], ids: &[String]) -> Result<Vec<Placed>> {
    placed(
        sqlx::query_as!(
            Row,
            "select channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, data,
            occurred_at, created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt,
            doubt_at, attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
            from unnest($1::bigint[], $2::text[]) as w (channel, id) cross join lateral (
                select * from messages where channel_id = w.channel and external_id = w.id limit 1) m",
            channels,
            ids
        )
        .fetch_all(conn)
        .await?,
    )
}

/// The same, locked until the transaction ends, one after the other: where they are given in order, two transactions with
/// the same rows cannot wait for each other.
pub(crate) async fn lock(conn: &mut PgConnection, channels: &[i64], ids: &[String]) -> Result<Vec<Placed>> {
    placed(
        sqlx::query_as!(
            Row,
            "select channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, data,
            occurred_at, created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt,
            doubt_at, attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
            from unnest($1::bigint[], $2::text[]) as w (channel, id) cross join lateral (
                select * from messages where channel_id = w.channel and external_id = w.id limit 1 for update) m",
            channels,
            ids
        )
        .fetch_all(conn)
        .await?,
    )
}

/// Rows by the provider's ids, locked.
pub(crate) async fn lock_by_provider_id(
    conn: &mut PgConnection,
    channels: &[i64],
    ids: &[String],
) -> Result<Vec<Placed>> {
    placed(
        sqlx::query_as!(
            Row,
            "select channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, data,
            occurred_at, created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt,
            doubt_at, attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
            from unnest($1::bigint[], $2::text[]) as w (channel, id) cross join lateral (
                select * from messages where channel_id = w.channel and provider_message_id = w.id limit 1 for update) m",
            channels,
            ids
        )
        .fetch_all(conn)
        .await?,
    )
}

/// The row that the helpdesk took under that id, locked: it has a better id by now.
pub(crate) async fn lock_by_helpdesk_id(
    conn: &mut PgConnection,
    channel: i64,
    id: &str,
) -> Result<Vec<Placed>> {
    placed(
        sqlx::query_as!(
            Row,
            "select channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, data,
            occurred_at, created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt,
            doubt_at, attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
            from messages where channel_id = $1 and helpdesk_message_id = $2 and origin = 'provider' for update",
            channel,
            id
        )
        .fetch_all(conn)
        .await?,
    )
}

/// Sends of a conversation whose outcome is not known, locked: an echo may belong to one of them.
pub(crate) async fn lock_uncertain(
    conn: &mut PgConnection,
    channel: i64,
    conversation: &str,
) -> Result<Vec<Placed>> {
    placed(
        sqlx::query_as!(
            Row,
            "select channel_id, external_id, origin, direction, external_conversation_id, sender, recipient, body, data,
            occurred_at, created_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt,
            doubt_at, attempted_at, failures, last_error, parked, wake_at, media, part, parts, emptied_at
            from messages
            where channel_id = $1 and external_conversation_id = $2 and origin = 'helpdesk'
                and provider_message_id is null and attempted_at is not null
                and (in_flight = 'deliver' or doubt = 'deliver')
            order by occurred_at, seq for update",
            channel,
            conversation
        )
        .fetch_all(conn)
        .await?,
    )
}

/// A row with its channel.
pub(crate) type Placed = (i64, Message);

fn placed(rows: Vec<Row>) -> Result<Vec<Placed>> {
    rows.into_iter().map(|row| Ok((row.channel_id, row.try_into()?))).collect()
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
