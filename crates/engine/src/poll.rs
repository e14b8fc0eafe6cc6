//! Reading a provider's list: what webhooks missed, and what became of messages since.

use crate::call::{self, Caller};
use crate::fold::{self, Counts};
use crate::{Engine, Error, Result, crash};
use chrono::{DateTime, TimeDelta, Utc};
use twinwire_core::connector::Call;
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::outcome::{Done, Outcome, Page};
use twinwire_store::accounts::{self, Account};
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::provider_messages;

/// A poll reads this far behind where the last one began: lists show some messages late.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// How far back an incremental backfill reads, and a first poll.
const RECENT: TimeDelta = TimeDelta::hours(48);
/// Messages whose fate is open are read again by id for this long.
const OPEN_FOR: TimeDelta = TimeDelta::days(4);
/// How long after the last look.
const OPEN_EVERY: TimeDelta = TimeDelta::minutes(10);
/// And how many in one poll.
const OPEN_AT_ONCE: i64 = 50;

/// Runs a reading to its end, from where it was.
pub async fn run(engine: &Engine, reading: &Backfill) -> Result<()> {
    let account = engine.account(reading.account_id).await?;
    let began = reading.started_at.unwrap_or_else(|| engine.now());
    let since = since(&account, reading.kind, began);
    let mut page = reading.next_page.clone();
    loop {
        let shown = list(engine, &account, since, page.as_deref()).await?;
        let over = shown.next.is_none() || since.is_some_and(|since| all_before(&shown, since));
        let next = if over { None } else { shown.next.as_deref() };
        take_page(engine, reading.id, account.id, &shown, next).await?;
        if over {
            break;
        }
        page = shown.next;
    }
    read_open(engine, reading.id, &account).await?;
    accounts::set_polled(engine.pool(), account.id, began).await?;
    Ok(())
}

fn since(account: &Account, kind: Kind, began: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match (kind, account.polled_until) {
        (Kind::Full, _) => None,
        (Kind::Poll, Some(until)) => Some(until - OVERLAP),
        (Kind::Incremental, Some(until)) => Some(until.min(began) - RECENT),
        (Kind::Poll | Kind::Incremental, None) => Some(began - RECENT),
    }
}

async fn list(
    engine: &Engine,
    account: &Account,
    since: Option<DateTime<Utc>>,
    page: Option<&str>,
) -> Result<Page> {
    let caller = Caller { account, channel: None, thread: None };
    match call::make(engine, caller, &Call::List { since, page }).await? {
        Outcome::Done(Done::Page(page)) => Ok(page),
        Outcome::Done(_) => Err(Error::Reading("the provider gave no list".to_owned())),
        Outcome::Refused(refusal) => {
            Err(Error::Reading(format!("the provider refused: {}", refusal.describe())))
        }
        Outcome::Unknown(why) => Err(Error::Reading(why)),
    }
}

/// Whether everything further down the list is from before `since`. The list is sorted by time, newest first, but for
/// messages that have no time yet.
fn all_before(page: &Page, since: DateTime<Utc>) -> bool {
    let mut times = page.observations.iter().filter_map(|seen| match seen {
        Observation::AtProvider(seen) => seen.created_at,
        _ => None,
    });
    times.next_back().is_some_and(|last| last < since)
}

/// Folds a page and writes down where to go on, in one transaction: a killed reading repeats one page at most.
async fn take_page(
    engine: &Engine,
    reading: i64,
    account: i64,
    page: &Page,
    next: Option<&str>,
) -> Result<()> {
    let shown = in_order(page);
    let mut tx = engine.pool().begin().await?;
    let counts = match fold::provider(&mut tx, account, None, &shown, engine.now()).await {
        Ok(counts) => counts,
        Err(error) if error.is_outage() => return Err(error),
        Err(error) => {
            tx.rollback().await?;
            tracing::warn!(%error, "a page could not be folded as a whole; folding its messages one by one");
            let counts = one_by_one(engine, account, &shown).await?;
            tx = engine.pool().begin().await?;
            counts
        }
    };
    backfills::page_done(&mut tx, reading, next, counts.seen, counts.inserted, counts.updated).await?;
    crash::point("poll_page_before_commit");
    Ok(tx.commit().await?)
}

/// One message that cannot be stored must not keep the others out.
async fn one_by_one(engine: &Engine, account: i64, shown: &[AtProvider]) -> Result<Counts> {
    let mut counts = Counts::default();
    for seen in shown {
        let mut tx = engine.pool().begin().await?;
        match fold::provider(&mut tx, account, None, std::slice::from_ref(seen), engine.now()).await {
            Ok(folded) => {
                tx.commit().await?;
                counts.add(folded);
            }
            Err(error) if error.is_outage() => return Err(error),
            Err(error) => {
                tracing::error!(message = seen.id, %error, "a message of the provider cannot be stored");
            }
        }
    }
    Ok(counts)
}

/// Oldest first, so that rows made from one page stand in the order in which the messages came.
fn in_order(page: &Page) -> Vec<AtProvider> {
    let mut shown: Vec<AtProvider> = page
        .observations
        .iter()
        .rev()
        .filter_map(|seen| match seen {
            Observation::AtProvider(seen) => Some(seen.clone()),
            _ => None,
        })
        .collect();
    shown.sort_by_key(|seen| seen.created_at.unwrap_or(DateTime::<Utc>::MAX_UTC));
    shown
}

/// Reads messages again whose fate is open: a late failure of an older message does not show at the head of the list.
async fn read_open(engine: &Engine, reading: i64, account: &Account) -> Result<()> {
    let now = engine.now();
    let open =
        provider_messages::open(engine.pool(), account.id, now - OPEN_FOR, now - OPEN_EVERY, OPEN_AT_ONCE)
            .await?;
    for id in open {
        let caller = Caller { account, channel: None, thread: None };
        let shown = match call::make(engine, caller, &Call::Fetch { id: &id }).await? {
            Outcome::Done(Done::Page(page)) => page,
            Outcome::Done(_) => Page::default(),
            Outcome::Refused(refusal) => {
                tracing::debug!(message = id, code = refusal.code, "an open message could not be read again");
                Page::default()
            }
            Outcome::Unknown(_) => break,
        };
        provider_messages::set_checked(engine.pool(), account.id, &id, now).await?;
        let mut tx = engine.pool().begin().await?;
        let counts = fold::provider(&mut tx, account.id, None, &in_order(&shown), now).await?;
        backfills::add_updated(&mut tx, reading, counts.updated).await?;
        tx.commit().await?;
    }
    Ok(())
}
