//! What providers have.

use super::each;
use crate::provider_messages::{Record, files};
use crate::words::{word, word_of};
use crate::{Error, Result};
use sqlx::PgConnection;
use sqlx::types::Json;
use twinwire_core::payload::Payload;

type Records<'a> = &'a [(i64, Record)];

pub(super) async fn add_records(conn: &mut PgConnection, records: Records<'_>) -> Result<()> {
    let all_files = records.iter().map(|(_, record)| files(&record.seen)).collect::<Result<Vec<_>>>()?;
    let done = sqlx::query!(
        "insert into provider_messages (account_id, provider_message_id, direction, sender, recipient, body, files, said,
            status, error_code, error_message, date_created, date_sent, date_updated, reference, data, channel_id, held)
        select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::text[],
            $16::jsonb[], $17::bigint[], $18::boolean[])
        on conflict do nothing",
        &each(records, |(account, _)| *account),
        &each(records, |(_, record)| record.seen.id.as_str()) as &[&str],
        &each(records, |(_, record)| word(record.seen.direction)),
        &each(records, |(_, record)| record.seen.from.as_str()) as &[&str],
        &each(records, |(_, record)| record.seen.to.as_str()) as &[&str],
        &each(records, |(_, record)| record.seen.body.as_deref()) as &[Option<&str>],
        &all_files,
        &each(records, |(_, record)| word_of(record.seen.said)) as &[Option<String>],
        &each(records, |(_, record)| word_of(record.seen.status)) as &[Option<String>],
        &each(records, |(_, record)| record.seen.error_code.as_deref()) as &[Option<&str>],
        &each(records, |(_, record)| record.seen.error_message.as_deref()) as &[Option<&str>],
        &each(records, |(_, record)| record.seen.created_at) as &[Option<_>],
        &each(records, |(_, record)| record.seen.sent_at) as &[Option<_>],
        &each(records, |(_, record)| record.seen.updated_at) as &[Option<_>],
        &each(records, |(_, record)| record.seen.reference.as_deref()) as &[Option<&str>],
        &each(records, |(_, record)| record.seen.data.as_ref().map(Json)) as &[Option<Json<&Payload>>],
        &each(records, |(_, record)| record.channel) as &[Option<i64>],
        &each(records, |(_, record)| record.held),
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == records.len() as u64 { Ok(()) } else { Err(Error::Overtaken) }
}

pub(super) async fn change_records(conn: &mut PgConnection, records: Records<'_>) -> Result<()> {
    let all_files = records.iter().map(|(_, record)| files(&record.seen)).collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        "update provider_messages p set sender = u.sender, recipient = u.recipient, body = u.body, files = u.files,
            said = u.said, status = u.status, error_code = u.error_code, error_message = u.error_message,
            date_created = u.date_created, date_sent = u.date_sent, date_updated = u.date_updated, reference = u.reference,
            data = u.data, row_updated_at = now()
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::jsonb[])
            as u (account_id, id, sender, recipient, body, files, said, status, error_code, error_message, date_created,
                date_sent, date_updated, reference, data)
        where p.account_id = u.account_id and p.provider_message_id = u.id",
        &each(records, |(account, _)| *account),
        &each(records, |(_, record)| record.seen.id.as_str()) as &[&str],
        &each(records, |(_, record)| record.seen.from.as_str()) as &[&str],
        &each(records, |(_, record)| record.seen.to.as_str()) as &[&str],
        &each(records, |(_, record)| record.seen.body.as_deref()) as &[Option<&str>],
        &all_files,
        &each(records, |(_, record)| word_of(record.seen.said)) as &[Option<String>],
        &each(records, |(_, record)| word_of(record.seen.status)) as &[Option<String>],
        &each(records, |(_, record)| record.seen.error_code.as_deref()) as &[Option<&str>],
        &each(records, |(_, record)| record.seen.error_message.as_deref()) as &[Option<&str>],
        &each(records, |(_, record)| record.seen.created_at) as &[Option<_>],
        &each(records, |(_, record)| record.seen.sent_at) as &[Option<_>],
        &each(records, |(_, record)| record.seen.updated_at) as &[Option<_>],
        &each(records, |(_, record)| record.seen.reference.as_deref()) as &[Option<&str>],
        &each(records, |(_, record)| record.seen.data.as_ref().map(Json)) as &[Option<Json<&Payload>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn place_records(conn: &mut PgConnection, records: Records<'_>) -> Result<()> {
    sqlx::query!(
        "update provider_messages p set channel_id = u.channel_id, held = u.held
        from unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[]) as u (account_id, id, channel_id, held)
        where p.account_id = u.account_id and p.provider_message_id = u.id",
        &each(records, |(account, _)| *account),
        &each(records, |(_, record)| record.seen.id.as_str()) as &[&str],
        &each(records, |(_, record)| record.channel) as &[Option<i64>],
        &each(records, |(_, record)| record.held),
    )
    .execute(conn)
    .await?;
    Ok(())
}
