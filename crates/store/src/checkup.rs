//! What the doctor asks of the database.

use crate::{MIGRATOR, Result};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// Extensions that Twinwire cannot do without.
const EXTENSIONS: [&str; 2] = ["hstore", "pgcrypto"];
/// Settings by which Postgres may lose what it has acknowledged.
const SETTINGS: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];
/// How the doctor's questions are named among the facts of the installation.
const ASKED: &str = "asked:";

/// The time of the database.
pub async fn time(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await?)
}

/// The settings by which it may lose what it has acknowledged, as far as it shows them.
pub async fn settings(conn: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let names = SETTINGS.map(str::to_owned);
    let rows = sqlx::query!(
        r#"select name as "name!", current_setting(name, true) as value from unnest($1::text[]) as name"#,
        &names[..]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.name, row.value?))).collect())
}

/// Extensions that are not there.
pub async fn missing_extensions(conn: &mut PgConnection) -> Result<Vec<String>> {
    let names = EXTENSIONS.map(str::to_owned);
    let missing = sqlx::query_scalar!(
        r#"select name as "name!" from unnest($1::text[]) as name
        where not exists (select from pg_extension where extname = name)"#,
        &names[..]
    )
    .fetch_all(conn)
    .await?;
    Ok(missing)
}

/// How many migrations this build has, and of which the database knows another story: not applied, or not known here.
pub async fn migrations(pool: &PgPool) -> Result<(usize, usize, usize)> {
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await?;
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let missing = known.iter().filter(|version| !applied.contains(version)).count();
    let unknown = applied.iter().filter(|version| !known.contains(version)).count();
    Ok((known.len(), missing, unknown))
}

/// Keeps a question that whoever has this database can answer. Those that were forgotten go.
pub async fn ask(conn: &mut PgConnection, question: &str) -> Result<()> {
    sqlx::query!(
        "delete from installation where name like $1 || '%' and updated_at < now() - interval '10 minutes'",
        ASKED
    )
    .execute(&mut *conn)
    .await?;
    crate::installation::set(conn, &format!("{ASKED}{question}"), b"").await
}

/// Whether a question is this database's.
pub async fn is_asked(conn: &mut PgConnection, question: &str) -> Result<bool> {
    Ok(crate::installation::get(conn, &format!("{ASKED}{question}")).await?.is_some())
}

/// Forgets a question.
pub async fn answered(conn: &mut PgConnection, question: &str) -> Result<()> {
    let name = format!("{ASKED}{question}");
    sqlx::query!("delete from installation where name = $1", name).execute(conn).await?;
    Ok(())
}

/// A channel with messages that are due since long.
#[derive(Clone, Debug)]
pub struct Due {
    /// Public id.
    pub channel: String,
    /// How many.
    pub due: i64,
    /// Since when the first of them has been.
    pub since: DateTime<Utc>,
    /// Whether a process holds the channel.
    pub worked: bool,
}

/// Active channels with messages that were due before `before`.
pub async fn stuck(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<Vec<Due>> {
    let rows = sqlx::query_as!(
        Due,
        r#"select c.public_id as channel, count(*) as "due!", min(m.wake_at) as "since!",
            coalesce(bool_or(l.until > clock_timestamp()), false) as "worked!"
        from channels c join messages m on m.channel_id = c.id left join channel_leases l on l.channel_id = c.id
        where c.state = 'active' and m.wake_at < $1
        group by c.id, c.public_id order by min(m.wake_at)"#,
        before
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A channel with a conversation of it, by which the helpdesk can be asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The channel's key.
    pub channel: i64,
    /// The helpdesk's id of its latest conversation.
    pub thread: Option<String>,
}

/// The channel of an account that is best asked about: one that is connected, and has a conversation.
pub async fn channel_of(conn: &mut PgConnection, account: i64) -> Result<Option<Asked>> {
    let row = sqlx::query_as!(
        Asked,
        r#"select c.id as channel, v.helpdesk_thread_id as "thread?"
        from channels c left join lateral (
            select helpdesk_thread_id from conversations
            where channel_id = c.id and helpdesk_thread_id is not null order by created_at desc limit 1
        ) v on true
        where $1 in (c.helpdesk_account_id, c.provider_account_id) and c.state <> 'deleted'
        order by v.helpdesk_thread_id is null, c.helpdesk_channel_id is null, c.id limit 1"#,
        account
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Jobs of one kind.
#[derive(Clone, Debug)]
pub struct OfKind {
    /// Their kind.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// The latest of them.
    pub latest: i64,
}

/// Jobs and readings that failed since then, and of whose kind none was done after.
pub async fn failed_jobs(conn: &mut PgConnection, since: DateTime<Utc>) -> Result<Vec<OfKind>> {
    let rows = sqlx::query_as!(
        OfKind,
        r#"select kind as "kind!", count(*) as "count!", max(id) as "latest!" from (
            select b.id, b.kind from backfills b where b.state = 'failed' and b.finished_at > $1
                and not exists (select from backfills d
                    where d.account_id = b.account_id and d.kind = b.kind and d.state = 'done' and d.id > b.id)
            union all
            select j.id, j.kind from jobs j where j.state = 'failed' and j.finished_at > $1
                and not exists (select from jobs d where d.kind = j.kind and d.state = 'done' and d.id > j.id)
        ) failed group by 1 order by 1"#,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Jobs and readings that wait or run and that nobody has touched since then.
pub async fn stuck_jobs(conn: &mut PgConnection, untouched_since: DateTime<Utc>) -> Result<Vec<OfKind>> {
    let rows = sqlx::query_as!(
        OfKind,
        r#"select kind as "kind!", count(*) as "count!", max(id) as "latest!" from (
            select id, kind from backfills where state in ('queued', 'running') and row_updated_at < $1
            union all
            select id, kind from jobs where state in ('queued', 'running') and row_updated_at < $1
        ) stuck group by 1 order by 1"#,
        untouched_since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
