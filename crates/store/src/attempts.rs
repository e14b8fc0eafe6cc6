//! The story of a message, append only: the writing side. [`crate::story`] reads it.

use crate::Result;
use crate::unit::{self, Unit};
use crate::words::word_of;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use twinwire_core::model::Act;

/// A line of the story.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The channel.
    pub channel: i64,
    /// The message.
    pub external_id: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// Which process, under which lease; none for what evidence did.
    pub by: Option<(&'a str, i64)>,
}

/// An act begins.
pub fn begin(unit: &mut Unit, line: Line<'_>, act: Act) {
    write(unit, line, Entry { step: "begin", act: Some(act), ..Entry::default() });
}

/// An act's outcome is known. `outcome` is one word; `detail` is for people: the vendor's code, or its words where it
/// gave none. It stays in the database and goes to no log.
pub fn apply(unit: &mut Unit, line: Line<'_>, act: Act, outcome: &str, detail: Option<&str>) {
    let entry = Entry { step: "apply", act: Some(act), outcome: Some(outcome), detail, ..Entry::default() };
    write(unit, line, entry);
}

/// Something was decided without an outside call.
pub fn note(unit: &mut Unit, line: Line<'_>, outcome: &str, detail: Option<&str>) {
    write(unit, line, Entry { step: "note", outcome: Some(outcome), detail, ..Entry::default() });
}

/// What evidence brought.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// In words.
    pub what: &'a str,
    /// The vendor's error that came with it.
    pub error: Option<&'a str>,
    /// By which way it came: webhook, list, `look_up`, answer or operator.
    pub way: &'static str,
    /// The webhook: its number in the log, where it lies under the line's time, and the vendor's word for the event.
    pub webhook: Option<(i64, &'a str)>,
}

/// Evidence made or changed the message.
pub fn seen(unit: &mut Unit, line: Line<'_>, seen: Seen<'_>) {
    let entry = Entry {
        step: "seen",
        outcome: Some(seen.what),
        detail: seen.error,
        way: Some(seen.way),
        webhook: seen.webhook,
        ..Entry::default()
    };
    write(unit, line, entry);
}

#[derive(Clone, Copy, Default)]
struct Entry<'a> {
    step: &'static str,
    act: Option<Act>,
    outcome: Option<&'a str>,
    detail: Option<&'a str>,
    way: Option<&'static str>,
    webhook: Option<(i64, &'a str)>,
}

fn write(unit: &mut Unit, line: Line<'_>, entry: Entry<'_>) {
    unit.push(unit::Line {
        channel: line.channel,
        external_id: line.external_id.to_owned(),
        at: line.at,
        step: entry.step,
        act: word_of(entry.act),
        outcome: entry.outcome.map(str::to_owned),
        detail: entry.detail.map(str::to_owned),
        by: line.by.map(|(owner, fence)| (owner.to_owned(), fence)),
        way: entry.way,
        webhook: entry.webhook.map(|(id, event)| (id, event.to_owned())),
    });
}

/// What converging did in a channel since a line of the story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages sent at the provider.
    pub sent: i64,
    /// Messages brought into the helpdesk.
    pub synced: i64,
    /// Messages that could not be delivered.
    pub failed: i64,
}

/// Counts what converging did in a channel since `since` and, where that is said, before `until`.
pub async fn tally(
    conn: impl PgExecutor<'_>,
    channel: i64,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<Tally> {
    let row = sqlx::query!(
        r#"select
            count(*) filter (where a.outcome = 'done' and m.origin = 'helpdesk') as "sent!",
            count(*) filter (where a.outcome = 'done' and m.origin = 'provider') as "synced!",
            count(*) filter (where a.outcome = 'refused_for_good') as "failed!"
        from attempts a join messages m on m.channel_id = a.channel_id and m.external_id = a.external_id
        where a.channel_id = $1 and a.at >= $2 and ($3::timestamptz is null or a.at < $3) and a.step = 'apply'
            and a.act = 'deliver'"#,
        channel,
        since,
        until
    )
    .fetch_one(conn)
    .await?;
    Ok(Tally { sent: row.sent, synced: row.synced, failed: row.failed })
}
