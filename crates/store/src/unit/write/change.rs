//! What changes messages.

use super::{Line, Lines, News, each};
use crate::Result;
use crate::events::{DELIVERIES, NOTIFY, ROWS};
use crate::messages::media;
use crate::words::word_of;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use twinwire_core::model::Message;
use twinwire_core::payload::Payload;

/// Changes rows that were locked, and adds to their story. What is long and has not changed is not sent.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
pub(super) async fn change(
    conn: &mut PgConnection,
    changed: Vec<(i64, Message, Message)>,
    news: News,
    lines: Vec<Line>,
) -> Result<()> {
    let lines = Lines::from(lines);
    let media = changed.iter().map(|(_, was, now)| (was.media != now.media).then(|| media(now)).transpose());
    let media: Vec<Option<Value>> = media.collect::<Result<_>>()?;
    sqlx::query!(
        r#"with changed as (
            update messages m set sender = coalesce(u.sender, m.sender), recipient = coalesce(u.recipient, m.recipient),
                body = coalesce(u.body, m.body), data = coalesce(u.data, m.data), media = coalesce(u.media, m.media),
                occurred_at = u.occurred_at, helpdesk_message_id = u.helpdesk_message_id,
                provider_message_id = u.provider_message_id, provider_bound_by = u.provider_bound_by,
                provider_status = u.provider_status, provider_error_code = u.provider_error_code,
                provider_error_message = u.provider_error_message, provider_updated_at = u.provider_updated_at,
                helpdesk_status = u.helpdesk_status, in_flight = u.in_flight, in_flight_at = u.in_flight_at,
                doubt = u.doubt, doubt_at = u.doubt_at, attempted_at = u.attempted_at, failures = u.failures,
                last_error = u.last_error, parked = u.parked, wake_at = u.wake_at, row_updated_at = now()
            from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[],
                $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                $15::timestamptz[], $16::text[], $17::text[], $18::timestamptz[], $19::text[], $20::timestamptz[],
                $21::timestamptz[], $22::integer[], $23::text[], $24::text[], $25::timestamptz[])
                as u (channel_id, external_id, sender, recipient, body, data, media, occurred_at, helpdesk_message_id,
                    provider_message_id, provider_bound_by, provider_status, provider_error_code, provider_error_message,
                    provider_updated_at, helpdesk_status, in_flight, in_flight_at, doubt, doubt_at, attempted_at, failures,
                    last_error, parked, wake_at)
            where m.channel_id = u.channel_id and m.external_id = u.external_id
            returning m.channel_id, m.external_id, m.seq, m.row_updated_at),
        lines as (
            insert into attempts (channel_id, external_id, at, step, act, outcome, detail, owner, fence, way, webhook_id,
                event)
            select * from unnest($32::bigint[], $33::text[], $34::timestamptz[], $35::text[], $36::text[], $37::text[],
                $38::text[], $39::text[], $40::bigint[], $41::text[], $42::bigint[], $43::text[])),
        happened as (
            select m.*, h.word, h.nth
            from unnest($26::bigint[], $27::text[], $28::text[]) with ordinality as h (channel_id, external_id, word, nth)
                join changed m using (channel_id, external_id)),
        outbox as (
            insert into deliveries (endpoint_id, event_type, channel_id, external_id)
            select e.id, 'message.' || h.word, h.channel_id, h.external_id from endpoints e cross join happened h
            where e.state in ('active', 'paused') and (e.channel_id is null or e.channel_id = h.channel_id)
                and (e.event_types = '{}' or 'message.' || h.word = any (e.event_types))
            order by h.nth, e.id
            returning 1),
        told as (
            select pg_notify($29, json_build_object('table', 'messages', 'channel', c.public_id, 'message', h.seq,
                'what', h.word, 'row_updated_at', h.row_updated_at)::text)
            from installation i cross join happened h join channels c on c.id = h.channel_id
            where i.name = $30 and i.value = 'yes'
            order by h.nth),
        announced as (select pg_notify($31, '') from (select 1 from outbox limit 1) one)
        select (select count(*) from changed) as "changed!",
            (select count(*) from told) + (select count(*) from announced) as "told!""#,
        &each(&changed, |(channel, ..)| *channel),
        &each(&changed, |(_, _, now)| now.external_id.as_str()) as &[&str],
        &each(&changed, |(_, was, now)| news_of(&was.sender, &now.sender)) as &[Option<&str>],
        &each(&changed, |(_, was, now)| news_of(&was.recipient, &now.recipient)) as &[Option<&str>],
        &each(&changed, |(_, was, now)| news_of(&was.body, &now.body)) as &[Option<&str>],
        &each(&changed, |(_, was, now)| (was.data != now.data).then_some(Json(&now.data)))
            as &[Option<Json<&Payload>>],
        &media as &[Option<Value>],
        &each(&changed, |(_, _, now)| now.occurred_at),
        &each(&changed, |(_, _, now)| now.helpdesk_message_id.as_deref()) as &[Option<&str>],
        &each(&changed, |(_, _, now)| now.provider_message_id.as_deref()) as &[Option<&str>],
        &each(&changed, |(_, _, now)| word_of(now.bound_by)) as &[Option<String>],
        &each(&changed, |(_, _, now)| word_of(now.provider_status)) as &[Option<String>],
        &each(&changed, |(_, _, now)| now.provider_error_code.as_deref()) as &[Option<&str>],
        &each(&changed, |(_, _, now)| now.provider_error_message.as_deref()) as &[Option<&str>],
        &each(&changed, |(_, _, now)| now.provider_updated_at) as &[Option<_>],
        &each(&changed, |(_, _, now)| word_of(now.helpdesk_status)) as &[Option<String>],
        &each(&changed, |(_, _, now)| word_of(now.in_flight.map(|begun| begun.act))) as &[Option<String>],
        &each(&changed, |(_, _, now)| now.in_flight.map(|begun| begun.at)) as &[Option<_>],
        &each(&changed, |(_, _, now)| word_of(now.doubt.map(|begun| begun.act))) as &[Option<String>],
        &each(&changed, |(_, _, now)| now.doubt.map(|begun| begun.at)) as &[Option<_>],
        &each(&changed, |(_, _, now)| now.attempted_at) as &[Option<_>],
        &each(&changed, |(_, _, now)| i32::try_from(now.failures).unwrap_or(i32::MAX)),
        &each(&changed, |(_, _, now)| now.last_error.as_deref()) as &[Option<&str>],
        &each(&changed, |(_, _, now)| word_of(now.parked)) as &[Option<String>],
        &each(&changed, |(_, _, now)| now.wake_at) as &[Option<_>],
        &news.channels,
        &news.ids,
        &news.words as &[&str],
        ROWS,
        NOTIFY,
        DELIVERIES,
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
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

fn news_of<'a>(was: &str, now: &'a str) -> Option<&'a str> {
    (was != now).then_some(now)
}
