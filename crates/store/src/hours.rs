//! The traffic of each hour, and when each channel was last alive: counted again and again by one job, from the messages of
//! that time alone. Counting twice gives the same.
//!
//! Messages are found by their numbers (`messages.seq`), by an index that is there anyway. Numbers are given in the order in
//! which messages are first seen, but for the moment that a transaction takes: where an hour begins among them is looked up
//! by halves, once.

use crate::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgExecutor};

/// How far clocks of processes differ, and how long a transaction may take, at most: numbers may be that much out of order.
const SLACK: TimeDelta = TimeDelta::minutes(2);

/// An hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub hour: DateTime<Utc>,
    /// Messages from customers.
    pub inbound: i64,
    /// Messages to customers.
    pub outbound: i64,
    /// Of all of them, those that were put aside, or that the provider did not deliver.
    pub failed: i64,
    /// Half of them were at the other side within so many milliseconds of being seen.
    pub p50_ms: Option<i64>,
    /// The same for 95 of 100.
    pub p95_ms: Option<i64>,
    /// When it was last counted.
    pub counted_at: DateTime<Utc>,
}

/// The hours that begin at `from` or later, as far as they were counted; oldest first.
pub async fn since(conn: impl PgExecutor<'_>, from: DateTime<Utc>) -> Result<Vec<Hour>> {
    let hours = sqlx::query_as!(
        Hour,
        "select hour, inbound, outbound, failed, p50_ms, p95_ms, counted_at from message_hours
        where hour >= $1 order by hour",
        from
    )
    .fetch_all(conn)
    .await?;
    Ok(hours)
}

/// Drops hours that began before.
pub async fn forget(conn: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!("delete from message_hours where hour < $1", before).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Counts an hour by its messages as they stand now.
pub async fn count(conn: &mut PgConnection, hour: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    let end = hour + TimeDelta::hours(1);
    let (after, upto) = bounds(conn, hour, end, now).await?;
    sqlx::query!(
        r#"insert into message_hours (hour, after_seq, upto_seq, inbound, outbound, failed, p50_ms, p95_ms, counted_at)
        select $1, $3, $4, count(*) filter (where m.direction = 'inbound'), count(*) filter (where m.direction = 'outbound'),
            count(*) filter (where m.parked is not null or m.provider_status in ('failed', 'undelivered', 'canceled')),
            percentile_disc(0.5) within group (order by m.ms) filter (where m.ms >= 0),
            percentile_disc(0.95) within group (order by m.ms) filter (where m.ms >= 0), $5
        from channels c cross join lateral (
            select m.direction, m.parked, m.provider_status,
                -- What was bound by evidence has no answer to our call: it was there when that came.
                (extract(epoch from coalesce(t.answered, (
                    select min(a.at) from attempts a where a.channel_id = m.channel_id and a.external_id = m.external_id
                        and a.step = 'seen' and a.at > t.begun)) - m.created_at) * 1000)::bigint as ms
            from messages m left join lateral (
                select min(a.at) filter (where a.step = 'apply' and a.outcome = 'done') as answered,
                    min(a.at) filter (where a.step = 'begin') as begun
                from attempts a
                where a.channel_id = m.channel_id and a.external_id = m.external_id and a.act = 'deliver'
            ) t on (m.origin = 'helpdesk' and m.provider_message_id is not null)
                or (m.origin = 'provider' and m.helpdesk_message_id is not null)
            where m.channel_id = c.id and m.seq > $3 and m.seq <= coalesce($4, 9223372036854775807)
                and m.created_at >= $1 and m.created_at < $2 and m.parked is distinct from 'too_old'
        ) m
        on conflict (hour) do update set upto_seq = excluded.upto_seq, inbound = excluded.inbound,
            outbound = excluded.outbound, failed = excluded.failed, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms,
            counted_at = excluded.counted_at"#,
        hour,
        end,
        after,
        upto,
        now,
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// Between which numbers the messages of an hour lie, as it was found before or by looking. Its end is none while messages
/// of it may still come.
async fn bounds(
    conn: &mut PgConnection,
    hour: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(i64, Option<i64>)> {
    let known = sqlx::query!("select after_seq, upto_seq from message_hours where hour = $1", hour)
        .fetch_optional(&mut *conn)
        .await?;
    let (after, upto) = known.map_or((None, None), |row| (Some(row.after_seq), row.upto_seq));
    let after = match after {
        Some(after) => after,
        None => last_before(&mut *conn, hour - SLACK).await?,
    };
    let upto = match upto {
        None if now > end + SLACK * 2 => Some(last_before(conn, end + SLACK).await?),
        upto => upto,
    };
    Ok((after, upto))
}

/// A number such that messages with a greater one were first seen at `at` or later, and the others before it; found by
/// halves.
async fn last_before(conn: &mut PgConnection, at: DateTime<Utc>) -> Result<i64> {
    let (mut low, mut high) = (0, newest(&mut *conn).await?);
    while low < high {
        let middle = low + (high - low) / 2;
        let next = sqlx::query!(
            r#"select m.seq as "seq!", m.created_at as "created_at!" from channels c cross join lateral (
                select seq, created_at from messages m where m.channel_id = c.id and m.seq > $1 and m.seq <= $2
                order by m.seq limit 1
            ) m order by m.seq limit 1"#,
            middle,
            high
        )
        .fetch_optional(&mut *conn)
        .await?;
        match next {
            Some(next) if next.created_at < at => low = next.seq,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The greatest number of a message.
async fn newest(conn: &mut PgConnection) -> Result<i64> {
    let newest = sqlx::query_scalar!(
        r#"select coalesce(max(m.seq), 0) as "newest!" from channels c cross join lateral (
            select seq from messages m where m.channel_id = c.id order by m.seq desc limit 1) m"#
    )
    .fetch_one(conn)
    .await?;
    Ok(newest)
}

/// When a channel was last alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its public id.
    pub channel: String,
    /// When a customer last wrote.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// When a customer was last written to.
    pub last_outbound_at: Option<DateTime<Utc>>,
}

/// When each channel was last alive, those that were removed left out; oldest channel first.
pub async fn activity(conn: impl PgExecutor<'_>) -> Result<Vec<Activity>> {
    let rows = sqlx::query_as!(
        Activity,
        r#"select c.public_id as channel, a.last_inbound_at, a.last_outbound_at
        from channels c left join channel_activity a on a.channel_id = c.id
        where c.state <> 'deleted' order by c.id"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Messages of a channel that are looked at when it is met for the first time: a channel that only ever sends may have any
/// number of them.
const FIRST_LOOK: i64 = 1_000;

/// Takes what came since the last time into the activity of every channel. Of a channel that is met for the first time the
/// newest messages are looked at; what happened before is not known.
pub async fn note_activity(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into channel_activity (channel_id, last_inbound_at, last_outbound_at, upto_seq)
        select c.id, n.inbound, n.outbound, n.upto from channels c cross join lateral (
            select max(m.occurred_at) filter (where m.direction = 'inbound') as inbound,
                max(m.occurred_at) filter (where m.direction = 'outbound') as outbound,
                coalesce(max(m.seq) filter (where m.created_at < $1), min(m.seq) - 1, 0) as upto
            from (select seq, direction, occurred_at, created_at from messages
                where channel_id = c.id order by seq desc limit $2) m
        ) n
        where not exists (select from channel_activity a where a.channel_id = c.id)
        on conflict do nothing",
        now - SLACK,
        FIRST_LOOK
    )
    .execute(&mut *conn)
    .await?;
    // What is younger than that is read again the next time: a transaction may still bring a smaller number.
    sqlx::query!(
        "update channel_activity a set last_inbound_at = greatest(a.last_inbound_at, n.inbound),
            last_outbound_at = greatest(a.last_outbound_at, n.outbound), upto_seq = greatest(a.upto_seq, n.upto)
        from channel_activity k cross join lateral (
            select max(m.occurred_at) filter (where m.direction = 'inbound') as inbound,
                max(m.occurred_at) filter (where m.direction = 'outbound') as outbound,
                max(m.seq) filter (where m.created_at < $1) as upto
            from messages m where m.channel_id = k.channel_id and m.seq > k.upto_seq
        ) n
        where a.channel_id = k.channel_id
            and (greatest(a.last_inbound_at, n.inbound) is distinct from a.last_inbound_at
                or greatest(a.last_outbound_at, n.outbound) is distinct from a.last_outbound_at
                or greatest(a.upto_seq, n.upto) > a.upto_seq)",
        now - SLACK
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}
