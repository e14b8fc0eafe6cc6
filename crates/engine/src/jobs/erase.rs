//! The job that erases a person: from their messages with all that belongs to them, from what is said about them, and from
//! the log of requests. Every step can be done again: what is erased is not found any more.

use super::work::{self, Stopped, Work};
use crate::poll::insist;
use crate::{Engine, Error, Result, person};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use twinwire_core::phone;
use twinwire_store::erasures::{self, Found, Person, Place};
use twinwire_store::jobs::{self, Asked};
use twinwire_store::tx;

/// Messages, or records, that are erased between two looks at whether the job is to end.
const BATCH: i64 = 50;
/// Logged requests that are searched in one transaction, which locks only those that it empties.
const SEARCHED: i64 = 10_000;

/// How long what is being taken in is waited for before the job makes room for others, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why somebody is not erased.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is no address.
    #[error("`{0}` is no phone number with its country code, and no short code")]
    Address(String),
    /// Messages have something to come still.
    #[error(
        "{0} of their messages are not settled yet: wait until they are, or erase them even so; they are not delivered then"
    )]
    Pending(i64),
    /// It could not be read or stored.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<twinwire_store::Error> for Refused {
    fn from(error: twinwire_store::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Engine(error.into())
    }
}

/// What there is of a person, and would be erased.
pub async fn found(engine: &Engine, address: &str) -> std::result::Result<Found, Refused> {
    let people = people(engine, address)?;
    Ok(count(engine, &people).await?)
}

/// Asks for a person to be erased. From its commit on, what evidence shows of them from before is not kept. Gives the
/// job's key.
pub async fn request(
    engine: &Engine,
    address: &str,
    even_pending: bool,
    by: &str,
) -> std::result::Result<i64, Refused> {
    let people = people(engine, address)?;
    let pending = count(engine, &people).await?.pending;
    if pending > 0 && !even_pending {
        return Err(Refused::Pending(pending));
    }
    let now = engine.now();
    let mut tx = tx::begin(engine.pool()).await?;
    for person in &people {
        erasures::record(&mut tx, &person.token, now).await?;
    }
    let what = json!({ "even_pending": even_pending, "at": now });
    let id = work::request(&mut tx, engine, Asked { kind: "erase", by, what: &what }).await?;
    let sealed = engine.key().seal(&owner(id), people[0].address.as_bytes());
    let sealed = sealed.map_err(twinwire_store::Error::from)?;
    jobs::set_sealed(&mut *tx, id, &sealed).await?;
    tx.commit().await?;
    Ok(id)
}

/// Takes back that somebody is erased, where the job is cancelled before its first step. Nothing where it names nobody.
pub(super) async fn take_back(engine: &Engine, conn: &mut PgConnection, job: &jobs::Job) -> Result<()> {
    let Some(sealed) = &job.sealed else { return Ok(()) };
    let Ok(at) = serde_json::from_value::<DateTime<Utc>>(job.asked["at"].clone()) else { return Ok(()) };
    for person in person::people(engine.key(), &open(engine, job.id, sealed)?) {
        erasures::take_back(&mut *conn, &person.token, at).await?;
    }
    Ok(())
}

/// The address that a job has sealed.
fn open(engine: &Engine, job: i64, sealed: &[u8]) -> Result<String> {
    let address = engine.key().open(&owner(job), sealed).map_err(twinwire_store::Error::from)?;
    Ok(String::from_utf8_lossy(&address).into_owned())
}

fn people(engine: &Engine, address: &str) -> std::result::Result<Vec<Person>, Refused> {
    let people = person::people(engine.key(), address.trim());
    let is_address = people.first().is_some_and(|person| phone::can_be_texted(&person.address));
    if is_address { Ok(people) } else { Err(Refused::Address(address.to_owned())) }
}

async fn count(engine: &Engine, people: &[Person]) -> Result<Found> {
    let addresses: Vec<String> = people.iter().map(|person| person.address.clone()).collect();
    Ok(erasures::count(engine.pool(), &addresses).await?)
}

/// To what a sealed address belongs.
fn owner(job: i64) -> String {
    format!("jobs/{job}")
}

/// Where searching the log goes on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct At {
    at: DateTime<Utc>,
    id: i64,
}

pub(super) async fn run(engine: &Engine, work: &mut Work) -> std::result::Result<(), Stopped> {
    let sealed = work.job.sealed.clone().ok_or_else(|| Stopped::Refused("nobody is named".to_owned()))?;
    let address = open(engine, work.job.id, &sealed)?;
    let even_pending = work.job.asked["even_pending"] == true;
    let people = person::people(engine.key(), &address);
    lookers(engine, work).await?;
    for person in &people {
        messages(engine, work, person, even_pending).await?;
        unbound(engine, work, person).await?;
        work.doing("erasing conversations");
        let upto = work.job.created_at;
        let mut tx = tx::begin(engine.pool()).await?;
        let (consents, conversations) = erasures::erase_conversations(&mut tx, person, upto).await?;
        tx.commit().await?;
        work.add("consents", consents);
        work.add("conversations", conversations);
        work.step(engine).await?;
    }
    webhooks(engine, work, &[person::words(&address)]).await
}

/// Waits until everything is over that looked who is erased before this was asked for: it may bring in a message of theirs
/// still. What looks from now on leaves out what is from before.
async fn lookers(engine: &Engine, work: &mut Work) -> std::result::Result<(), Stopped> {
    work.doing("waiting for what is being taken in");
    let began = Instant::now();
    let before = erasures::lookers(engine.pool()).await?;
    loop {
        let now = erasures::lookers(engine.pool()).await?;
        let left = before.iter().filter(|looker| now.contains(looker)).count();
        if left == 0 {
            return Ok(());
        }
        work.step(engine).await?;
        if began.elapsed() > PATIENCE {
            // A back-up, say, reads every table in one transaction.
            return Err(Stopped::NotYet(format!("{left} transactions from before are not over yet")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn messages(
    engine: &Engine,
    work: &mut Work,
    person: &Person,
    even_pending: bool,
) -> std::result::Result<(), Stopped> {
    work.doing("erasing messages");
    let mut waits = 0;
    loop {
        // What has to wait stays in front.
        let limit = BATCH + waits;
        let rows = erasures::messages(engine.pool(), &person.address, work.job.created_at, limit).await?;
        let (able, unable): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| !row.in_flight && (even_pending || !row.pending));
        let stuck = able.is_empty();
        waits = i64::try_from(unable.len()).unwrap_or(i64::MAX);
        for row in &able {
            // First the files: should this process die in between, the row still says where they are.
            for key in erasures::files(engine.pool(), row).await? {
                engine.media().delete(&key).await?;
                work.add("files", 1);
            }
            let done = insist(|| async move {
                let mut tx = tx::begin(engine.pool()).await?;
                let done = erasures::erase_message(&mut tx, row, person, even_pending, engine.now()).await?;
                tx.commit().await?;
                Ok(done)
            })
            .await?;
            crate::crash::point("erase_after_message");
            work.add("messages", u64::from(done));
        }
        work.step(engine).await?;
        if stuck && waits > 0 {
            work.doing(format!("waiting for {waits} messages to come to rest"));
            work.step(engine).await?;
            return Err(Stopped::NotYet(format!("{waits} messages are not settled yet")));
        }
        if stuck {
            return Ok(());
        }
    }
}

async fn unbound(engine: &Engine, work: &mut Work, person: &Person) -> std::result::Result<(), Stopped> {
    work.doing("erasing messages at the provider");
    let upto = work.job.created_at;
    loop {
        let count = insist(|| async move {
            let mut tx = tx::begin(engine.pool()).await?;
            let count = erasures::erase_unbound(&mut tx, person, upto, engine.now(), BATCH).await?;
            tx.commit().await?;
            Ok(count)
        })
        .await?;
        work.add("at_provider", count);
        work.step(engine).await?;
        if count == 0 {
            return Ok(());
        }
    }
}

/// The log, request by request: what is logged is found by nothing else.
async fn webhooks(engine: &Engine, work: &mut Work, words: &[String]) -> std::result::Result<(), Stopped> {
    work.doing("searching the log of requests");
    let upto = work.job.created_at;
    loop {
        let At { at, id } = work.place();
        let mut tx = tx::begin(engine.pool()).await?;
        let (count, next) =
            erasures::erase_webhooks(&mut tx, words, Place { at, id }, upto, SEARCHED).await?;
        work.add("webhooks", count);
        if let Some(Place { at, id }) = next {
            work.at(At { at, id });
        }
        let ends = work.save(&mut tx).await?;
        tx.commit().await?;
        if next.is_none() {
            return Ok(());
        }
        work.rest(ends).await?;
    }
}
