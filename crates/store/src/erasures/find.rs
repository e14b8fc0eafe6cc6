//! What there is of a person.

use crate::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgExecutor;

/// What there is of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Messages.
    pub messages: i64,
    /// Of these, with something to come still.
    pub pending: i64,
    /// Files that are kept.
    pub files: i64,
    /// Messages at the provider that are none of ours.
    pub at_provider: i64,
    /// Lines of the messages' stories.
    pub attempts: i64,
    /// What they said about being texted.
    pub consents: i64,
    /// Conversations.
    pub conversations: i64,
    /// Logged requests that are known to be about their messages; the log is searched for others.
    pub webhooks: i64,
}

/// Counts what there is of a person.
pub async fn count(conn: impl PgExecutor<'_>, addresses: &[String]) -> Result<Found> {
    let found = sqlx::query_as!(
        Found,
        r#"with m as (
            select m.* from channels c join messages m
                on m.channel_id = c.id and m.external_conversation_id = any($1)),
        t as (select t.* from m join attempts t on t.channel_id = m.channel_id and t.external_id = m.external_id)
        select (select count(*) from m) as "messages!",
            (select count(*) from m where not (wake_at is null and in_flight is null and doubt is null and (parked is not null
                or (helpdesk_message_id is not null and provider_message_id is not null)))) as "pending!",
            (select count(*) from m, jsonb_array_elements(m.media) f where f ->> 'state' = 'kept') as "files!",
            (select count(*) from accounts a join provider_messages p on p.account_id = a.id and p.channel_id is null
                and (p.recipient = any($1) or p.sender = any($1))) as "at_provider!",
            (select count(*) from t) as "attempts!",
            (select count(*) from channels c join consents s
                on s.channel_id = c.id and s.external_conversation_id = any($1)) as "consents!",
            (select count(*) from channels c join conversations s
                on s.channel_id = c.id and s.external_conversation_id = any($1)) as "conversations!",
            (select count(distinct w.id) from t join webhook_log w on w.received_at = t.at and w.id = t.webhook_id
                where not w.erased) as "webhooks!""#,
        addresses
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// A message of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The channel.
    pub channel_id: i64,
    /// The provider's account of the channel.
    pub account_id: i64,
    /// Our id.
    pub external_id: String,
    /// Whether the helpdesk named it, which puts the address into the name.
    pub named_by_helpdesk: bool,
    /// Whether something is to come still.
    pub pending: bool,
    /// Whether something is being tried right now, or was when a process died.
    pub in_flight: bool,
}

/// Messages of a person that we learnt of up to a moment, or that are from before it: one may have been on its way into
/// the table at that moment.
pub async fn messages(
    conn: impl PgExecutor<'_>,
    address: &str,
    upto: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select m.channel_id, c.provider_account_id as account_id, m.external_id,
            m.origin = 'helpdesk' as "named_by_helpdesk!",
            not (m.wake_at is null and m.in_flight is null and m.doubt is null and (m.parked is not null
                or (m.helpdesk_message_id is not null and m.provider_message_id is not null))) as "pending!",
            m.in_flight is not null as "in_flight!"
        from channels c join messages m on m.channel_id = c.id and m.external_conversation_id = $1
        where (m.created_at <= $2 or m.occurred_at <= $2) order by m.channel_id, m.occurred_at, m.seq limit $3"#,
        address,
        upto,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The places in the store of files of a message's files.
pub async fn files(conn: impl PgExecutor<'_>, row: &Row) -> Result<Vec<String>> {
    let keys = sqlx::query_scalar!(
        r#"select f ->> 'key' as "key!" from messages m, jsonb_array_elements(m.media) f
        where m.channel_id = $1 and m.external_id = $2 and f ->> 'key' is not null"#,
        row.channel_id,
        row.external_id
    )
    .fetch_all(conn)
    .await?;
    Ok(keys)
}
