//! The story of a message: the reading side, for operators. [`crate::attempts`] writes it.

use crate::Result;
use crate::words::{value_of, word};
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use twinwire_core::model::{Act, Message};

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The channel.
    pub channel: i64,
    /// Our id, unique in the channel.
    pub external_id: String,
    /// Its number, unique in the table: short, and without the customer's number in it.
    pub seq: i64,
}

/// Messages of that name: our id, the helpdesk's, the provider's, or the number. One id of the helpdesk may be several
/// messages, one to each recipient. At most `limit`.
pub async fn find(conn: impl PgExecutor<'_>, name: &str, limit: i64) -> Result<Vec<Found>> {
    let number: Option<i64> = name.trim_start_matches('#').parse().ok();
    // By channel, because the indexes are: there are few channels and many messages.
    let found = sqlx::query_as!(
        Found,
        r#"select m.channel_id as "channel!", m.external_id as "external_id!", m.seq as "seq!" from (
            select m.channel_id, m.external_id, m.seq from channels c
                join messages m on m.channel_id = c.id and m.external_id = $1
            union select m.channel_id, m.external_id, m.seq from channels c
                join messages m on m.channel_id = c.id and m.helpdesk_message_id = $1
            union select m.channel_id, m.external_id, m.seq from channels c
                join messages m on m.channel_id = c.id and m.provider_message_id = $1
            union select m.channel_id, m.external_id, m.seq from channels c
                join messages m on m.channel_id = c.id and m.seq = $2
        ) m order by m.seq limit $3"#,
        name,
        number,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Whether a provider has a message of that id, and whether it waits for a send of unknown outcome to be settled.
pub async fn at_provider(conn: impl PgExecutor<'_>, id: &str) -> Result<Option<bool>> {
    let held = sqlx::query_scalar!(
        "select p.held from accounts a join provider_messages p on p.account_id = a.id and p.provider_message_id = $1
        limit 1",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// A line of the story.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// begin, apply, note or seen.
    pub step: String,
    /// What was tried.
    pub act: Option<Act>,
    /// What came of it, was decided or was seen.
    pub outcome: Option<String>,
    /// The vendor's code or words.
    pub detail: Option<String>,
    /// Which process.
    pub owner: Option<String>,
    /// Under which lease.
    pub fence: Option<i64>,
    /// By which way evidence came.
    pub way: Option<String>,
    /// The webhook's number in the log.
    pub webhook: Option<i64>,
    /// The vendor's word for the event.
    pub event: Option<String>,
}

struct EntryRow {
    at: DateTime<Utc>,
    step: String,
    act: Option<String>,
    outcome: Option<String>,
    detail: Option<String>,
    owner: Option<String>,
    fence: Option<i64>,
    way: Option<String>,
    webhook_id: Option<i64>,
    event: Option<String>,
}

/// The story of a message, oldest line first.
pub async fn lines(conn: impl PgExecutor<'_>, channel: i64, external_id: &str) -> Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        EntryRow,
        "select at, step, act, outcome, detail, owner, fence, way, webhook_id, event
        from attempts where channel_id = $1 and external_id = $2 order by id",
        channel,
        external_id
    )
    .fetch_all(conn)
    .await?;
    let entry = |row: EntryRow| {
        Ok(Entry {
            act: value_of("attempts.act", row.act.as_deref())?,
            at: row.at,
            step: row.step,
            outcome: row.outcome,
            detail: row.detail,
            owner: row.owner,
            fence: row.fence,
            way: row.way,
            webhook: row.webhook_id,
            event: row.event,
        })
    };
    rows.into_iter().map(entry).collect()
}

/// A request as received.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its number.
    pub id: i64,
    /// When.
    pub received_at: DateTime<Utc>,
    /// From which vendor.
    pub connector: String,
    /// The vendor's word for the event.
    pub event: Option<String>,
    /// Method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Body.
    pub body: Vec<u8>,
    /// The status answered.
    pub status: i32,
    /// Why it was not verified, where it was taken all the same.
    pub unverified: Option<String>,
}

/// The requests that made or changed a message, as far as they are still kept.
pub async fn requests(conn: impl PgExecutor<'_>, channel: i64, external_id: &str) -> Result<Vec<Request>> {
    // Both halves of the key, so that only the partitions of those days are looked into.
    let requests = sqlx::query_as!(
        Request,
        "select w.id, w.received_at, w.connector, w.event, w.method, w.url, w.body, w.status, w.unverified
        from attempts a join webhook_log w on w.received_at = a.at and w.id = a.webhook_id
        where a.channel_id = $1 and a.external_id = $2 and a.webhook_id is not null
        order by w.received_at, w.id",
        channel,
        external_id
    )
    .fetch_all(conn)
    .await?;
    Ok(requests)
}

/// What stands around a message in its conversation, of those that go the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The first of the earlier ones that are not settled: the number of the one that it waits for.
    pub ahead: Option<i64>,
    /// How many later ones are delivered.
    pub passed: i64,
}

/// What stands around a message.
pub async fn neighbours(
    conn: impl PgExecutor<'_>,
    channel: i64,
    row: &Message,
    seq: i64,
) -> Result<Neighbours> {
    let found = sqlx::query!(
        r#"select
            (select e.seq from messages e
                where e.channel_id = $1 and e.external_conversation_id = $2 and e.origin = $3 and e.parked is null
                    and ((e.origin = 'helpdesk' and e.provider_message_id is null)
                        or (e.origin = 'provider' and e.helpdesk_message_id is null))
                    and (e.occurred_at, e.seq) < ($4, $5)
                order by e.occurred_at, e.seq limit 1) as ahead,
            (select count(*) from messages e
                where e.channel_id = $1 and e.external_conversation_id = $2 and e.origin = $3
                    and ((e.origin = 'helpdesk' and e.provider_message_id is not null)
                        or (e.origin = 'provider' and e.helpdesk_message_id is not null))
                    and (e.occurred_at, e.seq) > ($4, $5)) as "passed!""#,
        channel,
        row.conversation,
        word(row.origin),
        row.occurred_at,
        seq
    )
    .fetch_one(conn)
    .await?;
    Ok(Neighbours { ahead: found.ahead, passed: found.passed })
}

/// Who works a channel, and under which fence; none when nobody has its lease.
pub async fn worked_by(conn: impl PgExecutor<'_>, channel: i64) -> Result<Option<(String, i64)>> {
    let lease = sqlx::query!(
        "select owner, fence from channel_leases where channel_id = $1 and until > clock_timestamp()",
        channel
    )
    .fetch_optional(conn)
    .await?;
    Ok(lease.map(|lease| (lease.owner, lease.fence)))
}
