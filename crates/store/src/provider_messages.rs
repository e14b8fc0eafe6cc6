//! What the provider has: one record per message, joined from all evidence about it.

use crate::words::{value, value_of};
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::observe::AtProvider;

/// A record as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Everything that the evidence says.
    pub seen: AtProvider,
    /// The channel whose row it is.
    pub channel: Option<i64>,
    /// It waits for a send of unknown outcome to be settled.
    pub held: bool,
    /// Its text was let go, and so is what evidence shows of it.
    pub emptied: bool,
}

struct Row {
    account_id: i64,
    provider_message_id: String,
    direction: String,
    sender: String,
    recipient: String,
    body: Option<String>,
    files: Value,
    said: Option<String>,
    status: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    date_created: Option<DateTime<Utc>>,
    date_sent: Option<DateTime<Utc>>,
    date_updated: Option<DateTime<Utc>>,
    reference: Option<String>,
    data: Option<Value>,
    channel_id: Option<i64>,
    held: bool,
    emptied_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Record {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            channel: row.channel_id,
            held: row.held,
            emptied: row.emptied_at.is_some(),
            seen: AtProvider {
                id: row.provider_message_id,
                direction: value("provider_messages.direction", &row.direction)?,
                from: row.sender,
                to: row.recipient,
                body: row.body,
                files: serde_json::from_value(row.files)
                    .map_err(|_| Error::Unreadable("provider_messages.files"))?,
                said: value_of("provider_messages.said", row.said.as_deref())?,
                status: value_of("provider_messages.status", row.status.as_deref())?,
                error_code: row.error_code,
                error_message: row.error_message,
                created_at: row.date_created,
                sent_at: row.date_sent,
                updated_at: row.date_updated,
                reference: row.reference,
                data: row.data.map(Into::into),
            },
        })
    }
}

pub(crate) fn files(seen: &AtProvider) -> Result<Value> {
    serde_json::to_value(&seen.files).map_err(|_| Error::Unreadable("provider_messages.files"))
}

/// A record by its id.
pub async fn get(conn: impl PgExecutor<'_>, account: i64, id: &str) -> Result<Option<Record>> {
    sqlx::query_as!(
        Row,
        "select account_id, provider_message_id, direction, sender, recipient, body, files, said, status, error_code, error_message,
            date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
        from provider_messages where account_id = $1 and provider_message_id = $2",
        account,
        id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

impl Record {
    /// What the record says with a piece of evidence joined in; none where that is nothing new.
    pub(crate) fn with(&self, seen: &AtProvider) -> Option<AtProvider> {
        let seen = if self.emptied { bare(seen, &self.seen) } else { seen.clone() };
        let joined = self.seen.clone().join(seen);
        (joined != self.seen).then_some(joined)
    }
}

/// What is still told by evidence about a message that was let go: how far it got and when, and nothing about people.
fn bare(seen: &AtProvider, before: &AtProvider) -> AtProvider {
    AtProvider {
        from: before.from.clone(),
        to: before.to.clone(),
        body: None,
        files: before.files.clone(),
        error_message: None,
        reference: None,
        data: None,
        ..seen.clone()
    }
}

/// Records by their ids, with their accounts. Each is looked up by itself, as rows are.
pub(crate) async fn load(
    conn: &mut PgConnection,
    accounts: &[i64],
    ids: &[String],
) -> Result<Vec<(i64, Record)>> {
    of_accounts(
        sqlx::query_as!(
            Row,
            "select account_id, provider_message_id, direction, sender, recipient, body, files, said, status, error_code,
                error_message, date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
            from unnest($1::bigint[], $2::text[]) as w (account, id) cross join lateral (
                select * from provider_messages where account_id = w.account and provider_message_id = w.id
                limit 1) p",
            accounts,
            ids
        )
        .fetch_all(conn)
        .await?,
    )
}

/// The same, locked until the transaction ends, one after the other: where they are given in order, two transactions with
/// the same messages cannot wait for each other.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    accounts: &[i64],
    ids: &[String],
) -> Result<Vec<(i64, Record)>> {
    of_accounts(
        sqlx::query_as!(
            Row,
            "select account_id, provider_message_id, direction, sender, recipient, body, files, said, status, error_code,
                error_message, date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
            from unnest($1::bigint[], $2::text[]) as w (account, id) cross join lateral (
                select * from provider_messages where account_id = w.account and provider_message_id = w.id
                limit 1 for update) p",
            accounts,
            ids
        )
        .fetch_all(conn)
        .await?,
    )
}

fn of_accounts(rows: Vec<Row>) -> Result<Vec<(i64, Record)>> {
    rows.into_iter().map(|row| Ok((row.account_id, row.try_into()?))).collect()
}

/// Of these accounts and people, those where the account has messages to the person that are no row yet.
pub(crate) async fn with_unbound(
    conn: &mut PgConnection,
    accounts: &[i64],
    people: &[String],
) -> Result<Vec<(i64, String)>> {
    let found = sqlx::query!(
        r#"select w.account as "account!", w.person as "person!"
        from unnest($1::bigint[], $2::text[]) as w (account, person)
        where exists (
            select from provider_messages p
            where p.account_id = w.account and p.recipient = w.person and p.channel_id is null and p.direction = 'outbound')"#,
        accounts,
        people
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(|row| (row.account, row.person)).collect())
}

/// Messages from our address to one person that are no row yet, oldest first: what a send of unknown outcome may be.
/// Evidence that does not show the sender may be ours.
pub async fn unbound(
    conn: &mut PgConnection,
    account: i64,
    ours: &str,
    recipient: &str,
) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = sqlx::query_as!(
        Row,
        "select account_id, provider_message_id, direction, sender, recipient, body, files, said, status, error_code, error_message,
            date_created, date_sent, date_updated, reference, data, channel_id, held, emptied_at
        from provider_messages
        where account_id = $1 and recipient = $3 and sender in ($2, '') and channel_id is null
            and direction = 'outbound' and emptied_at is null
        order by date_created desc nulls first, provider_message_id limit 1000",
        account,
        ours,
        recipient
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect::<Result<_>>()?;
    records.reverse();
    Ok(records)
}

/// Outgoing messages younger than `since` whose fate is open and that have not been read since `unread_since`.
pub async fn open(
    conn: impl PgExecutor<'_>,
    account: i64,
    since: DateTime<Utc>,
    unread_since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        "select provider_message_id from provider_messages
        where account_id = $1 and channel_id is not null and direction = 'outbound'
            and status in ('accepted', 'queued', 'sending', 'sent')
            and coalesce(date_created, created_at) > $2 and coalesce(checked_at, created_at) < $3
        order by checked_at nulls first limit $4",
        account,
        since,
        unread_since,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// A message whose fate is open has been read again.
pub async fn set_checked(
    conn: impl PgExecutor<'_>,
    account: i64,
    id: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update provider_messages set checked_at = $3 where account_id = $1 and provider_message_id = $2",
        account,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
