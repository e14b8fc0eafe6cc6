//! Texts and stories of old messages: emptied, or deleted, channel by channel and batch by batch.

use crate::Engine;
use crate::jobs::work::{Stopped, Work};
use crate::poll::insist;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::retention::{self, Place, What};
use twinwire_store::tx;

/// Messages in one transaction.
const BATCH: i64 = 200;

/// Goes through all channels.
pub(super) async fn run(
    engine: &Engine,
    work: &mut Work,
    what: What,
    before: DateTime<Utc>,
) -> Result<(), Stopped> {
    let ends = channels::all(engine.pool()).await?;
    for channel in &ends {
        let words = match what {
            What::Bodies => "texts",
            What::Media => "files",
            What::Attempts => "stories",
        };
        work.doing(format!("letting go of {words} in {}", channel.channel.id));
        left(engine, work, what, channel, before).await?;
        loop {
            let done = insist(|| batch(engine, what, channel, before)).await?;
            let Some(done) = done else { break };
            work.add(done.name, done.count);
            work.step(engine).await?;
        }
    }
    if what == What::Bodies {
        let mut accounts: Vec<i64> = ends.iter().map(|channel| channel.provider_account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts {
            unbound(engine, work, account, before).await?;
        }
    }
    Ok(())
}

/// What a batch did.
struct Done {
    name: &'static str,
    count: u64,
    left: Vec<String>,
}

/// The next messages, and the mark behind them, in one transaction; none at the end.
async fn batch(
    engine: &Engine,
    what: What,
    channel: &StoredChannel,
    before: DateTime<Utc>,
) -> crate::Result<Option<Done>> {
    let mut tx = tx::begin(engine.pool()).await?;
    let slice = retention::slice(&mut tx, what, channel.id, before, BATCH).await?;
    if slice.ids.is_empty() {
        return Ok(None);
    }
    let done = let_go(engine, &mut tx, what, channel, &slice.ids, before).await?;
    retention::mark(&mut tx, what, channel.id, slice.upto, &done.left).await?;
    tx.commit().await?;
    Ok(Some(done))
}

/// Messages that had something to come when it was their time.
async fn left(
    engine: &Engine,
    work: &mut Work,
    what: What,
    channel: &StoredChannel,
    before: DateTime<Utc>,
) -> Result<(), Stopped> {
    let mut after = String::new();
    loop {
        let ids = retention::left(engine.pool(), what, channel.id, &after, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after.clone_from(last);
        let ids = &ids;
        let done = insist(|| async move {
            let mut tx = tx::begin(engine.pool()).await?;
            let done = let_go(engine, &mut tx, what, channel, ids, before).await?;
            let over: Vec<String> = ids.iter().filter(|id| !done.left.contains(id)).cloned().collect();
            retention::unleave(&mut tx, what, channel.id, &over).await?;
            tx.commit().await?;
            Ok(done)
        })
        .await?;
        work.add(done.name, done.count);
        work.step(engine).await?;
    }
}

async fn let_go(
    engine: &Engine,
    conn: &mut PgConnection,
    what: What,
    channel: &StoredChannel,
    ids: &[String],
    before: DateTime<Utc>,
) -> crate::Result<Done> {
    let mut left = retention::unsettled(&mut *conn, channel.id, ids).await?;
    let settled: Vec<String> = ids.iter().filter(|id| !left.contains(id)).cloned().collect();
    if what == What::Attempts {
        let (count, young) = retention::forget_lines(conn, channel.id, &settled, before).await?;
        left.extend(young);
        return Ok(Done { name: "lines", count, left });
    }
    let count = retention::empty(conn, channel.id, channel.provider_account, &settled, engine.now()).await?;
    Ok(Done { name: "texts", count, left })
}

/// Messages at the provider that are none of ours.
async fn unbound(
    engine: &Engine,
    work: &mut Work,
    account: i64,
    before: DateTime<Utc>,
) -> Result<(), Stopped> {
    let mut place = Some(Place { at: DateTime::UNIX_EPOCH, id: String::new() });
    while let Some(after) = place {
        let after = &after;
        let (count, next) = insist(|| async move {
            let mut tx = tx::begin(engine.pool()).await?;
            let done = retention::empty_unbound(&mut tx, account, before, after, engine.now(), BATCH).await?;
            tx.commit().await?;
            Ok(done)
        })
        .await?;
        place = next;
        work.add("texts_at_provider", count);
        work.step(engine).await?;
    }
    Ok(())
}
