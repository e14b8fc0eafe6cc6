//! What happened to a row, told to those who want to hear of it, in the transaction in which it happened.

use crate::Result;
use crate::installation;
use sqlx::PgConnection;
use twinwire_core::event::Happened;

/// The Postgres notification channel on which changes of rows are told, where the installation asks for it.
pub const ROWS: &str = "twinwire_rows";
/// The one on which new deliveries are announced to the processes that make them.
pub const DELIVERIES: &str = "twinwire_deliveries";

/// The fact that changes of rows are told by NOTIFY.
const NOTIFY: &str = "notify_rows";

/// Whether changes of rows are told by NOTIFY, from now on and by every process.
pub async fn set_notify(conn: &mut PgConnection, on: bool) -> Result<()> {
    installation::set(conn, NOTIFY, if on { b"yes" } else { b"no" }).await
}

/// Writes the outbox of endpoints that want to hear of it, and tells listeners. One round trip, and none where nothing
/// happened; where nobody listens, it finds nobody and writes nothing.
pub(crate) async fn record(
    conn: &mut PgConnection,
    channel: i64,
    external_id: &str,
    happened: &[Happened],
) -> Result<()> {
    if happened.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = happened.iter().map(|what| what.word().to_owned()).collect();
    sqlx::query!(
        "with happened as (select word, nth from unnest($3::text[]) with ordinality as h (word, nth)),
        written as (
            insert into deliveries (endpoint_id, event_type, channel_id, external_id)
            select e.id, 'message.' || h.word, $1, $2 from endpoints e cross join happened h
            where e.state in ('active', 'paused') and (e.channel_id is null or e.channel_id = $1)
                and (e.event_types = '{}' or 'message.' || h.word = any (e.event_types))
            order by h.nth, e.id
            returning 1),
        told as (
            select pg_notify($4, json_build_object('table', 'messages', 'channel', c.public_id, 'message', m.seq,
                'what', h.word, 'row_updated_at', m.row_updated_at)::text)
            from installation i, channels c, messages m, happened h
            where i.name = $5 and i.value = 'yes' and c.id = $1 and m.channel_id = $1 and m.external_id = $2
            order by h.nth),
        announced as (select pg_notify($6, '') from (select 1 from written limit 1) one)
        select (select count(*) from told) + (select count(*) from announced) as told",
        channel,
        external_id,
        &words[..],
        ROWS,
        NOTIFY,
        DELIVERIES,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}
