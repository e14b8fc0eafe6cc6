//! What customers said about being texted, append only.

use crate::Result;
use crate::words::{value, word};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgExecutor};
use std::collections::BTreeSet;
use twinwire_core::consent::Word;

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The customer, in a text.
    Customer,
    /// The provider, in an error about a message of ours.
    Provider,
}

/// What a customer said.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The conversation: the customer's address.
    pub conversation: &'a str,
    /// When, by the provider's clock.
    pub at: DateTime<Utc>,
    /// Who says so.
    pub source: Source,
    /// What it means.
    pub word: Word,
    /// The text as it was written.
    pub text: &'a str,
    /// The provider's id of the message that said it; none where a send of ours was refused for it.
    pub provider_message_id: Option<&'a str>,
}

/// Writes down what a customer said. The same text again changes nothing.
pub async fn record(conn: &mut PgConnection, channel: i64, said: Said<'_>) -> Result<()> {
    sqlx::query!(
        "insert into consents (channel_id, external_conversation_id, at, word, text, provider_message_id, source)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (channel_id, provider_message_id) do nothing",
        channel,
        said.conversation,
        said.at,
        word(said.word),
        said.text,
        said.provider_message_id,
        word(said.source),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these people do not want to be texted from the channel's number: the last word counts, by the time at which
/// it was written. HELP changes nothing, and nor does what a provider says in an error: it goes on refusing by itself, and
/// nobody would tell us when it does not any more. `tokens` take the place of their addresses when they are erased: what
/// somebody said before stands under that.
pub async fn opted_out(
    conn: impl PgExecutor<'_>,
    channel: i64,
    people: &[String],
    tokens: &[String],
) -> Result<BTreeSet<String>> {
    let people = sqlx::query_scalar!(
        r#"select p.person as "person!" from unnest($2::text[], $3::text[]) as p (person, token)
        where 'stop' = (
            select word from consents
            where channel_id = $1 and external_conversation_id in (p.person, p.token) and word <> 'help'
                and source = 'customer'
            order by at desc, id desc limit 1)"#,
        channel,
        people,
        tokens,
    )
    .fetch_all(conn)
    .await?;
    Ok(people.into_iter().collect())
}

/// Whether the last that is known of a customer, from whomever, is that they do not want to be texted.
pub async fn is_known_to_refuse(conn: impl PgExecutor<'_>, channel: i64, names: &[String]) -> Result<bool> {
    let last = sqlx::query_scalar!(
        "select word from consents
        where channel_id = $1 and external_conversation_id = any($2) and word <> 'help'
        order by at desc, id desc limit 1",
        channel,
        names
    )
    .fetch_optional(conn)
    .await?;
    Ok(last.as_deref() == Some("stop"))
}

/// Somebody who does not want to be texted from a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOut {
    /// The number of the last line that says so.
    pub id: i64,
    /// Public id of the channel.
    pub channel: String,
    /// The customer's address, or what took its place when they were erased.
    pub address: String,
    /// The first time that they said so since they last wanted to be texted.
    pub since: DateTime<Utc>,
    /// Who said so: the customer, or else the provider alone.
    pub source: Source,
}

/// Those who have opted out, by the last word that is known of each, from whomever; the latest first, past the line
/// `before`, at most `limit`. By channel, because the index is.
pub async fn opt_outs(
    conn: impl PgExecutor<'_>,
    channel: Option<i64>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<OptOut>> {
    let rows = sqlx::query!(
        r#"select s.id, c.public_id as channel, s.external_conversation_id as address, r.since as "since!",
            case when r.by_customer then 'customer' else 'provider' end as "source!"
        from (
            select s.* from channels c cross join lateral (
                select * from consents s
                where s.channel_id = c.id and s.word = 'stop' and ($2::bigint is null or s.id < $2)
                    and not exists (select from consents l
                        where l.channel_id = s.channel_id and l.external_conversation_id = s.external_conversation_id
                            and l.word <> 'help' and (l.at, l.id) > (s.at, s.id))
                order by s.id desc limit $3
            ) s
            where $1::bigint is null or c.id = $1
            order by s.id desc limit $3
        ) s join channels c on c.id = s.channel_id cross join lateral (
            select min(x.at) as since, bool_or(x.source = 'customer') as by_customer from consents x
            where x.channel_id = s.channel_id and x.external_conversation_id = s.external_conversation_id
                and x.word = 'stop' and not exists (select from consents y
                    where y.channel_id = x.channel_id and y.external_conversation_id = x.external_conversation_id
                        and y.word = 'start' and (y.at, y.id) > (x.at, x.id))
        ) r
        order by s.id desc"#,
        channel,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let source = value("consents.source", &row.source)?;
            Ok(OptOut { id: row.id, channel: row.channel, address: row.address, since: row.since, source })
        })
        .collect()
}

/// Since when the customer of a conversation has opted out, by the last word that is known of them, from whomever; none
/// while they have not.
pub async fn opted_out_since(
    conn: impl PgExecutor<'_>,
    channel: i64,
    names: &[String],
) -> Result<Option<DateTime<Utc>>> {
    let since = sqlx::query_scalar!(
        "select min(s.at) from consents s
        where s.channel_id = $1 and s.external_conversation_id = any($2) and s.word = 'stop'
            and not exists (select from consents l
                where l.channel_id = $1 and l.external_conversation_id = any($2) and l.word = 'start'
                    and (l.at, l.id) > (s.at, s.id))",
        channel,
        names
    )
    .fetch_one(conn)
    .await?;
    Ok(since)
}
