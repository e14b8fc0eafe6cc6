//! Conversations: what the helpdesk calls a customer's thread.

use crate::Result;
use sqlx::{PgConnection, PgExecutor};

/// Keeps the helpdesk's id of a conversation; what stands there already is not even locked. Threads merge in the
/// helpdesk: the latest id is the one that works.
pub async fn set_thread(
    conn: &mut PgConnection,
    channel: i64,
    conversation: &str,
    thread: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into conversations (channel_id, external_conversation_id, helpdesk_thread_id)
        select $1, $2, $3 where not exists (
            select 1 from conversations
            where channel_id = $1 and external_conversation_id = $2 and helpdesk_thread_id = $3)
        on conflict (channel_id, external_conversation_id) do update set helpdesk_thread_id = excluded.helpdesk_thread_id
        where conversations.helpdesk_thread_id is distinct from excluded.helpdesk_thread_id",
        channel,
        conversation,
        thread
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The helpdesk's id of a conversation, once known.
pub async fn thread(conn: &mut PgConnection, channel: i64, conversation: &str) -> Result<Option<String>> {
    let found = sqlx::query_scalar!(
        "select helpdesk_thread_id from conversations where channel_id = $1 and external_conversation_id = $2",
        channel,
        conversation
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// A conversation of a channel by its name: the customer's address, or the helpdesk's id of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The customer's address.
    pub conversation: String,
    /// The helpdesk's id of it, once known.
    pub thread: Option<String>,
}

/// Looks for a conversation of a channel by its name. Of several that the helpdesk has merged into one thread the latest
/// is given.
pub async fn find(conn: impl PgExecutor<'_>, channel: i64, name: &str) -> Result<Option<Named>> {
    let found = sqlx::query_as!(
        Named,
        r#"select n.conversation as "conversation!", n.thread from (
            select $2::text as conversation, (select helpdesk_thread_id from conversations
                    where channel_id = $1 and external_conversation_id = $2) as thread, 1 as rank, now() as created_at
                where exists (select from messages where channel_id = $1 and external_conversation_id = $2)
                    or exists (select from conversations where channel_id = $1 and external_conversation_id = $2)
            union all
            select external_conversation_id, helpdesk_thread_id, 2, created_at from conversations
                where channel_id = $1 and helpdesk_thread_id = $2
        ) n order by n.rank, n.created_at desc limit 1"#,
        channel,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
