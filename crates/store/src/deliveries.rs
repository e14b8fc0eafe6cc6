//! The outbox: events that wait for an endpoint. [`crate::events`] writes it.
//!
//! An event is claimed for a short time by the database's clock, so that two processes never send it side by side, and one
//! that died with a claim holds it up for no longer than that.

use crate::Result;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

/// How long a claim holds: longer than a call may take.
pub const CLAIM: TimeDelta = TimeDelta::seconds(40);

/// An endpoint with something to send.
#[derive(Clone, Debug)]
pub struct Due {
    /// Key.
    pub id: i64,
    /// Public id, for logs.
    pub public_id: String,
}

/// Endpoints that have something to send and do not rest; `busy` left out.
pub async fn due_endpoints(conn: impl PgExecutor<'_>, now: DateTime<Utc>, busy: &[i64]) -> Result<Vec<Due>> {
    let due = sqlx::query_as!(
        Due,
        "select e.id, e.public_id from endpoints e
        where e.state = 'active' and (e.paused_until is null or e.paused_until <= $1) and not e.id = any ($2)
            and exists (select 1 from deliveries d
                where d.endpoint_id = e.id and d.state = 'pending' and d.next_at <= clock_timestamp())
        order by e.id",
        now,
        busy
    )
    .fetch_all(conn)
    .await?;
    Ok(due)
}

/// An event that a process has claimed, with where it is to be sent.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Key, which is the version in what is sent.
    pub id: i64,
    /// Public id.
    pub public_id: String,
    /// What happened.
    pub event_type: String,
    /// The channel; none of a trial.
    pub channel_id: Option<i64>,
    /// The message; none of a trial.
    pub external_id: Option<String>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// Since when it waits.
    pub queued_at: DateTime<Utc>,
    /// Attempts before this one.
    pub attempts: i32,
    /// Where it is sent to.
    pub url: String,
    /// Whether the text goes along.
    pub with_body: bool,
}

/// Claims events of an endpoint that are due, oldest first. While it fails it gets one at a time, to find out whether it
/// works again.
pub async fn claim(
    conn: impl PgExecutor<'_>,
    endpoint: i64,
    owner: &str,
    now: DateTime<Utc>,
    limit: i32,
) -> Result<Vec<Claimed>> {
    let mut claimed = sqlx::query_as!(
        Claimed,
        "with free as (
            select d.id, e.url, e.with_body from endpoints e cross join lateral (
                select id from deliveries
                where endpoint_id = e.id and state = 'pending' and next_at <= clock_timestamp()
                order by next_at, id limit case when e.failures > 0 then 1 else $4 end
                for update skip locked) d
            where e.id = $1 and e.state = 'active' and (e.paused_until is null or e.paused_until <= $3))
        update deliveries d
        set claimed_by = $2, next_at = clock_timestamp() + make_interval(secs => $5)
        from free where d.id = free.id
        returning d.id, d.public_id, d.event_type, d.channel_id, d.external_id, d.happened_at, d.queued_at, d.attempts,
            free.url, free.with_body",
        endpoint,
        owner,
        now,
        limit,
        CLAIM.as_seconds_f64(),
    )
    .fetch_all(conn)
    .await?;
    claimed.sort_by_key(|event| event.id);
    Ok(claimed)
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// delivered, pending or failed.
    pub state: &'a str,
    /// The status that was answered.
    pub status: Option<i32>,
    /// What was wrong.
    pub error: Option<&'a str>,
    /// When it is tried again.
    pub next_at: Option<DateTime<Utc>>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Writes down how an attempt ended. False when somebody else has it by now.
pub async fn end(conn: impl PgExecutor<'_>, event: &Claimed, owner: &str, ended: Ended<'_>) -> Result<bool> {
    let done = sqlx::query!(
        "update deliveries set state = $4, attempts = attempts + 1, last_status = $5, last_error = $6, next_at = $7,
            claimed_by = null, finished_at = case when $4 = 'pending' then null else $8::timestamptz end
        where id = $1 and state = 'pending' and claimed_by = $2 and attempts = $3",
        event.id,
        owner,
        event.attempts,
        ended.state,
        ended.status,
        ended.error,
        ended.next_at,
        ended.now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives claimed events back that were not sent.
pub async fn give_back(conn: impl PgExecutor<'_>, ids: &[i64], owner: &str) -> Result<()> {
    sqlx::query!(
        "update deliveries set claimed_by = null, next_at = now()
        where id = any ($1) and state = 'pending' and claimed_by = $2",
        ids,
        owner
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The message of an event as it is now, as JSON; none where it is gone.
pub async fn message(
    conn: impl PgExecutor<'_>,
    channel: i64,
    external_id: &str,
    with_body: bool,
) -> Result<Option<Value>> {
    let row = sqlx::query_scalar!(
        r#"select jsonb_build_object('channel', c.public_id, 'message', m.seq, 'external_id', m.external_id,
                'conversation', m.external_conversation_id, 'helpdesk_thread_id', t.helpdesk_thread_id,
                'origin', m.origin, 'direction', m.direction, 'sender', m.sender, 'recipient', m.recipient,
                'part', m.part, 'parts', m.parts, 'files', jsonb_array_length(m.media),
                'helpdesk_message_id', m.helpdesk_message_id, 'provider_message_id', m.provider_message_id,
                'status', m.provider_status, 'error_code', m.provider_error_code,
                'error_message', m.provider_error_message, 'parked', m.parked, 'last_error', m.last_error,
                'occurred_at', m.occurred_at, 'row_updated_at', m.row_updated_at)
            || case when $3 then jsonb_build_object('body', m.body) else '{}' end as "row!"
        from messages m join channels c on c.id = m.channel_id
            left join conversations t on t.channel_id = m.channel_id
                and t.external_conversation_id = m.external_conversation_id
        where m.channel_id = $1 and m.external_id = $2"#,
        channel,
        external_id,
        with_body
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Adds an event that nothing happened for, to try an endpoint. Gives its public id; none where there is no such endpoint.
pub async fn add_trial(conn: &mut PgConnection, endpoint: &str, event_type: &str) -> Result<Option<String>> {
    let id = sqlx::query_scalar!(
        "insert into deliveries (endpoint_id, event_type)
        select id, $2 from endpoints where public_id = $1 and state <> 'deleted' returning public_id",
        endpoint,
        event_type
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query("select pg_notify($1, '')").bind(crate::events::DELIVERIES).execute(conn).await?;
    Ok(id)
}

/// An event for an endpoint, as operators see it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Key.
    pub id: i64,
    /// Public id, `evt_…`.
    pub event: String,
    /// The endpoint.
    pub endpoint: String,
    /// What happened.
    pub event_type: String,
    /// The channel.
    pub channel: Option<String>,
    /// The number of the message.
    pub message: Option<i64>,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// pending, delivered, failed or cancelled.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
    /// The status that was answered last.
    pub last_status: Option<i32>,
    /// What was wrong last.
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which events are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Only of this endpoint.
    pub endpoint: Option<&'a str>,
    /// Only in this state.
    pub state: Option<&'a str>,
    /// Before the one of this key.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// Events, the latest first.
pub async fn list(conn: impl PgExecutor<'_>, wanted: Wanted<'_>) -> Result<Vec<Delivery>> {
    let found = sqlx::query_as!(
        Delivery,
        r#"select d.id, d.public_id as event, e.public_id as endpoint, d.event_type, c.public_id as "channel?",
            m.seq as "message?", d.happened_at, d.state, d.attempts, d.next_at, d.last_status, d.last_error,
            d.finished_at
        from deliveries d join endpoints e on e.id = d.endpoint_id left join channels c on c.id = d.channel_id
            left join messages m on m.channel_id = d.channel_id and m.external_id = d.external_id
        where ($1::text is null or e.public_id = $1) and ($2::text is null or d.state = $2)
            and ($4::bigint is null or d.id < $4)
        order by d.id desc limit $3"#,
        wanted.endpoint,
        wanted.state,
        wanted.limit,
        wanted.before
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Has events sent again that were given up, or one of any state by its public id. Gives how many.
pub async fn again(conn: &mut PgConnection, endpoint: Option<&str>, event: Option<&str>) -> Result<u64> {
    let done = sqlx::query!(
        "update deliveries d set state = 'pending', attempts = 0, next_at = now(), queued_at = now(), claimed_by = null,
            finished_at = null
        from endpoints e
        where e.id = d.endpoint_id and e.state <> 'deleted' and ($1::text is null or e.public_id = $1)
            and (d.public_id = $2 or ($2 is null and d.state = 'failed'))
            and d.state <> 'pending'",
        endpoint,
        event
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query("select pg_notify($1, '')").bind(crate::events::DELIVERIES).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Gives up what waits since before `before`, say for an endpoint that rests. Gives how many.
pub async fn give_up(conn: impl PgExecutor<'_>, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "update deliveries set state = 'failed', next_at = null, finished_at = $2,
            last_error = coalesce(last_error, 'the endpoint did not take anything in time')
        where state = 'pending' and queued_at < $1",
        before,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Takes back events of endpoints that are told nothing any more: what was being written while one was disabled did not
/// see it. Gives how many.
pub async fn cancel_of_gone(conn: impl PgExecutor<'_>) -> Result<u64> {
    let done = sqlx::query!(
        "update deliveries d set state = 'cancelled', next_at = null, finished_at = now()
        from endpoints e
        where e.state in ('disabled', 'deleted') and d.endpoint_id = e.id and d.state = 'pending'"
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Lets go of events that were finished before `before`. Gives how many.
pub async fn forget(
    conn: impl PgExecutor<'_>,
    delivered_before: DateTime<Utc>,
    others_before: DateTime<Utc>,
) -> Result<u64> {
    let done = sqlx::query!(
        "delete from deliveries
        where state <> 'pending' and finished_at < case when state = 'delivered' then $1::timestamptz else $2 end",
        delivered_before,
        others_before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
