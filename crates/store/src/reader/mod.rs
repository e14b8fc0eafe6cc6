//! Plain SQL for people: a login role of its own that can only read.
//!
//! * this file — the role, its password, and connections as it;
//! * `rights` — what it may read, statement by statement;
//! * `query` — one query of `twinwire sql`.

mod query;
mod rights;

pub use query::{Table, query};

use crate::seal::{SealError, SecretKey};
use crate::tx;
use crate::{Error, Result, installation};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use std::time::Duration;

const PASSWORD: &str = "reader_password";
/// How the comment begins by which our role is known from anybody else's of that name; the database's number follows.
const MARK: &str = "reads for twinwire sql";

/// The read-only login of this database.
#[derive(Clone, Debug)]
pub struct Login {
    /// The role.
    pub role: String,
    /// Its password.
    pub password: SecretString,
    /// The database that it reads.
    pub database: String,
}

/// Makes sure that the role is there and may read what it should, and opens a connection as it.
///
/// # Errors
/// When the database's own user may not make roles; the message says what to do.
pub async fn connect(pool: &PgPool, url: &str, key: &SecretKey, limit: Duration) -> Result<PgPool> {
    let login = ensure(pool, key).await?;
    let options: PgConnectOptions = url.parse()?;
    let options = options
        .username(&login.role)
        .password(login.password.expose_secret())
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

/// Makes sure that the role is there, with its password and its limits, and may read what it should and nothing else.
///
/// # Errors
/// [`Error::Reader`] when the database's own user may not make roles; the message says what to do.
pub async fn ensure(pool: &PgPool, key: &SecretKey) -> Result<Login> {
    make(pool, key, false).await
}

/// The same with a new password. Whoever is connected stays so; nobody connects by the old one any more.
///
/// # Errors
/// As [`ensure`].
pub async fn rotate(pool: &PgPool, key: &SecretKey) -> Result<Login> {
    make(pool, key, true).await
}

/// What a superuser runs by hand where the database's own user may not make roles, with a password to be filled in.
pub async fn by_hand(pool: &PgPool) -> Result<String> {
    let mut conn = pool.acquire().await?;
    let chosen = choose(&mut conn).await?;
    let mut statements = rights::close(&mut conn).await?.statements;
    statements.push(rights::role(&mut conn, &chosen, "<a password>").await?);
    statements.extend(rights::statements(&mut conn, &chosen.role).await?);
    Ok(format!("{};", statements.join(";\n")))
}

async fn make(pool: &PgPool, key: &SecretKey, renew: bool) -> Result<Login> {
    let mut tx = tx::begin(pool).await?;
    // What somebody may have put into a schema of theirs is not found in place of Postgres' own or of our tables.
    sqlx::query("set local search_path = pg_catalog, public").execute(&mut *tx).await?;
    one_at_a_time(&mut tx).await?;
    let chosen = choose(&mut tx).await?;
    close(&mut tx, &chosen).await?;
    let password = password(&mut tx, key, renew).await?;
    let sql = rights::role(&mut tx, &chosen, password.expose_secret()).await?;
    if let Err(error) = run(&mut tx, sql).await {
        return Err(not_allowed(error, pool, &chosen.role).await);
    }
    for statement in rights::statements(&mut tx, &chosen.role).await? {
        run(&mut tx, statement).await?;
    }
    tx.commit().await?;
    Ok(Login { role: chosen.role, password, database: chosen.database })
}

/// How long another process that makes the role is waited for.
const PATIENCE: &str = "set local lock_timeout = '30s'";

async fn one_at_a_time(conn: &mut PgConnection) -> Result<()> {
    sqlx::query(PATIENCE).execute(&mut *conn).await?;
    let lock = sqlx::query("select pg_advisory_xact_lock(hashtext('twinwire_reader'))");
    lock.execute(conn).await.map_err(|error| crate::lock::held(error, "the read-only login"))?;
    Ok(())
}

/// Sees to it that the role can make nothing in the schema of our tables, as everybody may in databases of Postgres 14
/// and older: a function that is found in place of Postgres' own would be run by the owner.
async fn close(conn: &mut PgConnection, chosen: &Chosen) -> Result<()> {
    let to_close = rights::close(&mut *conn).await?;
    if to_close.ours {
        for statement in to_close.statements {
            run(&mut *conn, statement).await?;
        }
    }
    let mut left = rights::close(&mut *conn).await?.statements;
    let itself: Option<String> = sqlx::query_scalar(
        "select 'revoke create on schema public from ' || quote_ident(r.rolname::text) from pg_roles r
        where r.rolname = $1 and has_schema_privilege(r.oid, 'public', 'create')",
    )
    .bind(&chosen.role)
    .fetch_optional(conn)
    .await?;
    if left.is_empty() {
        left.extend(itself);
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(Error::Reader(format!(
        "the read-only role {} could make objects in the schema public of this database, as everybody may where Postgres \
         14 made it; let a superuser run: {}",
        chosen.role,
        left.join("; ")
    )))
}

/// The role of this database.
struct Chosen {
    role: String,
    database: String,
    /// Its comment.
    mark: String,
    /// Whether it is there already.
    exists: bool,
}

/// Chooses the role's name. Roles belong to the whole server: one that reads another database must not read this one as
/// well, nor get a new password from here. Such a one is left where a database was renamed and its name given to this one.
async fn choose(conn: &mut PgConnection) -> Result<Chosen> {
    let (database, number, names): (String, i64, Vec<String>) = sqlx::query_as(
        "select datname::text, oid::bigint, array[
            case when octet_length(datname::text) <= 56 then datname || '_reader'
                else 'twinwire_' || oid || '_reader' end,
            'twinwire_' || oid || '_reader']
        from pg_database where datname = current_database()",
    )
    .fetch_one(&mut *conn)
    .await?;
    let mark = format!("{MARK}, database {number}");
    for role in &names {
        let exists = match comment(conn, role).await? {
            None => false,
            Some(found) if is_ours(conn, found.as_deref(), number).await? => true,
            // Ours, and of another database.
            Some(Some(found)) if found.starts_with(MARK) => continue,
            Some(_) => {
                return Err(Error::Reader(format!(
                    "a role named {role} exists that is not Twinwire's; rename it, or the database"
                )));
            }
        };
        return Ok(Chosen { role: role.clone(), database, mark, exists });
    }
    Err(Error::Reader(format!(
        "roles named {} exist that read for other databases; drop or rename them",
        names.join(" and ")
    )))
}

/// Whether a role with that comment reads this database, or one that is gone.
async fn is_ours(conn: &mut PgConnection, comment: Option<&str>, number: i64) -> Result<bool> {
    let Some(rest) = comment.and_then(|comment| comment.strip_prefix(MARK)) else { return Ok(false) };
    let Some(of) = rest.strip_prefix(", database ").and_then(|of| of.parse::<i64>().ok()) else {
        return Ok(rest.is_empty());
    };
    let gone = sqlx::query_scalar("select not exists (select from pg_database where oid::bigint = $1)");
    Ok(of == number || gone.bind(of).fetch_one(conn).await?)
}

/// The comment on a role; none where there is no such role.
async fn comment(conn: &mut PgConnection, role: &str) -> Result<Option<Option<String>>> {
    let found =
        sqlx::query_scalar("select shobj_description(oid, 'pg_authid') from pg_roles where rolname = $1");
    Ok(found.bind(role).fetch_optional(conn).await?)
}

/// What to do where the database refused; any other error as it is.
async fn not_allowed(error: Error, pool: &PgPool, role: &str) -> Error {
    let refused = match &error {
        Error::Database(sqlx::Error::Database(refused)) => refused.code().is_some_and(|code| code == "42501"),
        _ => false,
    };
    if !refused {
        return error;
    }
    match sqlx::query_scalar::<_, String>("select quote_ident(current_user)").fetch_one(pool).await {
        Ok(user) => Error::Reader(format!(
            "the database's user may not make the read-only role {role}; let a superuser run: alter role {user} \
             createrole"
        )),
        Err(error) => error.into(),
    }
}

async fn password(conn: &mut PgConnection, key: &SecretKey, renew: bool) -> Result<SecretString> {
    if !renew && let Some(sealed) = installation::get(conn, PASSWORD).await? {
        let plain = key.open(PASSWORD, &sealed)?;
        return Ok(String::from_utf8(plain).map_err(|_| SealError::Damaged)?.into());
    }
    let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
    installation::set(conn, PASSWORD, &key.seal(PASSWORD, password.as_bytes())?).await?;
    Ok(password.into())
}

async fn run(conn: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
