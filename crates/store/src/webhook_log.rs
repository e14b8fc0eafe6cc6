//! The log of requests that were taken, and the count of refused ones.

use crate::Result;
use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};

/// A request as received.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: DateTime<Utc>,
    /// From which vendor.
    pub connector: String,
    /// On which hook.
    pub hook: String,
    /// For which channel.
    pub channel: i64,
    /// The vendor's word for the event.
    pub event: String,
    /// Method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Content type.
    pub content_type: Option<String>,
    /// Body.
    pub body: Vec<u8>,
    /// The status answered.
    pub status: u16,
    /// Why it was not verified, where it was taken all the same.
    pub unverified: Option<String>,
}

/// Takes so many numbers for requests that will be logged, see [`crate::unit::Unit::log`]. Those that are not used are
/// missing from the log.
pub async fn numbers(conn: impl PgExecutor<'_>, count: i32) -> Result<Vec<i64>> {
    let numbers = sqlx::query_scalar!(
        r#"select nextval(pg_get_serial_sequence('webhook_log', 'id')) as "number!" from generate_series(1, $1)"#,
        count
    )
    .fetch_all(conn)
    .await?;
    Ok(numbers)
}

/// Adds to the count of refused requests.
pub async fn count_refused(
    conn: impl PgExecutor<'_>,
    day: NaiveDate,
    connector: &str,
    hook: &str,
    reason: &str,
    count: i64,
) -> Result<()> {
    sqlx::query!(
        "insert into webhook_refusals as r (day, connector, hook, reason, count) values ($1, $2, $3, $4, $5)
        on conflict (day, connector, hook, reason) do update set count = r.count + excluded.count",
        day,
        connector,
        hook,
        reason,
        count
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the partitions of yesterday, today and the next days as far as they are missing. Requests outside of them go to
/// the default partition, so that it does no harm when others are in the way.
pub async fn make_partitions(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    for day in days(now, 2) {
        make_partition(&mut *conn, day).await?;
    }
    Ok(())
}

/// Yesterday and the days up to `ahead` days from now.
pub fn days(now: DateTime<Utc>, ahead: u64) -> impl Iterator<Item = NaiveDate> {
    let yesterday = now.date_naive() - Days::new(1);
    (0..=ahead + 1).map(move |days| yesterday + Days::new(days))
}

/// Makes the partition of a day unless it is there. False when others were in the way: to be tried again later.
pub async fn make_partition(conn: impl PgExecutor<'_>, day: NaiveDate) -> Result<bool> {
    let there = sqlx::query_scalar!(r#"select create_webhook_log_partition($1) as "there!""#, day)
        .fetch_one(conn)
        .await?;
    Ok(there)
}

/// Drops the oldest of the partitions before a day: one in a transaction, which waits for nobody longer than a second.
/// False when there is none.
pub async fn drop_before(conn: impl PgExecutor<'_>, before: NaiveDate) -> Result<bool> {
    let dropped = sqlx::query_scalar!(r#"select drop_webhook_log_before($1) as "dropped!""#, before)
        .fetch_one(conn)
        .await?;
    Ok(dropped)
}

/// Deletes what is older from the default partition, which is never dropped. Gives how many requests went.
pub async fn delete_before(conn: impl PgExecutor<'_>, before: NaiveDate) -> Result<u64> {
    let done = sqlx::query!(
        "delete from webhook_log_default where received_at < $1::date::timestamp at time zone 'UTC'",
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes old counts of refused requests.
pub async fn forget_refusals(conn: impl PgExecutor<'_>, before: NaiveDate) -> Result<u64> {
    let done = sqlx::query!("delete from webhook_refusals where day < $1", before).execute(conn).await?;
    Ok(done.rows_affected())
}

/// A logged request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its number.
    pub id: i64,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// From which vendor.
    pub connector: String,
    /// On which hook.
    pub hook: String,
    /// For which channel.
    pub channel_id: Option<i64>,
    /// The vendor's word for the event.
    pub event: Option<String>,
    /// Method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Content type.
    pub content_type: Option<String>,
    /// Body.
    pub body: Vec<u8>,
    /// The status answered.
    pub status: i32,
    /// Why it was not verified, where it was taken all the same.
    pub unverified: Option<String>,
    /// It was emptied, because somebody in it was erased.
    pub erased: bool,
}

/// Which requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// From then on.
    pub from: DateTime<Utc>,
    /// Before then.
    pub to: DateTime<Utc>,
    /// Of a channel.
    pub channel: Option<i64>,
    /// From a vendor.
    pub connector: Option<String>,
    /// With this word for the event.
    pub event: Option<String>,
    /// Only the verified ones, or only the others.
    pub verified: Option<bool>,
}

impl Default for Which {
    fn default() -> Self {
        let (from, to) = (DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC);
        Self { from, to, channel: None, connector: None, event: None, verified: None }
    }
}

/// A place in the log, which is in the order of time and number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// When the request came.
    pub at: DateTime<Utc>,
    /// Its number.
    pub id: i64,
}

/// The next requests past a place, oldest first.
pub async fn page(conn: impl PgExecutor<'_>, which: &Which, after: Place, limit: i64) -> Result<Vec<Logged>> {
    let page = sqlx::query_as!(
        Logged,
        "select id, received_at, connector, hook, channel_id, event, method, url, content_type, body, status, unverified,
            erased
        from webhook_log
        where received_at >= greatest($1::timestamptz, $7::timestamptz) and received_at < $2 and (received_at, id) > ($7, $8)
            and ($3::bigint is null or channel_id = $3) and ($4::text is null or connector = $4)
            and ($5::text is null or event = $5) and ($6::boolean is null or (unverified is null) = $6)
        order by received_at, id limit $9",
        which.from,
        bound(which.to),
        which.channel,
        which.connector,
        which.event,
        which.verified,
        after.at,
        after.id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(page)
}

/// The latest requests, newest first, without their bodies; those before a place, where one is named.
pub async fn latest(
    conn: impl PgExecutor<'_>,
    which: &Which,
    before: Option<Place>,
    limit: i64,
) -> Result<Vec<Logged>> {
    let latest = sqlx::query_as!(
        Logged,
        r#"select id, received_at, connector, hook, channel_id, event, method, url, content_type, ''::bytea as "body!",
            status, unverified, erased
        from webhook_log
        where received_at >= $1 and received_at < $2
            and ($3::bigint is null or channel_id = $3) and ($4::text is null or connector = $4)
            and ($5::text is null or event = $5) and ($6::boolean is null or (unverified is null) = $6)
            and ($8::timestamptz is null or (received_at <= $8 and (received_at, id) < ($8, $9)))
        order by received_at desc, id desc limit $7"#,
        which.from,
        bound(which.to),
        which.channel,
        which.connector,
        which.event,
        which.verified,
        limit,
        before.map(|place| place.at),
        before.map_or(0, |place| place.id)
    )
    .fetch_all(conn)
    .await?;
    Ok(latest)
}

/// One request.
pub async fn get(conn: impl PgExecutor<'_>, id: i64) -> Result<Option<Logged>> {
    // The key begins with the time: by its number alone every day is read. Nobody asks often.
    let logged = sqlx::query_as!(
        Logged,
        "select id, received_at, connector, hook, channel_id, event, method, url, content_type, body, status, unverified,
            erased
        from webhook_log where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(logged)
}

/// The latest time that Postgres knows is earlier than the latest here.
fn bound(at: DateTime<Utc>) -> DateTime<Utc> {
    at.min(DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(at))
}
