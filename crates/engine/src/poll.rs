//! Reading a provider's list: what webhooks missed, and what became of messages since.

use crate::call::{self, Caller};
use crate::fold::{self, Counts, How, Source};
use crate::{Engine, Error, crash};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use twinwire_core::connector::Call;
use twinwire_core::observe::{AtProvider, Observation};
use twinwire_core::outcome::{Done, Outcome, Page, RefusalKind};
use twinwire_store::accounts::{self, Account, REFUSED_TO_READ};
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::provider_messages;
use twinwire_store::tx;
use twinwire_store::unit::Unit;

type Result<T, E = Error> = std::result::Result<T, E>;

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

/// So many pages and no end: the list runs in a circle.
const MAX_PAGES: i32 = 100_000;
/// How often what lost against another transaction is tried again at once.
const CONFLICTS: u32 = 5;

/// Why a reading did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The account rests: it may not be called now.
    #[error("the account rests: {reason}")]
    Rests {
        /// Until when.
        until: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Somebody wanted it to end.
    #[error("cancelled")]
    Cancelled,
    /// This process stops; the next one goes on with the page.
    #[error("this process stops")]
    Leaving,
    /// It cannot be done at all.
    #[error("{0}")]
    Refused(String),
    /// Something failed that may work later.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<twinwire_store::Error> for Stopped {
    fn from(error: twinwire_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The account, unless it rests. Then the vendor is left alone, and who reads does not end the rest for those who send.
pub(crate) async fn awake(engine: &Engine, account: i64) -> Result<Account, Stopped> {
    let account = engine.account(account).await?;
    let Some(until) = account.paused_until.filter(|until| *until > engine.now()) else {
        return Ok(account);
    };
    let reason = account.pause_reason.unwrap_or_default();
    if reason == REFUSED_TO_READ {
        return Err(Stopped::Refused(format!(
            "the provider refused the credentials; the account rests until {until}"
        )));
    }
    Err(Stopped::Rests { until, reason })
}

/// Runs a reading to its end, from where it was; until `stop`, and not beyond the page that it is at then.
pub async fn run(engine: &Engine, reading: &Backfill, stop: &CancellationToken) -> Result<(), Stopped> {
    let mut account = awake(engine, reading.account_id).await?;
    let began = reading.started_at.unwrap_or_else(|| engine.now());
    let since = since(&account, reading.kind, began);
    let mut page = reading.next_page.clone();
    for _ in reading.pages..MAX_PAGES {
        if stop.is_cancelled() {
            return Err(Stopped::Leaving);
        }
        let shown = list(engine, &account, since, page.as_deref()).await?;
        let over = shown.next.is_none() || since.is_some_and(|since| all_before(&shown, since));
        let next = if over { None } else { shown.next.as_deref() };
        let ends = take_page(engine, reading.id, account.id, &shown, next).await?;
        if ends && !over {
            return Err(Stopped::Cancelled);
        }
        if over {
            accounts::set_polled(engine.pool(), account.id, began).await?;
            if let Err(error) = read_open(engine, reading.id, &account).await {
                // The list has been read all the same; the next reading looks at them again.
                tracing::warn!(account = account.public_id, %error, "open messages could not be read again");
            }
            return Ok(());
        }
        if shown.next == page {
            return Err(Stopped::Refused(
                "the provider's list does not go on: a page names itself as the next".to_owned(),
            ));
        }
        page = shown.next;
        account = awake(engine, account.id).await?;
    }
    Err(Stopped::Refused(format!("the provider's list has no end: {MAX_PAGES} pages were read")))
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
) -> Result<Page, Stopped> {
    let caller = Caller::of(account, None);
    match call::make(engine, caller, &Call::List { since, page }).await?.outcome {
        Outcome::Done(Done::Page(page)) => Ok(page),
        Outcome::Done(_) => Err(Stopped::Refused("the provider gave no list".to_owned())),
        Outcome::Refused(refusal) => {
            let error = format!("the provider refused: {}", refusal.describe());
            Err(match refusal.kind {
                RefusalKind::Permanent | RefusalKind::OptedOut | RefusalKind::Credentials => {
                    Stopped::Refused(error)
                }
                RefusalKind::Later | RefusalKind::Throttled(_) => Stopped::Failed(Error::Reading(error)),
            })
        }
        Outcome::Unknown(why) => Err(Stopped::Failed(Error::Reading(why))),
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

/// Folds a page and writes down where to go on, in one transaction: a killed reading repeats one page at most. True when
/// somebody wants the reading to end.
async fn take_page(
    engine: &Engine,
    reading: i64,
    account: i64,
    page: &Page,
    next: Option<&str>,
) -> Result<bool> {
    let shown = in_order(page);
    match insist(|| fold_page(engine, reading, account, &shown, next)).await {
        Err(error) if !error.is_outage() => {
            tracing::warn!(%error, "a page could not be folded as a whole; folding its messages one by one");
        }
        done => return done,
    }
    let counts = one_by_one(engine, account, &shown).await?;
    let mut tx = tx::begin(engine.pool()).await?;
    let ends = page_done(&mut tx, reading, next, counts).await?;
    tx.commit().await?;
    Ok(ends)
}

async fn fold_page(
    engine: &Engine,
    reading: i64,
    account: i64,
    shown: &[AtProvider],
    next: Option<&str>,
) -> Result<bool> {
    let mut unit = Unit::new(engine.pool());
    let counts = fold::provider(&mut unit, account, None, shown, How::now(engine, Source::List)).await?;
    let ends = page_done(unit.conn().await?, reading, next, counts).await?;
    crash::point("poll_page_before_commit");
    unit.commit().await?;
    Ok(ends)
}

async fn page_done(
    conn: &mut PgConnection,
    reading: i64,
    next: Option<&str>,
    counts: Counts,
) -> Result<bool> {
    Ok(backfills::page_done(conn, reading, next, counts.seen, counts.inserted, counts.updated).await?)
}

/// One message that cannot be stored must not keep the others out.
async fn one_by_one(engine: &Engine, account: i64, shown: &[AtProvider]) -> Result<Counts> {
    let mut counts = Counts::default();
    for seen in shown {
        match insist(|| fold_one(engine, account, std::slice::from_ref(seen))).await {
            Ok(folded) => counts.add(folded),
            // It can be stored, only not now: the page is read again.
            Err(error) if error.is_outage() || error.is_conflict() => return Err(error),
            Err(error) => {
                tracing::error!(message = seen.id, %error, "a message of the provider cannot be stored");
            }
        }
    }
    Ok(counts)
}

async fn fold_one(engine: &Engine, account: i64, shown: &[AtProvider]) -> Result<Counts> {
    let mut unit = Unit::new(engine.pool());
    let counts = fold::provider(&mut unit, account, None, shown, How::now(engine, Source::List)).await?;
    unit.commit().await?;
    Ok(counts)
}

/// Does a transaction again that another one got in the way of.
pub(crate) async fn insist<T, F: Future<Output = Result<T>>>(transaction: impl Fn() -> F) -> Result<T> {
    for _ in 0..CONFLICTS {
        match transaction().await {
            Err(error) if error.is_conflict() => {}
            done => return done,
        }
    }
    transaction().await
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
        let caller = Caller::of(account, None);
        let shown = match call::make(engine, caller, &Call::Fetch { id: &id }).await?.outcome {
            Outcome::Done(Done::Page(page)) => page,
            Outcome::Done(_) => Page::default(),
            Outcome::Refused(refusal) if refusal.kind == RefusalKind::Permanent => {
                tracing::debug!(message = id, code = refusal.code, "an open message could not be read again");
                Page::default()
            }
            // Not now; a later reading looks at this one and the others.
            Outcome::Refused(_) | Outcome::Unknown(_) => break,
        };
        provider_messages::set_checked(engine.pool(), account.id, &id, now).await?;
        let mut unit = Unit::new(engine.pool());
        let counts =
            fold::provider(&mut unit, account.id, None, &in_order(&shown), How::now(engine, Source::List))
                .await?;
        backfills::add_updated(unit.conn().await?, reading, counts.updated).await?;
        unit.commit().await?;
    }
    Ok(())
}
