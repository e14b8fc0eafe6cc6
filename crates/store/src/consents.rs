//! What customers said about being texted, append only.

use crate::Result;
use crate::words::{word, word_of};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::consent::Word;

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

/// Whether a customer does not want to be texted from the channel's number: the last word counts, by the time at which
/// it was written. HELP changes nothing, and nor does what a provider says in an error: it goes on refusing by itself, and
/// nobody would tell us when it does not any more. `names` are all that the conversation goes by: what somebody said who
/// was erased since stands under another.
pub async fn is_opted_out(conn: impl PgExecutor<'_>, channel: i64, names: &[String]) -> Result<bool> {
    is_stop(conn, channel, names, Some(Source::Customer)).await
}

/// Whether the last that is known of a customer, from whomever, is that they do not want to be texted.
pub async fn is_known_to_refuse(conn: impl PgExecutor<'_>, channel: i64, names: &[String]) -> Result<bool> {
    is_stop(conn, channel, names, None).await
}

async fn is_stop(
    conn: impl PgExecutor<'_>,
    channel: i64,
    names: &[String],
    source: Option<Source>,
) -> Result<bool> {
    let last = sqlx::query_scalar!(
        "select word from consents
        where channel_id = $1 and external_conversation_id = any($2) and word <> 'help' and source = coalesce($3, source)
        order by at desc, id desc limit 1",
        channel,
        names,
        word_of(source)
    )
    .fetch_optional(conn)
    .await?;
    Ok(last.as_deref() == Some("stop"))
}
