//! How the installation stands, in a few numbers for whoever watches it. Every question goes to an index whose size is the
//! work at hand, not the history; of a backlog that is larger than [`MOST`] only the beginning is looked at.

use crate::Result;
use crate::tx;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Messages of a channel that are looked at, those first that are due longest.
pub const MOST: i64 = 10_001;

/// Whether the database answers.
pub async fn answers(pool: &PgPool) -> Result<()> {
    sqlx::query("select 1").execute(pool).await?;
    Ok(())
}

/// The numbers. Lists go by the word in the first place; what is not there is zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vitals {
    /// Channels with messages that have something to do.
    pub waiting: Vec<Waiting>,
    /// Messages that were put aside, by reason; those that were too old left out.
    pub parked: Vec<(String, f64)>,
    /// Accounts of living channels that rest since a call was refused, by connector.
    pub resting: Vec<(String, f64)>,
    /// Readings of providers' lists that wait or run, by kind.
    pub readings: Vec<(String, f64)>,
    /// How many seconds the reading of a provider's list is behind, by connector; the worst account of each.
    pub poll_lag: Vec<(String, f64)>,
    /// Channels by state.
    pub channels: Vec<(String, f64)>,
}

/// What waits in a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The channel's public id.
    pub channel: String,
    /// Its state.
    pub state: String,
    /// Messages with something to do, of which at most [`MOST`] are counted.
    pub pending: i64,
    /// For how many seconds the first of them has been due that could be worked: at its turn in its conversation, and of an
    /// account that does not rest.
    pub oldest_due: f64,
    /// How many seconds ago the oldest of them was first seen.
    pub oldest_pending: f64,
}

impl Vitals {
    /// Channels that are worked and have something to do.
    pub fn at_work(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().filter(|waiting| waiting.state == "active")
    }

    /// Messages of active channels with something to do.
    pub fn pending(&self) -> i64 {
        self.at_work().map(|waiting| waiting.pending).sum()
    }

    /// For how many seconds the first of them has been due that could be worked.
    pub fn oldest_due(&self) -> f64 {
        self.at_work().map(|waiting| waiting.oldest_due).fold(0.0, f64::max)
    }

    /// How many seconds ago the oldest of them was first seen.
    pub fn oldest_pending(&self) -> f64 {
        self.at_work().map(|waiting| waiting.oldest_pending).fold(0.0, f64::max)
    }
}

/// Reads them, over one connection. No question takes longer than a scrape waits.
pub async fn read(pool: &PgPool, now: DateTime<Utc>) -> Result<Vitals> {
    let mut tx = tx::begin(pool).await?;
    sqlx::query("set local statement_timeout = '2500ms'").execute(&mut *tx).await?;
    let conn = &mut *tx;
    let waiting = sqlx::query_as!(
        Waiting,
        r#"select c.public_id as channel, c.state, count(*) as "pending!",
            greatest(extract(epoch from $1 - min(m.wake_at) filter (where m.able)), 0)::float8 as "oldest_due!",
            greatest(extract(epoch from $1 - min(m.created_at)), 0)::float8 as "oldest_pending!"
        from channels c cross join lateral (
            select m.wake_at, m.created_at, m.wake_at <= $1 and (m.parked is not null or not exists (
                    select from messages e
                    where e.channel_id = m.channel_id and e.external_conversation_id = m.external_conversation_id
                        and e.origin = m.origin and e.parked is null
                        and ((e.origin = 'helpdesk' and e.provider_message_id is null)
                            or (e.origin = 'provider' and e.helpdesk_message_id is null))
                        and (e.occurred_at, e.seq) < (m.occurred_at, m.seq)
                        and ((m.origin = 'helpdesk' and m.provider_message_id is null)
                            or (m.origin = 'provider' and m.helpdesk_message_id is null))))
                and not exists (select from accounts a
                    where a.id = case when m.origin = 'helpdesk' and m.parked is null and m.provider_message_id is null
                            then c.provider_account_id else c.helpdesk_account_id end
                        and a.paused_until > $1) as able
            from messages m where m.channel_id = c.id and m.wake_at is not null
            order by m.wake_at limit $2) m
        group by c.id order by c.id"#,
        now,
        MOST
    )
    .fetch_all(&mut *conn)
    .await?;
    let parked = sqlx::query!(
        r#"select w.word as "word!", count(*)::float8 as "value!"
        from (values ('refused'), ('opted_out'), ('gave_up'), ('uncertain'), ('incomplete')) w (word) cross join lateral (
            select from messages m
            where m.parked is not null and m.parked <> 'too_old' and m.parked = w.word limit $1) m
        group by 1"#,
        MOST
    )
    .fetch_all(&mut *conn)
    .await?;
    let accounts = sqlx::query!(
        r#"select a.connector as "word!", count(*) filter (where a.pauses > 0)::float8 as "resting!",
            max(extract(epoch from $1 - coalesce(a.polled_until, a.created_at)))
                filter (where exists (select from channels c where c.provider_account_id = a.id and c.state <> 'deleted'))
                ::float8 as poll_lag
        from accounts a
        where exists (select from channels c
            where (c.provider_account_id = a.id or c.helpdesk_account_id = a.id) and c.state <> 'deleted')
        group by 1"#,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    let readings = sqlx::query!(
        r#"select kind as "word!", count(*)::float8 as "value!" from backfills
        where state in ('queued', 'running') group by 1"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let channels =
        sqlx::query!(r#"select state as "word!", count(*)::float8 as "value!" from channels group by 1"#)
            .fetch_all(conn)
            .await?;
    Ok(Vitals {
        waiting,
        parked: parked.into_iter().map(|row| (row.word, row.value)).collect(),
        resting: accounts.iter().map(|row| (row.word.clone(), row.resting)).collect(),
        readings: readings.into_iter().map(|row| (row.word, row.value)).collect(),
        poll_lag: accounts.into_iter().filter_map(|row| Some((row.word, row.poll_lag?.max(0.0)))).collect(),
        channels: channels.into_iter().map(|row| (row.word, row.value)).collect(),
    })
}
