//! Letting go of what is old, a bounded batch at a time: how far it has got, and what has to wait.
//!
//! Messages are gone through in the order of their numbers (`messages.seq`), by an index that is there anyway: what is
//! done is never looked at again, however many rows there are.

use crate::Result;
use crate::words::word;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

/// What is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Texts and the vendors' payloads.
    Bodies,
    /// Files.
    Media,
    /// The stories.
    Attempts,
}

/// The next messages of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Our ids.
    pub ids: Vec<String>,
    /// The number of the last.
    pub upto: i64,
}

/// The messages of a channel that we learnt of before a moment, past those that are done; oldest first.
pub async fn slice(
    conn: &mut PgConnection,
    what: What,
    channel: i64,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Slice> {
    let rows = sqlx::query!(
        "select seq, external_id, created_at from messages
        where channel_id = $2
            and seq > coalesce((select seq from retention_marks where what = $1 and channel_id = $2), 0)
        order by seq limit $3",
        word(what),
        channel,
        limit
    )
    .fetch_all(conn)
    .await?;
    let mut slice = Slice::default();
    for row in rows.into_iter().take_while(|row| row.created_at < before) {
        slice.upto = row.seq;
        slice.ids.push(row.external_id);
    }
    Ok(slice)
}

/// The messages of a channel up to a number are done, but for `left`.
pub async fn mark(
    conn: &mut PgConnection,
    what: What,
    channel: i64,
    upto: i64,
    left: &[String],
) -> Result<()> {
    sqlx::query!(
        "with left_over as (
            insert into retention_left (what, channel_id, external_id) select $1, $2, unnest($4::text[])
            on conflict do nothing)
        insert into retention_marks as m (what, channel_id, seq) values ($1, $2, $3)
        on conflict (what, channel_id) do update set seq = greatest(m.seq, excluded.seq)",
        word(what),
        channel,
        upto,
        left
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Messages of a channel that were left, in the order of their ids, past `after`.
pub async fn left(
    conn: impl PgExecutor<'_>,
    what: What,
    channel: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        "select external_id from retention_left where what = $1 and channel_id = $2 and external_id > $3
        order by external_id limit $4",
        word(what),
        channel,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Messages that were left are done now.
pub async fn unleave(conn: &mut PgConnection, what: What, channel: i64, ids: &[String]) -> Result<()> {
    sqlx::query!(
        "delete from retention_left where what = $1 and channel_id = $2 and external_id = any($3)",
        word(what),
        channel,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which messages have something to come still: to be delivered, told, looked up or settled by an operator.
pub async fn unsettled(conn: &mut PgConnection, channel: i64, ids: &[String]) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        "select external_id from messages
        where channel_id = $1 and external_id = any($2)
            and not (wake_at is null and in_flight is null and doubt is null and (parked is not null
                or (helpdesk_message_id is not null and provider_message_id is not null)))",
        channel,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Empties settled messages and their records at the provider: the text and the vendor's payload go; ids, times, status and
/// files' names stay. Gives how many messages were emptied. Records are locked first, as evidence does.
pub async fn empty(
    conn: &mut PgConnection,
    channel: i64,
    account: i64,
    ids: &[String],
    now: DateTime<Utc>,
) -> Result<u64> {
    let records = sqlx::query_scalar!(
        r#"select p.provider_message_id as "id!" from provider_messages p
        where p.account_id = $2 and not p.held and p.provider_message_id in (
            select m.provider_message_id from messages m
                where m.channel_id = $1 and m.external_id = any($3) and m.provider_message_id is not null
            union select t.detail from attempts t
                where t.channel_id = $1 and t.external_id = any($3) and t.outcome = 'copy_at_provider')
        order by p.provider_message_id for update"#,
        channel,
        account,
        ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let emptied = sqlx::query_scalar!(
        "update messages set body = '', data = '{}', emptied_at = $3, row_updated_at = now()
        where channel_id = $1 and external_id = any($2) and emptied_at is null
            and wake_at is null and in_flight is null and doubt is null
            and (parked is not null or (helpdesk_message_id is not null and provider_message_id is not null))
        returning external_id",
        channel,
        ids,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    // A record whose message has something to come keeps its text for it.
    sqlx::query!(
        "update provider_messages set body = null, data = null, emptied_at = $3, row_updated_at = now()
        where account_id = $1 and provider_message_id = any($2) and emptied_at is null
            and not exists (
                select from messages m where m.channel_id = $4
                    and m.provider_message_id = provider_messages.provider_message_id and m.emptied_at is null)",
        account,
        &records,
        now,
        channel
    )
    .execute(conn)
    .await?;
    Ok(emptied.len() as u64)
}

/// Where going through the records without a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When we learnt of the last one that was looked at.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: String,
}

/// Empties records of a provider's account that are no message of ours, up to `limit` past a place. Kept are those that
/// wait for a send of unknown outcome, and those to people for whom there is such a send: their text tells which it is.
/// Gives how many were emptied, and where to go on; none at the end.
pub async fn empty_unbound(
    conn: &mut PgConnection,
    account: i64,
    before: DateTime<Utc>,
    after: &Place,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<(u64, Option<Place>)> {
    let rows = sqlx::query!(
        r#"select p.provider_message_id, p.created_at, p.held or exists (
                select from channels c join messages m on m.channel_id = c.id
                where c.provider_account_id = p.account_id and m.external_conversation_id = p.recipient
                    and m.origin = 'helpdesk' and m.provider_message_id is null and m.attempted_at is not null
            ) as "kept!"
        from provider_messages p
        where p.account_id = $1 and p.channel_id is null and p.emptied_at is null and p.created_at < $2
            and (p.created_at, p.provider_message_id) > ($3, $4)
        order by p.created_at, p.provider_message_id limit $5 for update of p"#,
        account,
        before,
        after.at,
        after.id,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let last = rows.last().map(|row| Place { at: row.created_at, id: row.provider_message_id.clone() });
    let ids: Vec<String> =
        rows.into_iter().filter(|row| !row.kept).map(|row| row.provider_message_id).collect();
    sqlx::query!(
        "update provider_messages set body = null, data = null, emptied_at = $3, row_updated_at = now()
        where account_id = $1 and provider_message_id = any($2)",
        account,
        &ids,
        now
    )
    .execute(conn)
    .await?;
    Ok((ids.len() as u64, last))
}

/// Deletes lines of messages' stories that are older. Gives how many, and which messages have lines that go later. What says
/// that the provider has a message twice stays: nothing else tells whose the copy is, and its text goes with the message's.
pub async fn forget_lines(
    conn: &mut PgConnection,
    channel: i64,
    ids: &[String],
    before: DateTime<Utc>,
) -> Result<(u64, Vec<String>)> {
    let done = sqlx::query!(
        "delete from attempts where channel_id = $1 and external_id = any($2) and at < $3
            and outcome is distinct from 'copy_at_provider'",
        channel,
        ids,
        before
    )
    .execute(&mut *conn)
    .await?;
    let left = sqlx::query_scalar!(
        "select distinct external_id from attempts
        where channel_id = $1 and external_id = any($2) and outcome is distinct from 'copy_at_provider'",
        channel,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok((done.rows_affected(), left))
}

/// Which of these messages have files with us.
pub async fn with_files(conn: &mut PgConnection, channel: i64, ids: &[String]) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select external_id from messages
        where channel_id = $1 and external_id = any($2) and media @> '[{"state": "kept"}]'
        order by external_id"#,
        channel,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
