//! One query of a person, run as the reader.

use crate::{Error, Result};
use sqlx::postgres::{PgDatabaseError, PgPool, PgRow};
use sqlx::{Column, Row, SqlSafeStr};

/// What a query gave: names of the columns, and each row as JSON values in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names.
    pub columns: Vec<String>,
    /// Values; none is null.
    pub rows: Vec<Vec<Option<serde_json::Value>>>,
}

/// Runs one query as the reader. Only one statement is taken, so that nothing can be smuggled behind it.
///
/// # Errors
/// [`Error::Query`] with Postgres' own words.
pub async fn query(reader: &PgPool, sql: &str) -> Result<Table> {
    run_query(reader, sql).await.map_err(said)
}

/// What Postgres says of a query, for the person who wrote it: not where in Postgres' source it was noticed.
fn said(error: Error) -> Error {
    let Error::Database(sqlx::Error::Database(refused)) = &error else { return error };
    let words = match refused.code().as_deref() {
        Some("57014") => "the query took longer than it may (--timeout)".to_owned(),
        Some("42601") if refused.message().contains("multiple commands") => "one query at a time".to_owned(),
        _ => refused.message().to_owned(),
    };
    let hint = refused.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::hint);
    Error::Query(hint.map_or(words.clone(), |hint| format!("{words} ({hint})")))
}

async fn run_query(reader: &PgPool, sql: &str) -> Result<Table> {
    let mut conn = reader.acquire().await?;
    let described =
        sqlx::Executor::describe(&mut *conn, sqlx::AssertSqlSafe(sql.to_owned()).into_sql_str()).await?;
    let columns: Vec<String> = described.columns().iter().map(|column| column.name().to_owned()).collect();
    if columns.is_empty() {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *conn).await?;
        return Ok(Table::default());
    }
    if is_told(sql) {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut *conn).await?;
        return Ok(Table { rows: rows.iter().map(words).collect::<Result<_>>()?, columns });
    }
    // Every type as Postgres itself writes it in JSON; by position, because two columns may have one name.
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let wrapped = format!(
        "with q ({}) as ({}\n) select {} from q",
        names.join(", "),
        sql.trim().trim_end_matches(';'),
        names.iter().map(|name| format!("to_jsonb({name})")).collect::<Vec<_>>().join(", ")
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(wrapped)).fetch_all(&mut *conn).await?;
    Ok(Table { rows: rows.iter().map(cells).collect::<Result<_>>()?, columns })
}

/// Statements that Postgres answers itself, with words and not as a table that could be asked further.
fn is_told(sql: &str) -> bool {
    let first = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["explain", "show"].iter().any(|verb| first.eq_ignore_ascii_case(verb))
}

fn words(row: &PgRow) -> Result<Vec<Option<serde_json::Value>>> {
    let word = |at| match row.try_get::<Option<String>, _>(at) {
        Ok(text) => Ok(text.map(Into::into)),
        // EXPLAIN can be asked for JSON.
        Err(_) => Ok(row.try_get(at)?),
    };
    (0..row.len()).map(word).collect()
}

fn cells(row: &PgRow) -> Result<Vec<Option<serde_json::Value>>> {
    (0..row.len()).map(|at| Ok(row.try_get(at)?)).collect()
}
