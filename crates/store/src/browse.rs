//! Messages as operators browse them: the newest first, page by page.

use crate::Result;
use crate::words::{value, value_of};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::model::{Direction, Parked, Side, Status, Told};

/// Messages that are looked for by how they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// With something to do.
    Pending,
    /// Put aside, those that were too old left out: there may be years of them.
    Parked,
    /// Put aside because they were too old to be delivered.
    TooOld,
    /// Taken by the provider and not delivered.
    Failed,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Parked => "parked",
            Self::TooOld => "too_old",
            Self::Failed => "failed",
        }
    }
}

/// Which messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of this channel alone.
    pub channel: Option<i64>,
    /// That stand so.
    pub standing: Option<Standing>,
    /// Of this conversation: the customer's number, or the helpdesk's id of the thread.
    pub conversation: Option<&'a str>,
    /// Before the message of this number.
    pub before: Option<i64>,
}

/// A line of the list. The text is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub seq: i64,
    /// Public id of its channel.
    pub channel: String,
    /// Our id.
    pub external_id: String,
    /// The side on which it was born.
    pub origin: Side,
    /// Which way it goes.
    pub direction: Direction,
    /// The customer's address.
    pub conversation: String,
    /// When it was written.
    pub occurred_at: DateTime<Utc>,
    /// The helpdesk's id.
    pub helpdesk_message_id: Option<String>,
    /// The provider's id.
    pub provider_message_id: Option<String>,
    /// What the provider says became of it.
    pub provider_status: Option<Status>,
    /// Why it was put aside.
    pub parked: Option<Parked>,
    /// When there is something to do next.
    pub wake_at: Option<DateTime<Utc>>,
    /// The last refusal or uncertainty.
    pub last_error: Option<String>,
    /// The provider's error code.
    pub provider_error_code: Option<String>,
}

struct Row {
    seq: i64,
    channel: String,
    external_id: String,
    origin: String,
    direction: String,
    conversation: String,
    occurred_at: DateTime<Utc>,
    helpdesk_message_id: Option<String>,
    provider_message_id: Option<String>,
    provider_status: Option<String>,
    parked: Option<String>,
    wake_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    provider_error_code: Option<String>,
}

impl TryFrom<Row> for Listed {
    type Error = crate::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            origin: value("origin", &row.origin)?,
            direction: value("direction", &row.direction)?,
            provider_status: value_of("provider_status", row.provider_status.as_deref())?,
            parked: value_of("parked", row.parked.as_deref())?,
            seq: row.seq,
            channel: row.channel,
            external_id: row.external_id,
            conversation: row.conversation,
            occurred_at: row.occurred_at,
            helpdesk_message_id: row.helpdesk_message_id,
            provider_message_id: row.provider_message_id,
            wake_at: row.wake_at,
            last_error: row.last_error,
            provider_error_code: row.provider_error_code,
        })
    }
}

/// The newest messages that are wanted, at most `limit`. By channel, because the indexes are; each of them is read from its
/// newest end, and no further than it takes.
pub async fn messages(conn: &mut PgConnection, wanted: Wanted<'_>, limit: i64) -> Result<Vec<Listed>> {
    let threads = threads(&mut *conn, wanted).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select m.seq as "seq!", c.public_id as channel, m.external_id as "external_id!", m.origin as "origin!",
            m.direction as "direction!", m.external_conversation_id as "conversation!",
            m.occurred_at as "occurred_at!", m.helpdesk_message_id, m.provider_message_id, m.provider_status, m.parked,
            m.wake_at, m.last_error, m.provider_error_code
        from channels c cross join lateral (
            select * from messages m
            where m.channel_id = c.id and ($2::bigint is null or m.seq < $2)
                and ($3::text is null
                    or ($3 = 'pending' and m.wake_at is not null)
                    or ($3 = 'parked' and m.parked is not null and m.parked <> 'too_old')
                    or ($3 = 'too_old' and m.parked = 'too_old')
                    or ($3 = 'failed' and m.provider_status in ('failed', 'undelivered', 'canceled')))
                and ($4::text is null or m.external_conversation_id = any (
                    array(select t.conversation from unnest($6::bigint[], $7::text[]) as t (channel, conversation)
                        where t.channel = c.id) || array[$4]))
            order by m.seq desc limit $5
        ) m
        where $1::bigint is null or c.id = $1
        order by m.seq desc limit $5"#,
        wanted.channel,
        wanted.before,
        wanted.standing.map(Standing::word),
        wanted.conversation,
        limit,
        &threads.channels,
        &threads.conversations
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Conversations by channel, side by side.
#[derive(Default)]
struct Threads {
    channels: Vec<i64>,
    conversations: Vec<String>,
}

/// The conversations that the helpdesk calls as is asked: looked up once, and not for every channel.
async fn threads(conn: impl PgExecutor<'_>, wanted: Wanted<'_>) -> Result<Threads> {
    let Some(thread) = wanted.conversation else { return Ok(Threads::default()) };
    let found = sqlx::query!(
        "select channel_id, external_conversation_id from conversations
        where helpdesk_thread_id = $1 and ($2::bigint is null or channel_id = $2)",
        thread,
        wanted.channel
    )
    .fetch_all(conn)
    .await?;
    let (channels, conversations) =
        found.into_iter().map(|one| (one.channel_id, one.external_conversation_id)).unzip();
    Ok(Threads { channels, conversations })
}

/// A message as it stands on both sides, for who reads its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBothSides {
    /// As it stands in lists.
    pub listed: Listed,
    /// The text; empty where it was let go.
    pub body: String,
    /// What the helpdesk was told of a failure.
    pub helpdesk_status: Option<Told>,
    /// When it was brought to the side where it was not born, by the answer to our call; none while that is not known.
    pub delivered_at: Option<DateTime<Utc>>,
    /// The provider's own time of its latest change.
    pub provider_updated_at: Option<DateTime<Utc>>,
}

/// A place in a conversation, which is in the order of time and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the message was written.
    pub at: DateTime<Utc>,
    /// Its number.
    pub seq: i64,
}

/// The newest messages of a conversation before a place, at most `limit`.
pub async fn conversation(
    conn: impl PgExecutor<'_>,
    channel: i64,
    conversation: &str,
    before: Option<Place>,
    limit: i64,
) -> Result<Vec<OnBothSides>> {
    // The first half of the place bounds the index; the second tells apart what was written at once.
    let rows = sqlx::query!(
        r#"select m.seq, c.public_id as channel, m.external_id, m.origin, m.direction,
            m.external_conversation_id as conversation, m.occurred_at, m.helpdesk_message_id, m.provider_message_id,
            m.provider_status, m.parked, m.wake_at, m.last_error, m.provider_error_code, m.body, m.helpdesk_status,
            m.provider_updated_at,
            (select min(a.at) from attempts a where a.channel_id = m.channel_id and a.external_id = m.external_id
                and a.step = 'apply' and a.act = 'deliver' and a.outcome = 'done') as delivered_at
        from channels c join messages m on m.channel_id = c.id
        where c.id = $1 and m.external_conversation_id = $2
            and m.occurred_at <= coalesce($3, 'infinity'::timestamptz)
            and ($3::timestamptz is null or (m.occurred_at, m.seq) < ($3, $4))
        order by m.occurred_at desc, m.seq desc limit $5"#,
        channel,
        conversation,
        before.map(|place| place.at),
        before.map(|place| place.seq),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OnBothSides {
                body: row.body,
                helpdesk_status: value_of("helpdesk_status", row.helpdesk_status.as_deref())?,
                delivered_at: row.delivered_at,
                provider_updated_at: row.provider_updated_at,
                listed: Row {
                    seq: row.seq,
                    channel: row.channel,
                    external_id: row.external_id,
                    origin: row.origin,
                    direction: row.direction,
                    conversation: row.conversation,
                    occurred_at: row.occurred_at,
                    helpdesk_message_id: row.helpdesk_message_id,
                    provider_message_id: row.provider_message_id,
                    provider_status: row.provider_status,
                    parked: row.parked,
                    wake_at: row.wake_at,
                    last_error: row.last_error,
                    provider_error_code: row.provider_error_code,
                }
                .try_into()?,
            })
        })
        .collect()
}
