//! What Postgres knows of its tables.

use crate::Result;
use sqlx::{AssertSqlSafe, PgPool};

/// Tables that grow with every message.
const GROWING: [&str; 6] =
    ["messages", "provider_messages", "attempts", "conversations", "deliveries", "consents"];

/// Has Postgres look again at tables that have grown much since it last did, as long as they are small. It does so by itself,
/// but once a minute: a table that is filled for the first time would be read by plans for an empty one until then. Not more
/// often than has to be: each look makes every connection plan its statements anew. Gives the tables.
pub async fn renew(pool: &PgPool) -> Result<Vec<String>> {
    let tables = GROWING.map(str::to_owned);
    let grown = sqlx::query_scalar!(
        r#"select c.relname::text as "name!" from pg_class c
        where c.oid in (select to_regclass(name) from unnest($1::text[]) as name)
            and c.reltuples < 100000
            and pg_stat_get_mod_since_analyze(c.oid) > greatest(2000, 4 * c.reltuples)"#,
        &tables[..]
    )
    .fetch_all(pool)
    .await?;
    for table in &grown {
        // Where the tables are somebody else's, Postgres says so in a notice and does nothing.
        sqlx::query(AssertSqlSafe(format!("analyze {table}"))).execute(pool).await?;
    }
    Ok(grown)
}
