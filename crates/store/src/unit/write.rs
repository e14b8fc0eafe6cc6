//! The statements that write a unit: one for each kind of thing, whatever their number.

use super::{Key, Line, Unit};
use crate::events::{DELIVERIES, NOTIFY, ROWS};
use crate::messages::{media, places};
use crate::provider_messages::{Record, files};
use crate::webhook_log::Received;
use crate::words::{word, word_of};
use crate::work::WAKE;
use crate::{Error, Result};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use twinwire_core::event::Happened;
use twinwire_core::model::Message;
use twinwire_core::payload::Payload;

/// What happened to rows: their channels, ids, and the words.
#[derive(Debug, Default)]
struct News {
    channels: Vec<i64>,
    ids: Vec<String>,
    words: Vec<&'static str>,
}

impl News {
    fn add(&mut self, (channel, id): &Key, happened: Vec<Happened>) {
        for what in happened {
            self.channels.push(*channel);
            self.ids.push(id.clone());
            self.words.push(what.word());
        }
    }
}

/// What only adds, and is written by one statement.
#[derive(Debug, Default)]
struct Additions {
    born: Vec<(i64, Message)>,
    news: News,
    threads: Vec<(Key, String)>,
    requests: Vec<(i64, Received)>,
    lines: Vec<Line>,
    woken: Vec<i64>,
}

impl Additions {
    fn is_empty(&self) -> bool {
        let others = self.threads.is_empty() && self.requests.is_empty() && self.lines.is_empty();
        self.born.is_empty() && others && self.woken.is_empty()
    }
}

impl Unit {
    /// Writes what is kept. Afterwards nothing is.
    pub(super) async fn write(&mut self) -> Result<()> {
        self.write_records().await?;
        let additions = self.additions();
        let (changed, news) = self.changes();
        if !changed.is_empty() {
            // Rows that are made and changed are made first.
            add(self.conn().await?, additions).await?;
            change(self.conn().await?, changed, news).await
        } else if additions.is_empty() {
            Ok(())
        } else if let Some(tx) = &mut self.tx {
            add(tx, additions).await
        } else {
            add(&mut *self.pool.acquire().await?, additions).await
        }
    }

    fn additions(&mut self) -> Additions {
        let mut additions = Additions {
            threads: std::mem::take(&mut self.threads).into_iter().collect(),
            requests: std::mem::take(&mut self.requests),
            lines: std::mem::take(&mut self.lines),
            woken: std::mem::take(&mut self.woken).into_iter().collect(),
            ..Additions::default()
        };
        for key in std::mem::take(&mut self.born) {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            let Some(born) = row.born.take() else { continue };
            if row.was.is_none() {
                additions.news.add(&key, std::mem::take(&mut row.happened));
            }
            additions.born.push((key.0, born));
        }
        additions
    }

    fn changes(&mut self) -> (Vec<(i64, Message, Message)>, News) {
        let (mut changed, mut news) = (Vec::new(), News::default());
        for (key, row) in &mut self.rows {
            let Some(was) = row.was.take() else { continue };
            let Some(now) = &row.now else { continue };
            news.add(key, std::mem::take(&mut row.happened));
            changed.push((key.0, was, now.clone()));
        }
        (changed, news)
    }

    async fn write_records(&mut self) -> Result<()> {
        let mut new = Vec::new();
        for key in std::mem::take(&mut self.new_records) {
            let Some(kept) = self.records.get_mut(&key) else { continue };
            (kept.says_more, kept.placed) = (false, false);
            new.extend(kept.now.clone().map(|record| (key.0, record)));
        }
        let (mut more, mut placed) = (Vec::new(), Vec::new());
        for (key, kept) in &mut self.records {
            let Some(record) = &kept.now else { continue };
            if std::mem::take(&mut kept.says_more) {
                more.push((key.0, record.clone()));
            }
            if std::mem::take(&mut kept.placed) {
                placed.push((key.0, record.clone()));
            }
        }
        if !new.is_empty() {
            add_records(self.conn().await?, &new).await?;
        }
        if !more.is_empty() {
            change_records(self.conn().await?, &more).await?;
        }
        if !placed.is_empty() {
            place_records(self.conn().await?, &placed).await?;
        }
        Ok(())
    }
}

/// Something of each.
fn each<'a, T, U>(all: &'a [T], of: impl Fn(&'a T) -> U) -> Vec<U> {
    all.iter().map(of).collect()
}

fn each_media<'a>(messages: impl Iterator<Item = &'a Message>) -> Result<Vec<Value>> {
    messages.map(media).collect()
}

/// Adds rows, requests, lines and the like. The rows that are made are told of where somebody wants to hear of it.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
async fn add(conn: &mut PgConnection, additions: Additions) -> Result<()> {
    let Additions { born, news, threads, requests, lines, woken } = additions;
    let media = each_media(born.iter().map(|(_, message)| message))?;
    sqlx::query!(
        r#"with logged as (
            insert into webhook_log (id, received_at, connector, hook, channel_id, event, method, url, content_type, body,
                status, unverified)
            overriding system value
            select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                $7::text[], $8::text[], $9::text[], $10::bytea[], $11::integer[], $12::text[])),
        made as (
            insert into messages (channel_id, external_id, origin, direction, external_conversation_id, sender, recipient,
                body, data, occurred_at, helpdesk_message_id, provider_message_id, provider_bound_by, provider_status,
                provider_error_code, provider_error_message, provider_updated_at, last_error, parked, wake_at, created_at,
                media, part, parts)
            select * from unnest($13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                $20::text[], $21::jsonb[], $22::timestamptz[], $23::text[], $24::text[], $25::text[], $26::text[],
                $27::text[], $28::text[], $29::timestamptz[], $30::text[], $31::text[], $32::timestamptz[],
                $33::timestamptz[], $34::jsonb[], $35::integer[], $36::integer[])
            on conflict (channel_id, external_id) do nothing
            returning channel_id, external_id, seq, row_updated_at),
        threads as (
            insert into conversations (channel_id, external_conversation_id, helpdesk_thread_id)
            select t.* from unnest($37::bigint[], $38::text[], $39::text[]) as t (channel_id, conversation, thread)
            where not exists (
                select from conversations c
                where c.channel_id = t.channel_id and c.external_conversation_id = t.conversation
                    and c.helpdesk_thread_id is not null)
            on conflict (channel_id, external_conversation_id) do update
                set helpdesk_thread_id = coalesce(conversations.helpdesk_thread_id, excluded.helpdesk_thread_id)),
        lines as (
            insert into attempts (channel_id, external_id, at, step, act, outcome, detail, owner, fence, way, webhook_id,
                event)
            select * from unnest($40::bigint[], $41::text[], $42::timestamptz[], $43::text[], $44::text[], $45::text[],
                $46::text[], $47::text[], $48::bigint[], $49::text[], $50::bigint[], $51::text[])),
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
        woken as (select pg_notify($58, w::text) from unnest($59::bigint[]) w)
        select all_made((select count(*) from made), cardinality($13::bigint[])) as "made!",
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
        &each(&lines, |line| line.channel),
        &each(&lines, |line| line.external_id.as_str()) as &[&str],
        &each(&lines, |line| line.at),
        &each(&lines, |line| line.step) as &[&str],
        &each(&lines, |line| line.act.as_deref()) as &[Option<&str>],
        &each(&lines, |line| line.outcome.as_deref()) as &[Option<&str>],
        &each(&lines, |line| line.detail.as_deref()) as &[Option<&str>],
        &each(&lines, |line| line.by.as_ref().map(|(owner, _)| owner.as_str())) as &[Option<&str>],
        &each(&lines, |line| line.by.as_ref().map(|(_, fence)| *fence)) as &[Option<i64>],
        &each(&lines, |line| line.way) as &[Option<&str>],
        &each(&lines, |line| line.webhook.as_ref().map(|(id, _)| *id)) as &[Option<i64>],
        &each(&lines, |line| line.webhook.as_ref().map(|(_, event)| event.as_str())) as &[Option<&str>],
        &news.channels,
        &news.ids,
        &news.words as &[&str],
        ROWS,
        NOTIFY,
        DELIVERIES,
        WAKE,
        &woken,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Changes rows that were locked. What is long and has not changed is not sent.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
async fn change(conn: &mut PgConnection, changed: Vec<(i64, Message, Message)>, news: News) -> Result<()> {
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
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

fn news_of<'a>(was: &str, now: &'a str) -> Option<&'a str> {
    (was != now).then_some(now)
}

type Records<'a> = &'a [(i64, Record)];

async fn add_records(conn: &mut PgConnection, records: Records<'_>) -> Result<()> {
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

async fn change_records(conn: &mut PgConnection, records: Records<'_>) -> Result<()> {
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

async fn place_records(conn: &mut PgConnection, records: Records<'_>) -> Result<()> {
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
