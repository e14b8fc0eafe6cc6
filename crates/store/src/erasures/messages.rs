//! Erasing somebody from messages, from their records at the provider and from conversations.

use super::{Person, Row};
use crate::Result;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

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
