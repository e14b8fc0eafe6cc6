//! What only adds.

use super::{Additions, Lines, each, each_media};
use crate::events::{DELIVERIES, NOTIFY, ROWS};
use crate::messages::places;
use crate::words::{word, word_of};
use crate::work::WAKE;
use crate::{Error, Result};
use sqlx::PgConnection;
use sqlx::types::Json;
use twinwire_core::payload::Payload;

/// Adds rows, requests, lines and the like; nothing where a row is there that was presumed not to be. A row that another
/// transaction makes at the same time may be met by its id at either side before it is met by ours: all of them make it a
/// conflict. The rows that are made are told of where somebody wants to hear of it.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
pub(super) async fn add(conn: &mut PgConnection, additions: Additions) -> Result<()> {
    let Additions { presumed, born, news, threads, requests, lines, woken } = additions;
    let lines = Lines::from(lines);
    let media = each_media(born.iter().map(|(_, message)| message))?;
    let added = sqlx::query!(
        r#"with there as materialized (
            select from unnest($60::bigint[], $61::text[]) as w (channel, id) cross join lateral (
                select from messages m where m.channel_id = w.channel and m.external_id = w.id limit 1) m
            limit 1),
        logged as (
            insert into webhook_log (id, received_at, connector, hook, channel_id, event, method, url, content_type, body,
                status, unverified)
            overriding system value
            select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                $7::text[], $8::text[], $9::text[], $10::bytea[], $11::integer[], $12::text[])
            where not exists (select from there)),
        made as (
            insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
                body, data, occurred_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
                provider_error_code, provider_error_message, provider_updated_at, last_error, parked, wake_at, created_at,
                media, part, parts)
            select * from unnest($13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                $20::text[], $21::jsonb[], $22::timestamptz[], $23::text[], $24::text[], $25::text[], $26::text[],
                $27::text[], $28::text[], $29::timestamptz[], $30::text[], $31::text[], $32::timestamptz[],
                $33::timestamptz[], $34::jsonb[], $35::integer[], $36::integer[])
            where not exists (select from there)
            on conflict do nothing
            returning channel_id, external_id, seq, row_updated_at),
        threads as (
            insert into conversations (channel_id, external_conversation_id, helpdesk_thread_id)
            select t.* from unnest($37::bigint[], $38::text[], $39::text[]) as t (channel_id, conversation, thread)
            where not exists (select from there) and not exists (
                select from conversations c
                where c.channel_id = t.channel_id and c.external_conversation_id = t.conversation
                    and c.helpdesk_thread_id is not null)
            on conflict (channel_id, external_conversation_id) do update
                set helpdesk_thread_id = coalesce(conversations.helpdesk_thread_id, excluded.helpdesk_thread_id)),
        lines as (
            insert into attempts (channel_id, external_id, at, step, act, outcome, detail, owner, fence, way, webhook_id,
                event)
            select * from unnest($40::bigint[], $41::text[], $42::timestamptz[], $43::text[], $44::text[], $45::text[],
                $46::text[], $47::text[], $48::bigint[], $49::text[], $50::bigint[], $51::text[])
            where not exists (select from there)),
        happened as (
            select m.*, h.word, h.nth
            from unnest($52::bigint[], $53::text[], $54::text[]) with ordinality as h (channel_id, external_id, word, nth)
                join made m using (channel_id, external_id)),
        outbox as (
            insert into deliveries (endpoint_id, event_type, channel_id, external_id)
            select e.id, 'message.' || h.word, h.channel_id, h.external_id from endpoints e cross join happened h
            where e.state in ('active', 'paused') and (e.channel_id is null or e.channel_id = h.channel_id)
                and (e.event_types = '{}' or 'message.' || h.word = any (e.event_types))
            order by h.nth, e.id
            returning 1),
        told as (
            select pg_notify($55, json_build_object('table', 'messages', 'channel', c.public_id, 'message', h.seq,
                'what', h.word, 'row_updated_at', h.row_updated_at)::text)
            from installation i cross join happened h join channels c on c.id = h.channel_id
            where i.name = $56 and i.value = 'yes'
            order by h.nth),
        announced as (select pg_notify($57, '') from (select 1 from outbox limit 1) one),
        woken as (
            select pg_notify($58, w::text) from unnest($59::bigint[]) w where not exists (select from there))
        select case when exists (select from there) then false
                else all_made((select count(*) from made), cardinality($13::bigint[])) end as "made!",
            (select count(*) from told) + (select count(*) from announced) + (select count(*) from woken) as "told!""#,
        &each(&requests, |(number, _)| *number),
        &each(&requests, |(_, one)| one.at),
        &each(&requests, |(_, one)| one.connector.as_str()) as &[&str],
        &each(&requests, |(_, one)| one.hook.as_str()) as &[&str],
        &each(&requests, |(_, one)| one.channel),
        &each(&requests, |(_, one)| one.event.as_str()) as &[&str],
        &each(&requests, |(_, one)| one.method.as_str()) as &[&str],
        &each(&requests, |(_, one)| one.url.as_str()) as &[&str],
        &each(&requests, |(_, one)| one.content_type.as_deref()) as &[Option<&str>],
        &each(&requests, |(_, one)| one.body.as_slice()) as &[&[u8]],
        &each(&requests, |(_, one)| i32::from(one.status)),
        &each(&requests, |(_, one)| one.unverified.as_deref()) as &[Option<&str>],
        &each(&born, |(channel, _)| *channel),
        &each(&born, |(_, row)| row.external_id.as_str()) as &[&str],
        &each(&born, |(_, row)| word(row.origin)),
        &each(&born, |(_, row)| word(row.direction)),
        &each(&born, |(_, row)| row.conversation.as_str()) as &[&str],
        &each(&born, |(_, row)| row.sender.as_str()) as &[&str],
        &each(&born, |(_, row)| row.recipient.as_str()) as &[&str],
        &each(&born, |(_, row)| row.body.as_str()) as &[&str],
        &each(&born, |(_, row)| Json(&row.data)) as &[Json<&Payload>],
        &each(&born, |(_, row)| row.occurred_at),
        &each(&born, |(_, row)| row.helpdesk_message_id.as_deref()) as &[Option<&str>],
        &each(&born, |(_, row)| row.provider_message_id.as_deref()) as &[Option<&str>],
        &each(&born, |(_, row)| word_of(row.bound_by)) as &[Option<String>],
        &each(&born, |(_, row)| word_of(row.provider_status)) as &[Option<String>],
        &each(&born, |(_, row)| row.provider_error_code.as_deref()) as &[Option<&str>],
        &each(&born, |(_, row)| row.provider_error_message.as_deref()) as &[Option<&str>],
        &each(&born, |(_, row)| row.provider_updated_at) as &[Option<_>],
        &each(&born, |(_, row)| row.last_error.as_deref()) as &[Option<&str>],
        &each(&born, |(_, row)| word_of(row.parked)) as &[Option<String>],
        &each(&born, |(_, row)| row.wake_at) as &[Option<_>],
        &each(&born, |(_, row)| row.seen_at),
        &media,
        &each(&born, |(_, row)| places(row).0),
        &each(&born, |(_, row)| places(row).1),
        &each(&threads, |((channel, _), _)| *channel),
        &each(&threads, |((_, conversation), _)| conversation.as_str()) as &[&str],
        &each(&threads, |(_, thread)| thread.as_str()) as &[&str],
        &lines.channels,
        &lines.ids,
        &lines.times,
        &lines.steps as &[&str],
        &lines.acts as &[Option<String>],
        &lines.outcomes as &[Option<String>],
        &lines.details as &[Option<String>],
        &lines.owners as &[Option<String>],
        &lines.fences as &[Option<i64>],
        &lines.ways as &[Option<&str>],
        &lines.webhooks as &[Option<i64>],
        &lines.events as &[Option<String>],
        &news.channels,
        &news.ids,
        &news.words as &[&str],
        ROWS,
        NOTIFY,
        DELIVERIES,
        WAKE,
        &woken,
        &each(&presumed, |(channel, _)| *channel),
        &each(&presumed, |(_, id)| id.as_str()) as &[&str],
    )
    .fetch_one(conn)
    .await?;
    if added.made { Ok(()) } else { Err(Error::Overtaken) }
}
