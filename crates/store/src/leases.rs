//! Leases: a channel is worked by one process at a time. By the database's clock, so that processes need not agree.

use crate::{Error, Result};
use sqlx::{PgConnection, PgExecutor};
use std::time::Duration;

/// A lease on a channel. `fence` grows with every change of owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The channel.
    pub channel: i64,
    /// The process.
    pub owner: String,
    /// The number under which it may write.
    pub fence: i64,
}

/// Takes the lease of a channel if nobody holds it. One whose process stands still in the middle of a transaction is left
/// alone until the database has ended that: waiting for it would keep the other channels waiting, too.
pub async fn acquire(
    conn: impl PgExecutor<'_>,
    channel: i64,
    owner: &str,
    ttl: Duration,
) -> Result<Option<Lease>> {
    let fence = sqlx::query_scalar!(
        r#"with made as (
            insert into channel_leases (channel_id, owner, fence, until)
            values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
            on conflict (channel_id) do nothing returning fence
        ), free as (
            select channel_id from channel_leases where channel_id = $1 and until <= clock_timestamp()
            for update skip locked
        ), taken as (
            update channel_leases l
            set owner = $2, fence = l.fence + 1, until = clock_timestamp() + make_interval(secs => $3)
            from free where l.channel_id = free.channel_id returning l.fence
        )
        select fence as "fence!" from made union all select fence from taken"#,
        channel,
        owner,
        ttl.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?;
    Ok(fence.map(|fence| Lease { channel, owner: owner.to_owned(), fence }))
}

/// Holds a lease longer.
///
/// # Errors
/// [`Error::LeaseLost`] when another process took it.
pub async fn renew(conn: impl PgExecutor<'_>, lease: &Lease, ttl: Duration) -> Result<()> {
    let done = sqlx::query!(
        "update channel_leases set until = clock_timestamp() + make_interval(secs => $4)
        where channel_id = $1 and owner = $2 and fence = $3",
        lease.channel,
        lease.owner,
        lease.fence,
        ttl.as_secs_f64()
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 { Err(Error::LeaseLost) } else { Ok(()) }
}

/// Gives a lease back, so that the next process need not wait.
pub async fn release(conn: impl PgExecutor<'_>, lease: &Lease) -> Result<()> {
    sqlx::query!(
        "update channel_leases set until = '-infinity' where channel_id = $1 and owner = $2 and fence = $3",
        lease.channel,
        lease.owner,
        lease.fence
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The fence: inside a transaction, makes sure that the lease is still ours and keeps it so until the commit.
///
/// # Errors
/// [`Error::LeaseLost`].
pub async fn hold(conn: &mut PgConnection, lease: &Lease) -> Result<()> {
    let held = sqlx::query_scalar!(
        r#"select true as "held!" from channel_leases where channel_id = $1 and owner = $2 and fence = $3 for share"#,
        lease.channel,
        lease.owner,
        lease.fence
    )
    .fetch_optional(conn)
    .await?;
    held.map(|_| ()).ok_or(Error::LeaseLost)
}
