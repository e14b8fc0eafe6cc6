//! Finding work. `wake_at` is the only queue: nothing is enqueued, so nothing can be lost between a row and its queue.

use crate::Result;
use crate::accounts::{REFUSED, REFUSED_TO_READ, SHOWN_AFTER};
use crate::messages::Row;
use crate::words::word;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::model::{Message, Side};
use twinwire_core::plan::FETCH_WITHIN;

/// The Postgres notification channel on which rows with something to do are announced, by their channel's key.
pub const WAKE: &str = "twinwire_wake";

/// Announces, at commit, that a channel has something to do.
pub async fn announce(conn: &mut PgConnection, channel: i64) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", WAKE, channel.to_string()).execute(conn).await?;
    Ok(())
}

/// How often the helpdesk is asked again to show whether a channel works.
pub const SHOW_EVERY: TimeDelta = TimeDelta::seconds(30);

/// Channels that have something to do and that nobody works: messages, or a helpdesk that shows its users the channel
/// otherwise than it is. `which` names the only one that is looked at.
pub async fn unworked_channels(
    conn: impl PgExecutor<'_>,
    which: Option<i64>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        "select c.id from channels c left join channel_leases l on l.channel_id = c.id
            join accounts p on p.id = c.provider_account_id join accounts h on h.id = c.helpdesk_account_id
        where c.state = 'active' and (l.until is null or l.until <= clock_timestamp())
            and c.id between $7 and $8
            and (exists (
                    select from messages m
                    where m.channel_id = c.id and m.origin in ('helpdesk', 'provider') and m.wake_at <= $1)
                or (c.shown_works is distinct from not (p.pauses >= $3 and coalesce(p.pause_reason, '') in ($4, $5))
                    and (h.paused_until is null or h.paused_until <= $1)
                    and (c.show_tried_at is null or c.show_tried_at <= $6)))
        limit $2",
        now,
        limit,
        SHOWN_AFTER,
        REFUSED,
        REFUSED_TO_READ,
        now - SHOW_EVERY,
        which.unwrap_or(0),
        which.unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// What is asked of messages that were born on one side.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The side.
    pub origin: Side,
    /// Those that have a file to be fetched: for that no row waits for its turn. Else the others.
    pub files: bool,
    /// The most rows.
    pub most: i64,
    /// The conversations of which a row is being delivered.
    pub delivering: Vec<String>,
}

/// Rows of a channel that are due, for each that asks those longest due first; `running` left out. A row to be delivered is
/// due only at its turn: when no earlier undelivered row of its conversation goes the same way, parked ones aside, and none of
/// its conversation is being delivered.
pub async fn due(
    conn: impl PgExecutor<'_>,
    channel: i64,
    now: DateTime<Utc>,
    running: &[String],
    asks: &[Ask],
) -> Result<Vec<Message>> {
    let origins: Vec<_> = asks.iter().map(|ask| word(ask.origin)).collect();
    let files: Vec<_> = asks.iter().map(|ask| ask.files).collect();
    let most: Vec<_> = asks.iter().map(|ask| ask.most).collect();
    let delivering: Vec<String> = asks
        .iter()
        .flat_map(|ask| ask.delivering.iter().map(|conversation| way(ask.origin, conversation)))
        .collect();
    // Behind a union nobody sees that a column is never null.
    sqlx::query_as!(
        Row,
        r#"select m.channel_id as "channel_id!", m.external_id as "external_id!", m.origin as "origin!",
            m.direction as "direction!", m.external_conversation_id as "external_conversation_id!",
            m.sender as "sender!", m.recipient as "recipient!", m.body as "body!", m.data as "data!",
            m.occurred_at as "occurred_at!", m.created_at as "created_at!",
            helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
            provider_error_code, provider_error_message, provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt,
            doubt_at, attempted_at, failures as "failures!", last_error, parked, wake_at, media as "media!", part as "part!",
            parts as "parts!", emptied_at
        from unnest($4::text[], $5::boolean[], $6::bigint[]) as l (origin, files, most) cross join lateral (
            (select * from messages m
            where l.files and m.channel_id = $1 and m.wake_at <= $2 and m.origin = l.origin
                and not m.external_id = any ($3)
                and m.parked is null and m.media @? '$[*] ? (@.state == "wanted")'
                and (l.origin = 'helpdesk' or greatest(m.attempted_at, m.created_at) > $7)
            order by m.wake_at, m.seq limit l.most)
            union all
            (select * from messages m
            where not l.files and m.channel_id = $1 and m.wake_at <= $2 and m.origin = l.origin
                and not m.external_id = any ($3)
                and (m.parked is not null
                    or not (m.media @? '$[*] ? (@.state == "wanted")'
                            and (l.origin = 'helpdesk' or greatest(m.attempted_at, m.created_at) > $7))
                        and ((m.origin = 'helpdesk' and m.provider_message_id is not null)
                            or (m.origin = 'provider' and m.helpdesk_message_id is not null)
                            or (not l.origin || ' ' || m.external_conversation_id = any ($8) and not exists (
                                select from messages e
                                where e.channel_id = m.channel_id
                                    and e.external_conversation_id = m.external_conversation_id
                                    and e.origin = m.origin and e.parked is null
                                    and ((e.origin = 'helpdesk' and e.provider_message_id is null)
                                        or (e.origin = 'provider' and e.helpdesk_message_id is null))
                                    and (e.occurred_at, e.seq) < (m.occurred_at, m.seq)))))
            order by m.wake_at, m.seq limit l.most)) m"#,
        channel,
        now,
        running,
        &origins,
        &files,
        &most,
        now - FETCH_WITHIN,
        &delivering,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// A conversation in one direction.
fn way(origin: Side, conversation: &str) -> String {
    format!("{} {conversation}", word(origin))
}

/// Whether no earlier undelivered row of a row's conversation goes the same way.
pub async fn is_at_turn(conn: impl PgExecutor<'_>, channel: i64, external_id: &str) -> Result<bool> {
    let at_turn = sqlx::query_scalar!(
        r#"select not exists (
            select 1 from messages m join messages e
                on e.channel_id = m.channel_id and e.external_conversation_id = m.external_conversation_id
                    and e.origin = m.origin
            where m.channel_id = $1 and m.external_id = $2 and e.parked is null
                and ((e.origin = 'helpdesk' and e.provider_message_id is null)
                    or (e.origin = 'provider' and e.helpdesk_message_id is null))
                and (e.occurred_at, e.seq) < (m.occurred_at, m.seq)
        ) as "at_turn!""#,
        channel,
        external_id
    )
    .fetch_one(conn)
    .await?;
    Ok(at_turn)
}

/// When a row of a channel is to be looked at next, whether or not it is at its turn then.
pub async fn next_wake(
    conn: impl PgExecutor<'_>,
    channel: i64,
    after: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let next = sqlx::query_scalar!(
        "select min(next) from (
            select min(wake_at) as next from messages where channel_id = $1 and origin = 'helpdesk' and wake_at > $2
            union all
            select min(wake_at) from messages where channel_id = $1 and origin = 'provider' and wake_at > $2) each",
        channel,
        after
    )
    .fetch_one(conn)
    .await?;
    Ok(next)
}

/// Sets when a row is looked at again, unless it has changed since it was read.
pub async fn reschedule(
    conn: impl PgExecutor<'_>,
    channel: i64,
    external_id: &str,
    was: Option<DateTime<Utc>>,
    wake_at: Option<DateTime<Utc>>,
) -> Result<()> {
    sqlx::query!(
        "update messages set wake_at = $4 where channel_id = $1 and external_id = $2 and wake_at is not distinct from $3",
        channel,
        external_id,
        was,
        wake_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Wakes the rows of a channel that wait for nothing but the time: after it was connected, or its account resumed. Rows
/// that are due are written, too: a worker that is putting one off holds its lock, and is waited for.
pub async fn wake_waiting(conn: impl PgExecutor<'_>, channel: i64, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "update messages set wake_at = $2 where channel_id = $1 and wake_at is not null and in_flight is null and doubt is null",
        channel,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Rows of a channel that are due, or that wait only for an outcome or a turn: what a backfill waits for.
pub async fn unsettled(conn: impl PgExecutor<'_>, channel: i64, now: DateTime<Utc>) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from messages
        where channel_id = $1 and wake_at is not null and (wake_at <= $2 or in_flight is not null)"#,
        channel,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}
