//! What the read-only role may read. Everything that is not named here is closed to it: a new table, and a new column of a
//! table that has secrets.

use super::Chosen;
use crate::Result;
use sqlx::PgConnection;

/// Connections that the role may have at a time: what people ask must not take the place of the work.
const CONNECTIONS: u32 = 10;
/// How long a statement of the role may take, unless its session asks for another limit.
const STATEMENT_LIMIT: &str = "60s";

/// Tables that a reader may see whole.
const TABLES: &[&str] = &[
    "attempts",
    "backfills",
    "channel_activity",
    "channel_leases",
    "consents",
    "conversations",
    "deliveries",
    "message_hours",
    "messages",
    "paces",
    "provider_messages",
    "retention_left",
    "retention_marks",
    "webhook_refusals",
    "webhook_unverified",
];
/// What a reader may see of tables that hold secrets: sealed ones, or in what somebody sent.
const SHOWN: &[(&str, &str)] = &[
    (
        "accounts",
        "id, public_id, connector, identity, paused_until, pause_reason, pauses, polled_until, verification, \
         created_at, updated_at",
    ),
    (
        "channels",
        "id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state, \
         shown_works, show_tried_at, deleted_at, created_at, updated_at",
    ),
    (
        "endpoints",
        "id, public_id, old_secret_until, event_types, channel_id, with_body, state, state_reason, paused_until, failures, \
         failing_since, last_error, last_delivered_at, created_at, updated_at",
    ),
    (
        "jobs",
        "id, kind, state, requested_by, asked, doing, counts, failures, error, cancelled_by, created_at, started_at, \
         finished_at, row_updated_at",
    ),
    (
        "webhook_log",
        "id, received_at, connector, hook, channel_id, event, method, url, content_type, body, status, unverified, \
         erased",
    ),
];

/// What closes the schema of our tables to everybody.
pub(super) struct ToClose {
    /// Statements; none where it is closed.
    pub statements: Vec<String>,
    /// Whether the database's own user may run them.
    pub ours: bool,
}

/// What closes the schema `public` to everybody but the database's own user, who makes our tables in it.
pub(super) async fn close(conn: &mut PgConnection) -> Result<ToClose> {
    let open: Option<(bool, String)> = sqlx::query_as(
        "select pg_catalog.pg_has_role(n.nspowner, 'usage'), pg_catalog.quote_ident(current_user)
        from pg_catalog.pg_namespace n
            cross join pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
        where n.nspname = 'public' and a.grantee = 0 and a.privilege_type = 'CREATE'",
    )
    .fetch_optional(conn)
    .await?;
    let Some((ours, user)) = open else { return Ok(ToClose { statements: Vec::new(), ours: false }) };
    // Who does not own the schema needs to be named: it made tables by the right of everybody until now.
    let own = (!ours).then(|| format!("grant create on schema public to {user}"));
    let close = "revoke create on schema public from public".to_owned();
    Ok(ToClose { statements: own.into_iter().chain([close]).collect(), ours })
}

/// Makes the role, or renews its password and its limits.
pub(super) async fn role(conn: &mut PgConnection, chosen: &Chosen, password: &str) -> Result<String> {
    let verb = if chosen.exists { "alter" } else { "create" };
    // Names are quoted by `format`, the password and the comment as well.
    let sql = format!(
        "{verb} role %1$I login password %2$L connection limit {CONNECTIONS};\n\
         comment on role %1$I is %3$L;\n\
         alter role %1$I set default_transaction_read_only = on;\n\
         alter role %1$I set statement_timeout = '{STATEMENT_LIMIT}';\n\
         alter role %1$I set idle_in_transaction_session_timeout = '{STATEMENT_LIMIT}'"
    );
    let sql = sqlx::query_scalar("select pg_catalog.format($1, $2::text, $3::text, $4::text)")
        .bind(sql)
        .bind(&chosen.role)
        .bind(password)
        .bind(&chosen.mark);
    Ok(sql.fetch_one(conn).await?)
}

/// The grants. What an earlier version may have granted on our tables is taken back first, in the same transaction.
pub(super) async fn statements(conn: &mut PgConnection, role: &str) -> Result<Vec<String>> {
    let role: String =
        sqlx::query_scalar("select pg_catalog.quote_ident($1)").bind(role).fetch_one(&mut *conn).await?;
    let views: Vec<String> = sqlx::query_scalar(
        "select pg_catalog.quote_ident(pg_catalog.substr(name, 6)) from installation where name like 'view %' order by 1",
    )
    .fetch_all(&mut *conn)
    .await?;
    let whole: Vec<&str> = TABLES.iter().copied().chain(views.iter().map(String::as_str)).collect();
    let ours: Vec<&str> = TABLES.iter().copied().chain(SHOWN.iter().map(|(table, _)| *table)).collect();
    let mut statements = vec![
        format!("revoke all on {} from {role}", ours.join(", ")),
        format!("grant usage on schema public to {role}"),
        format!("grant select on {} to {role}", whole.join(", ")),
    ];
    statements.extend(
        SHOWN.iter().map(|(table, columns)| format!("grant select ({columns}) on {table} to {role}")),
    );
    Ok(statements)
}
