//! Files of old messages: taken from the message first, then deleted from the store.

use crate::jobs::work::{Stopped, Work};
use crate::poll::insist;
use crate::{Engine, Error};
use chrono::{DateTime, TimeDelta, Utc};
use twinwire_core::media::State;
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::media_let_go;
use twinwire_store::retention::{self, What};
use twinwire_store::unit::Unit;

/// Messages that are looked at in one transaction; few of them have files.
const BATCH: i64 = 200;
/// Files that are deleted between two looks at whether the job is to end.
const FILES: i64 = 50;

/// Deletes what was left to be deleted, then goes through all channels; `keep` is the time and the moment before which
/// what we learnt of is old.
pub(super) async fn run(
    engine: &Engine,
    work: &mut Work,
    keep: Option<(TimeDelta, DateTime<Utc>)>,
) -> Result<(), Stopped> {
    delete(engine, work).await?;
    let Some((keep, before)) = keep else { return Ok(()) };
    let why = format!("files are kept for {} days", keep.num_days());
    for channel in &channels::all(engine.pool()).await? {
        work.doing(format!("letting go of files in {}", channel.channel.id));
        let mut after = String::new();
        loop {
            let ids = retention::left(engine.pool(), What::Media, channel.id, &after, BATCH).await?;
            let Some(last) = ids.last() else { break };
            after.clone_from(last);
            let (ids, why) = (&ids, why.as_str());
            insist(|| left(engine, channel, ids, why)).await?;
            delete(engine, work).await?;
        }
        while insist(|| batch(engine, channel, before, &why)).await? {
            delete(engine, work).await?;
        }
    }
    Ok(())
}

async fn batch(
    engine: &Engine,
    channel: &StoredChannel,
    before: DateTime<Utc>,
    why: &str,
) -> Result<bool, Error> {
    let mut unit = Unit::new(engine.pool());
    let slice = retention::slice(unit.conn().await?, What::Media, channel.id, before, BATCH).await?;
    if slice.ids.is_empty() {
        return Ok(false);
    }
    let left = take(&mut unit, channel, &slice.ids, why).await?;
    retention::mark(unit.conn().await?, What::Media, channel.id, slice.upto, &left).await?;
    unit.commit().await?;
    Ok(true)
}

async fn left(engine: &Engine, channel: &StoredChannel, ids: &[String], why: &str) -> Result<(), Error> {
    let mut unit = Unit::new(engine.pool());
    let left = take(&mut unit, channel, ids, why).await?;
    let over: Vec<String> = ids.iter().filter(|id| !left.contains(id)).cloned().collect();
    retention::unleave(unit.conn().await?, What::Media, channel.id, &over).await?;
    Ok(unit.commit().await?)
}

/// Takes the files from settled messages, and gives those that have something to come. The row goes on to say what each
/// file was.
async fn take(
    unit: &mut Unit,
    channel: &StoredChannel,
    ids: &[String],
    why: &str,
) -> Result<Vec<String>, Error> {
    let mut left = Vec::new();
    for id in retention::with_files(unit.conn().await?, channel.id, ids).await? {
        let Some(mut row) = unit.lock(channel.id, &id).await? else { continue };
        // Under the lock: nobody can ask for a new attempt now.
        if !retention::unsettled(unit.conn().await?, channel.id, std::slice::from_ref(&id)).await?.is_empty()
        {
            left.push(id);
            continue;
        }
        let before = row.clone();
        for medium in &mut row.media {
            let Some(key) = medium.key() else { continue };
            media_let_go::add(unit.conn().await?, channel.id, &id, key).await?;
            medium.state = State::Missing { why: why.to_owned() };
        }
        unit.update(channel.id, &before, &row);
    }
    Ok(left)
}

/// Deletes files that no message has any more.
async fn delete(engine: &Engine, work: &mut Work) -> Result<(), Stopped> {
    loop {
        let files = media_let_go::next(engine.pool(), FILES).await?;
        for file in &files {
            engine.media().delete(&file.key).await?;
            media_let_go::gone(engine.pool(), file).await?;
        }
        work.add("files", files.len() as u64);
        work.step(engine).await?;
        if files.is_empty() {
            return Ok(());
        }
    }
}
