//! Erasing a person. What stays of their messages is counts, times and ids; in place of the address stands a token, made
//! of it with the installation's key, by which what is from before is known when it comes again.

use crate::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

/// An address of the person, and the token that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The address as it stands in the tables.
    pub address: String,
    /// What takes its place.
    pub token: String,
}

impl Person {
    /// A name of ours that ends in the address (or has it before the part of a text), with the token in its place.
    pub fn renamed(&self, external_id: &str) -> String {
        external_id.replace(&format!("-{}", self.address), &format!("-{}", self.token))
    }
}

/// Writes down that somebody is erased from now on.
pub async fn record(conn: &mut PgConnection, token: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into erasures as e (person, erased_at) values ($1, $2)
        on conflict (person) do update set erased_at = greatest(e.erased_at, excluded.erased_at), times = e.times + 1,
            before = e.erased_at",
        token,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody is not to be erased after all, as was asked for at `at` and not begun: the erasure before it counts again, if
/// there was one. Nothing is changed where they were erased anew since.
pub async fn take_back(conn: &mut PgConnection, token: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "with gone as (delete from erasures where person = $1 and erased_at = $2 and before is null)
        update erasures set erased_at = before, before = null, times = times - 1
        where person = $1 and erased_at = $2 and before is not null",
        token,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these people were erased, and when.
pub async fn known(conn: &mut PgConnection, tokens: &[String]) -> Result<Vec<(String, DateTime<Utc>)>> {
    let known = sqlx::query!("select person, erased_at from erasures where person = any($1)", tokens)
        .fetch_all(conn)
        .await?;
    Ok(known.into_iter().map(|row| (row.person, row.erased_at)).collect())
}

/// Transactions that have looked who is erased and are not over: what they bring in may be of somebody who was erased
/// since. A table's lock is held to the end of the transaction, also where it has written nothing yet.
pub async fn lookers(conn: impl PgExecutor<'_>) -> Result<Vec<String>> {
    let lookers = sqlx::query_scalar!(
        r#"select distinct virtualtransaction as "looker!" from pg_locks
        where locktype = 'relation' and relation = 'erasures'::regclass and pid <> pg_backend_pid()
            and database = (select oid from pg_database where datname = current_database())"#
    )
    .fetch_all(conn)
    .await?;
    Ok(lookers)
}

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

/// Erases a person from one of their messages, its records at the provider, its story and the requests that are known to
/// be about it. False when something has come to be tried for it meanwhile, and nothing was written.
pub async fn erase_message(
    conn: &mut PgConnection,
    row: &Row,
    person: &Person,
    even_pending: bool,
    now: DateTime<Utc>,
) -> Result<bool> {
    let Person { address, token } = person;
    let renamed =
        if row.named_by_helpdesk { person.renamed(&row.external_id) } else { row.external_id.clone() };
    // Records before messages, as evidence locks them.
    let records = lock_records(&mut *conn, row).await?;
    let done = sqlx::query!(
        "update messages set external_id = $7, external_conversation_id = $4,
            sender = case when sender = $3 then $4 else sender end,
            recipient = case when recipient = $3 then $4 else recipient end, body = '', data = '{}', media = '[]',
            last_error = null, provider_error_message = null, emptied_at = $6, row_updated_at = now(),
            parked = case when wake_at is not null or doubt is not null then 'refused' else parked end,
            helpdesk_status = case when wake_at is not null or doubt is not null
                then coalesce(helpdesk_status, 'untold') else helpdesk_status end,
            wake_at = null, doubt = null, doubt_at = null
        where channel_id = $1 and external_id = $2 and in_flight is null and ($5 or (wake_at is null and doubt is null
            and (parked is not null or (helpdesk_message_id is not null and provider_message_id is not null))))",
        row.channel_id,
        row.external_id,
        address,
        token,
        even_pending,
        now,
        renamed
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    erase_records(&mut *conn, row.account_id, &records, person, now).await?;
    // The helpdesk's payload of a message to several people names them all.
    sqlx::query!(
        "update messages m set data = '{}', row_updated_at = now()
        from messages own
        where own.channel_id = $1 and own.external_id = $2 and own.origin = 'helpdesk'
            and m.channel_id = own.channel_id and m.helpdesk_message_id = own.helpdesk_message_id
            and m.external_id <> own.external_id and m.data <> '{}'",
        row.channel_id,
        renamed
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update webhook_log w set body = '', url = split_part(w.url, '?', 1), erased = true
        from attempts t
        where t.channel_id = $1 and t.external_id = $2 and t.webhook_id is not null
            and w.received_at = t.at and w.id = t.webhook_id and not w.erased",
        row.channel_id,
        row.external_id
    )
    .execute(&mut *conn)
    .await?;
    // Events name their message by an id that may hold the number.
    sqlx::query!(
        "update deliveries set external_id = $3 where channel_id = $1 and external_id = $2",
        row.channel_id,
        row.external_id,
        renamed
    )
    .execute(&mut *conn)
    .await?;
    rename_left_over(&mut *conn, row, &renamed).await?;
    sqlx::query!(
        "update attempts set external_id = $3,
            detail = case when outcome = 'copy_at_provider' then detail end
        where channel_id = $1 and external_id = $2",
        row.channel_id,
        row.external_id,
        renamed
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// What retention has yet to do names its message as well.
async fn rename_left_over(conn: &mut PgConnection, row: &Row, renamed: &str) -> Result<()> {
    sqlx::query!(
        "with left_over as (
            update retention_left set external_id = $3 where channel_id = $1 and external_id = $2)
        update media_let_go set external_id = $3 where channel_id = $1 and external_id = $2",
        row.channel_id,
        row.external_id,
        renamed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The ids of a message's records at the provider, locked.
async fn lock_records(conn: &mut PgConnection, row: &Row) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select p.provider_message_id as "id!" from provider_messages p
        where p.account_id = $2 and p.provider_message_id in (
            select m.provider_message_id from messages m where m.channel_id = $1 and m.external_id = $3
            union select t.detail from attempts t
                where t.channel_id = $1 and t.external_id = $3 and t.outcome = 'copy_at_provider')
        order by p.provider_message_id for update"#,
        row.channel_id,
        row.account_id,
        row.external_id
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

async fn erase_records(
    conn: &mut PgConnection,
    account: i64,
    ids: &[String],
    person: &Person,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update provider_messages set sender = case when sender = $3 then $4 else sender end,
            recipient = case when recipient = $3 then $4 else recipient end, body = null, data = null, files = '[]',
            error_message = null, reference = replace(reference, '-' || $3, '-' || $4), held = false,
            emptied_at = $5, row_updated_at = now()
        where account_id = $1 and provider_message_id = any($2)",
        account,
        ids,
        person.address,
        person.token,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Erases a person from messages at the providers that are none of ours. Gives how many.
pub async fn erase_unbound(
    conn: &mut PgConnection,
    person: &Person,
    upto: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<u64> {
    let rows = sqlx::query!(
        r#"select p.account_id as "account!", p.provider_message_id as "id!" from accounts a join provider_messages p
            on p.account_id = a.id and p.channel_id is null and (p.recipient = $1 or p.sender = $1)
        where (p.created_at <= $2 or p.date_created <= $2) order by p.account_id, p.provider_message_id limit $3 for update of p"#,
        person.address,
        upto,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let count = rows.len() as u64;
    for row in rows {
        erase_records(&mut *conn, row.account, &[row.id], person, now).await?;
    }
    Ok(count)
}

/// What they said about being texted stays, under the token: they would be texted again otherwise. Conversations go.
/// Gives how many of each.
pub async fn erase_conversations(
    conn: &mut PgConnection,
    person: &Person,
    upto: DateTime<Utc>,
) -> Result<(u64, u64)> {
    let consents = sqlx::query!(
        "update consents set external_conversation_id = $2, text = ''
        where channel_id in (select id from channels) and external_conversation_id = $1 and (created_at <= $3 or at <= $3)",
        person.address,
        person.token,
        upto
    )
    .execute(&mut *conn)
    .await?;
    let conversations = sqlx::query!(
        "delete from conversations s
        where channel_id in (select id from channels) and external_conversation_id = $1 and created_at <= $2
            and not exists (select from messages m
                where m.channel_id = s.channel_id and m.external_conversation_id = s.external_conversation_id)",
        person.address,
        upto
    )
    .execute(conn)
    .await?;
    Ok((consents.rows_affected(), conversations.rows_affected()))
}

/// Where searching the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the last one that was looked at came.
    pub at: DateTime<Utc>,
    /// Its number.
    pub id: i64,
}

/// Empties logged requests in which one of these words occurs, looking at up to `limit` past a place. Gives how many were
/// emptied, and where to go on; none at the end.
pub async fn erase_webhooks(
    conn: &mut PgConnection,
    words: &[String],
    after: Place,
    upto: DateTime<Utc>,
    limit: i64,
) -> Result<(u64, Option<Place>)> {
    let rows = sqlx::query!(
        r#"select w.received_at, w.id, not w.erased and exists (
                select from unnest($4::text[]) word
                where position(convert_to(word, 'UTF8') in w.body) > 0 or position(word in w.url) > 0) as "hit!"
        from webhook_log w
        where w.received_at >= $1 and (w.received_at, w.id) > ($1, $2) and w.received_at <= $3
        order by w.received_at, w.id limit $5"#,
        after.at,
        after.id,
        upto,
        words,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let last = rows.last().map(|row| Place { at: row.received_at, id: row.id });
    let (times, ids): (Vec<_>, Vec<_>) =
        rows.into_iter().filter(|row| row.hit).map(|row| (row.received_at, row.id)).unzip();
    if ids.is_empty() {
        return Ok((0, last));
    }
    sqlx::query!(
        "update webhook_log w set body = '', url = split_part(w.url, '?', 1), erased = true
        from unnest($1::timestamptz[], $2::bigint[]) as hit (at, id)
        where w.received_at = hit.at and w.id = hit.id",
        &times,
        &ids
    )
    .execute(conn)
    .await?;
    Ok((ids.len() as u64, last))
}
