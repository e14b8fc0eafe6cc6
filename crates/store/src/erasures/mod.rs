//! Erasing a person. What stays of their messages is counts, times and ids; in place of the address stands a token, made
//! of it with the installation's key, by which what is from before is known when it comes again.
//!
//! Here is who is erased, and since when; `find` is what there is of them, `messages` erases that, and `logs` the requests
//! that tell of them.

mod find;
mod logs;
mod messages;

use crate::Result;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

pub use find::{Found, Row, count, files, messages};
pub use logs::{Place, erase_webhooks};
pub use messages::{erase_conversations, erase_message, erase_unbound};

/// An address of the person, and the token that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The address as it stands in the tables.
    pub address: String,
    /// What takes its place.
    pub token: String,
}

impl Person {
    /// A name of ours that ends in the address (or has it before the part of a text), with the token in its place.
    pub fn renamed(&self, external_id: &str) -> String {
        external_id.replace(&format!("-{}", self.address), &format!("-{}", self.token))
    }
}

/// Writes down that somebody is erased from now on.
pub async fn record(conn: &mut PgConnection, token: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into erasures as e (person, erased_at) values ($1, $2)
        on conflict (person) do update set erased_at = greatest(e.erased_at, excluded.erased_at), times = e.times + 1,
            before = e.erased_at",
        token,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody is not to be erased after all, as was asked for at `at` and not begun: the erasure before it counts again, if
/// there was one. Nothing is changed where they were erased anew since.
pub async fn take_back(conn: &mut PgConnection, token: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "with gone as (delete from erasures where person = $1 and erased_at = $2 and before is null)
        update erasures set erased_at = before, before = null, times = times - 1
        where person = $1 and erased_at = $2 and before is not null",
        token,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these people were erased, and when.
pub async fn known(conn: &mut PgConnection, tokens: &[String]) -> Result<Vec<(String, DateTime<Utc>)>> {
    let known = sqlx::query!("select person, erased_at from erasures where person = any($1)", tokens)
        .fetch_all(conn)
        .await?;
    Ok(known.into_iter().map(|row| (row.person, row.erased_at)).collect())
}

/// Transactions that have looked who is erased and are not over: what they bring in may be of somebody who was erased
/// since. A table's lock is held to the end of the transaction, also where it has written nothing yet.
pub async fn lookers(conn: impl PgExecutor<'_>) -> Result<Vec<String>> {
    let lookers = sqlx::query_scalar!(
        r#"select distinct virtualtransaction as "looker!" from pg_locks
        where locktype = 'relation' and relation = 'erasures'::regclass and pid <> pg_backend_pid()
            and database = (select oid from pg_database where datname = current_database())"#
    )
    .fetch_all(conn)
    .await?;
    Ok(lookers)
}
