//! Plain SQL for people: a login role of its own that can only read, with a time limit.

use crate::seal::SecretKey;
use crate::{Error, Result, installation};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgPool, PgPoolOptions, PgRow};
use sqlx::{Column, ConnectOptions, Row, SqlSafeStr};
use std::time::Duration;

const PASSWORD: &str = "reader_password";
/// The comment by which our role is known from anybody else's of that name.
const MARK: &str = "reads for twinwire sql";
/// Tables that a reader may see whole.
const TABLES: &[&str] = &[
    "attempts",
    "backfills",
    "channel_leases",
    "consents",
    "conversations",
    "messages",
    "paces",
    "provider_messages",
    "retention_left",
    "retention_marks",
    "webhook_log",
    "webhook_refusals",
    "webhook_unverified",
];
/// What a reader may see of tables that hold sealed secrets.
const SHOWN: &[(&str, &str)] = &[
    ("accounts", "id, public_id, connector, identity, paused_until, pause_reason, pauses, polled_until, verification,
        created_at"),
    ("jobs", "id, kind, state, requested_by, asked, doing, counts, failures, error, cancelled_by, created_at, started_at,
        finished_at, row_updated_at"),
    (
        "channels",
        "id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state,
        shown_works, deleted_at, created_at, updated_at",
    ),
];

/// Makes sure that the role is there and may read what it should, and opens a connection as it.
///
/// # Errors
/// When the database's own user may not make roles; the message says what to do.
pub async fn connect(pool: &PgPool, url: &str, key: &SecretKey, limit: Duration) -> Result<PgPool> {
    let (role, password) = ensure(pool, key).await?;
    let options: PgConnectOptions = url.parse()?;
    let options = options
        .username(&role)
        .password(&password)
        .application_name("twinwire sql")
        .options([
            ("default_transaction_read_only", "on".to_owned()),
            // None at all would be no limit.
            (
                "statement_timeout",
                format!("{}ms", limit.as_millis().clamp(1, i32::MAX.unsigned_abs().into())),
            ),
        ])
        .disable_statement_logging();
    Ok(PgPoolOptions::new().max_connections(1).connect_with(options).await?)
}

async fn ensure(pool: &PgPool, key: &SecretKey) -> Result<(String, String)> {
    let mut tx = pool.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtext('twinwire_reader'))").execute(&mut *tx).await?;
    // Cut as Postgres would cut it.
    let role: String =
        sqlx::query_scalar("select left(current_database(), 56) || '_reader'").fetch_one(&mut *tx).await?;
    let password = password(&mut tx, key).await?;
    let verb = match mark(&mut tx, &role).await? {
        None => "create",
        Some(mark) if mark.as_deref() == Some(MARK) => "alter",
        Some(_) => {
            return Err(Error::Reader(format!(
                "a role named {role} exists that is not Twinwire's; rename it, or the database"
            )));
        }
    };
    // Names are quoted by `format`; the password is URL-safe base64.
    let make = format!("{verb} role %1$I login password %2$L; comment on role %1$I is %3$L");
    let make: String = sqlx::query_scalar("select format($1, $2::text, $3::text, $4::text)")
        .bind(make)
        .bind(&role)
        .bind(&password)
        .bind(MARK)
        .fetch_one(&mut *tx)
        .await?;
    run(&mut tx, make).await.map_err(|error| not_allowed(error, &role))?;
    grant(&mut tx, &role).await?;
    tx.commit().await?;
    Ok((role, password))
}

/// The comment on a role; none where there is no such role.
async fn mark(conn: &mut PgConnection, role: &str) -> Result<Option<Option<String>>> {
    let found =
        sqlx::query_scalar("select shobj_description(oid, 'pg_authid') from pg_roles where rolname = $1");
    Ok(found.bind(role).fetch_optional(conn).await?)
}

fn not_allowed(error: Error, role: &str) -> Error {
    match &error {
        Error::Database(sqlx::Error::Database(refused))
            if refused.code().is_some_and(|code| code == "42501") =>
        {
            Error::Reader(format!(
                "the database's user may not make the read-only role {role}; let a superuser run: \
                 alter role <that user> createrole"
            ))
        }
        _ => error,
    }
}

async fn password(conn: &mut PgConnection, key: &SecretKey) -> Result<String> {
    if let Some(sealed) = installation::get(conn, PASSWORD).await? {
        let plain = key.open(PASSWORD, &sealed)?;
        return String::from_utf8(plain).map_err(|_| crate::seal::SealError::Damaged.into());
    }
    let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
    installation::set(conn, PASSWORD, &key.seal(PASSWORD, password.as_bytes())?).await?;
    Ok(password)
}

async fn grant(conn: &mut PgConnection, role: &str) -> Result<()> {
    let role: String = sqlx::query_scalar("select quote_ident($1)").bind(role).fetch_one(&mut *conn).await?;
    run(conn, format!("grant usage on schema public to {role}")).await?;
    let views: Vec<String> = sqlx::query_scalar(
        "select quote_ident(substr(name, 6)) from installation where name like 'view %' order by 1",
    )
    .fetch_all(&mut *conn)
    .await?;
    let tables: Vec<&str> = TABLES.iter().copied().chain(views.iter().map(String::as_str)).collect();
    run(conn, format!("grant select on {} to {role}", tables.join(", "))).await?;
    for (table, columns) in SHOWN {
        run(conn, format!("grant select ({columns}) on {table} to {role}")).await?;
    }
    Ok(())
}

async fn run(conn: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

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
