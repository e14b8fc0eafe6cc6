//! Channels: one helpdesk inbox tied to one address at a provider.

mod keys;

pub use keys::{KeyHash, api_key, hash, replace_api_key};

use crate::Result;
use crate::seal::SecretKey;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use twinwire_core::connector::Channel;

/// A channel as it stands.
#[derive(Clone, Debug)]
pub struct StoredChannel {
    /// Key.
    pub id: i64,
    /// What connectors see of it.
    pub channel: Channel,
    /// The helpdesk's account.
    pub helpdesk_account: i64,
    /// The provider's account.
    pub provider_account: i64,
    /// new, active, paused or deleted.
    pub state: State,
    /// Whether the helpdesk shows its users that it works; none while nobody knows.
    pub shown_works: Option<bool>,
    /// When the helpdesk was last asked to show something else.
    pub show_tried_at: Option<DateTime<Utc>>,
}

/// Whether a channel is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Set up, and not connected by a user of the helpdesk yet.
    New,
    /// At work.
    Active,
    /// Stopped by an operator.
    Paused,
    /// Removed in the helpdesk. Its history stays.
    Deleted,
}

struct Row {
    id: i64,
    public_id: String,
    pair: String,
    helpdesk_account_id: i64,
    provider_account_id: i64,
    address: String,
    region: Option<String>,
    helpdesk_channel_id: Option<String>,
    state: String,
    shown_works: Option<bool>,
    show_tried_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for StoredChannel {
    type Error = crate::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            helpdesk_account: row.helpdesk_account_id,
            provider_account: row.provider_account_id,
            state: crate::words::value("channels.state", &row.state)?,
            shown_works: row.shown_works,
            show_tried_at: row.show_tried_at,
            channel: Channel {
                id: row.public_id,
                pair: row.pair,
                address: row.address,
                region: row.region,
                helpdesk_channel_id: row.helpdesk_channel_id,
            },
        })
    }
}

/// What a new channel is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewChannel<'a> {
    /// Public id, pair, address and region.
    pub channel: &'a Channel,
    /// The helpdesk's account.
    pub helpdesk_account: i64,
    /// The provider's account.
    pub provider_account: i64,
    /// The key that the helpdesk's user pastes.
    pub api_key: &'a str,
}

/// Lets one set-up at a time go on until its transaction ends: two for one number find each other's work.
pub async fn lock_setup(conn: &mut PgConnection) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('twinwire_setup'))").execute(conn).await?;
    Ok(())
}

/// Makes a channel.
pub async fn insert(conn: &mut PgConnection, key: &SecretKey, new: NewChannel<'_>) -> Result<i64> {
    let sealed = key.seal(&keys::owner(&new.channel.id), new.api_key.as_bytes())?;
    let id = sqlx::query_scalar!(
        "insert into channels (public_id, pair, helpdesk_account_id, provider_account_id, address, region,
            api_key_hash, sealed_api_key)
        values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        new.channel.id,
        new.channel.pair,
        new.helpdesk_account,
        new.provider_account,
        new.channel.address,
        new.channel.region,
        &hash(new.api_key),
        sealed,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// By key.
pub async fn get(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<StoredChannel>> {
    sqlx::query_as!(
        Row,
        "select id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state,
            shown_works, show_tried_at
        from channels where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Whether a channel's calls may be made right now.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The channel's state.
    pub state: State,
    /// The helpdesk's account rests until then.
    pub helpdesk_paused_until: Option<DateTime<Utc>>,
    /// The provider's account rests until then.
    pub provider_paused_until: Option<DateTime<Utc>>,
}

/// How a channel and its accounts stand, whichever process has changed them.
pub async fn standing(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<Standing>> {
    let row = sqlx::query!(
        "select c.state, h.paused_until as helpdesk_paused_until, p.paused_until as provider_paused_until
        from channels c join accounts h on h.id = c.helpdesk_account_id join accounts p on p.id = c.provider_account_id
        where c.id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Standing {
            state: crate::words::value("channels.state", &row.state)?,
            helpdesk_paused_until: row.helpdesk_paused_until,
            provider_paused_until: row.provider_paused_until,
        })
    })
    .transpose()
}

/// By public id.
pub async fn by_public_id(conn: impl PgExecutor<'_>, public_id: &str) -> Result<Option<StoredChannel>> {
    sqlx::query_as!(
        Row,
        "select id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state,
            shown_works, show_tried_at
        from channels where public_id = $1",
        public_id
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// By the hash of the key that the helpdesk sends.
pub async fn by_api_key(conn: impl PgExecutor<'_>, hash: &KeyHash) -> Result<Option<StoredChannel>> {
    sqlx::query_as!(
        Row,
        "select id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state,
            shown_works, show_tried_at
        from channels where api_key_hash = $1",
        hash
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// By address at the provider; the living one before deleted ones, the latest of those.
pub async fn by_address(
    conn: impl PgExecutor<'_>,
    account: i64,
    address: &str,
) -> Result<Option<StoredChannel>> {
    sqlx::query_as!(
        Row,
        "select id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state,
            shown_works, show_tried_at
        from channels where provider_account_id = $1 and address = $2
        order by (state = 'deleted'), id desc limit 1",
        account,
        address
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Channels that an account serves, on either side.
pub async fn of_account(conn: impl PgExecutor<'_>, account: i64) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        "select id from channels where (helpdesk_account_id = $1 or provider_account_id = $1) and state <> 'deleted'",
        account
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Every channel, oldest first.
pub async fn all(conn: impl PgExecutor<'_>) -> Result<Vec<StoredChannel>> {
    sqlx::query_as!(
        Row,
        "select id, public_id, pair, helpdesk_account_id, provider_account_id, address, region, helpdesk_channel_id, state,
            shown_works, show_tried_at
        from channels order by id"
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// A user of the helpdesk connected it: it works from now on, also when it had been removed before.
pub async fn connect(conn: impl PgExecutor<'_>, id: i64, helpdesk_channel_id: &str) -> Result<()> {
    sqlx::query!(
        "update channels set helpdesk_channel_id = $2, deleted_at = null, updated_at = now(), shown_works = true,
            state = case when state = 'paused' then state else 'active' end
        where id = $1 and (helpdesk_channel_id is distinct from $2 or state in ('new', 'deleted'))",
        id,
        helpdesk_channel_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A user of the helpdesk removed it: it stops, and everything stays.
pub async fn tombstone(conn: impl PgExecutor<'_>, id: i64, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update channels set state = 'deleted', deleted_at = $2, updated_at = now() where id = $1 and state <> 'deleted'",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An operator stops it. Gives whether it was at work, or to be.
pub async fn pause(conn: impl PgExecutor<'_>, id: i64) -> Result<bool> {
    let done = sqlx::query!(
        "update channels set state = 'paused', updated_at = now() where id = $1 and state in ('new', 'active')",
        id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// An operator lets it go on: as a new one where no user of the helpdesk has connected it yet. Gives whether it was
/// paused.
pub async fn resume(conn: impl PgExecutor<'_>, id: i64) -> Result<bool> {
    let done = sqlx::query!(
        "update channels set updated_at = now(),
            state = case when helpdesk_channel_id is null then 'new' else 'active' end
        where id = $1 and state = 'paused'",
        id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The helpdesk is about to be asked to show whether the channel works. Until the answer is written down, nobody knows
/// what it shows.
pub async fn begin_show(conn: impl PgExecutor<'_>, id: i64, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update channels set show_tried_at = $2, shown_works = null where id = $1", id, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// The helpdesk shows that the channel works, or that it does not. The next change may be shown at once.
pub async fn shown(conn: impl PgExecutor<'_>, id: i64, works: bool) -> Result<()> {
    sqlx::query!(
        "update channels set shown_works = $2, show_tried_at = null, updated_at = now() where id = $1",
        id,
        works
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts for the overview of channels.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Public id.
    pub channel: String,
    /// Pair.
    pub pair: String,
    /// Our address.
    pub address: String,
    /// State.
    pub state: String,
    /// The helpdesk's id.
    pub helpdesk_channel_id: Option<String>,
    /// Rows with something to do; [`COUNTED`] stands for any number above.
    pub pending: i64,
    /// Rows put aside, those that were too old left out; [`COUNTED`] stands for any number above.
    pub parked: i64,
    /// Rows that were too old to be delivered; [`COUNTED`] stands for any number above.
    pub too_old: i64,
    /// Why an account of it rests.
    pub resting: Option<String>,
}

/// So far rows are counted for the overview: years of history must not be read to say that there is much of it.
pub const COUNTED: i64 = 1_001;

/// The overview of all channels, or of one.
pub async fn overview(conn: impl PgExecutor<'_>, channel: Option<i64>) -> Result<Vec<Overview>> {
    let rows = sqlx::query_as!(
        Overview,
        r#"select c.public_id as channel, c.pair, c.address, c.state, c.helpdesk_channel_id,
            (select count(*) from (select from messages m where m.channel_id = c.id and m.wake_at is not null
                limit $2) few) as "pending!",
            (select count(*) from (select from messages m where m.channel_id = c.id and m.parked is not null
                and m.parked <> 'too_old' limit $2) few) as "parked!",
            (select count(*) from (select from messages m where m.channel_id = c.id and m.parked = 'too_old'
                limit $2) few) as "too_old!",
            case when h.paused_until > now() then h.pause_reason
                when p.paused_until > now() then p.pause_reason end as resting
        from channels c join accounts h on h.id = c.helpdesk_account_id join accounts p on p.id = c.provider_account_id
        where $1::bigint is null or c.id = $1
        order by c.id"#,
        channel,
        COUNTED
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
