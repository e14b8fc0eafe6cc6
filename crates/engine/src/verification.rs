//! Webhooks that are not signed as they should be: refused, or taken and counted while an account is moved from another
//! system.

use crate::{Engine, Result};
use chrono::{DateTime, Days, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_core::connector::{Connector, Unverified};
use twinwire_core::http::Hook;
use twinwire_core::setting::Verification;
use twinwire_store::accounts::Account;
use twinwire_store::verification::{self, LogOnly};

/// How often an account's unverified webhooks are worth a line in the log: anybody may send them.
const WARNED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// How often counts are written.
const FLUSH: Duration = Duration::from_secs(5);
/// Days whose counts are shown, today among them.
const SHOWN_DAYS: u64 = 7;

/// Checks whether a hook is taken. Gives why it is not verified, where it is taken all the same.
///
/// # Errors
/// [`Unverified`] where it is refused. One that is about another account always is.
pub(crate) fn check(
    connector: &dyn Connector,
    account: &Account,
    hook: &Hook<'_>,
    now: DateTime<Utc>,
) -> std::result::Result<Option<Unverified>, Unverified> {
    let Err(why) = connector.verify(hook, &account.settings, now) else { return Ok(None) };
    match (account.verification, why) {
        (Verification::Enforce, _) | (_, Unverified::OtherAccount) => Err(why),
        (Verification::LogOnly, _) if connector.is_of_other_account(hook, &account.settings) => {
            Err(Unverified::OtherAccount)
        }
        (
            Verification::LogOnly,
            Unverified::Missing | Unverified::Invalid | Unverified::Stale | Unverified::NoKey,
        ) => Ok(Some(why)),
    }
}

/// Counts a webhook that was taken without being verified, and says so now and then.
pub(crate) fn note(engine: &Engine, account: &Account, channel: &str, why: Unverified) {
    let (now, reason) = (engine.now(), why.to_string());
    if let Some(webhooks) = engine.unsigned().warning(account.id, now) {
        tracing::warn!(
            account = account.public_id,
            channel,
            connector = account.connector,
            reason,
            webhooks,
            "taken without being verified, as the account's setting verification=log_only says"
        );
    }
    engine.metrics().webhook_unverified(&account.connector, &reason);
    engine.unsigned().count((account.id, reason), 1, now);
}

/// Writes the counts now and then until `shutdown`: in one write for many, so that a flood waits for no lock. The last ones
/// are left to [`flush`], once no webhook is taken any more.
pub async fn run(engine: Engine, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(FLUSH)).await.is_some() {
        flush(&engine).await;
    }
}

/// Writes the counts. What a process that dies has not written is not counted; `webhook_log` has it all the same.
pub async fn flush(engine: &Engine) {
    for ((account, reason), (count, last_at)) in engine.unsigned().take() {
        let written = verification::count(engine.pool(), account, &reason, count, last_at).await;
        if let Err(error) = written {
            tracing::warn!(%error, account, reason, count, "unverified webhooks could not be counted yet");
            engine.unsigned().count((account, reason), count, last_at);
        }
    }
}

/// The accounts that take webhooks without verifying them, with the count of the last days.
pub async fn log_only(engine: &Engine) -> Result<Vec<LogOnly>> {
    let since = engine.now().date_naive() - Days::new(SHOWN_DAYS - 1);
    Ok(verification::log_only(engine.pool(), since).await?)
}

/// An account and a reason.
type Kind = (i64, String);

/// Webhooks that were taken without being verified, as this process saw them.
#[derive(Debug, Default)]
pub(crate) struct Unsigned {
    /// How many since the last flush, and when the last one came.
    counts: Mutex<HashMap<Kind, (i64, DateTime<Utc>)>>,
    /// When each account was last warned of, and how many came since.
    warned: Mutex<HashMap<i64, (DateTime<Utc>, u64)>>,
}

impl Unsigned {
    fn count(&self, kind: Kind, count: i64, at: DateTime<Utc>) {
        let mut counts = locked(&self.counts);
        let (counted, last_at) = counts.entry(kind).or_insert((0, at));
        *counted += count;
        *last_at = at.max(*last_at);
    }

    fn take(&self) -> HashMap<Kind, (i64, DateTime<Utc>)> {
        std::mem::take(&mut *locked(&self.counts))
    }

    /// Where a warning of an account is due, gives of how many webhooks, this one among them.
    fn warning(&self, account: i64, now: DateTime<Utc>) -> Option<u64> {
        let mut warned = locked(&self.warned);
        match warned.get_mut(&account) {
            Some((warned_at, since)) if now - *warned_at < WARNED_EVERY => {
                *since += 1;
                None
            }
            known => {
                let since = known.map_or(0, |(_, since)| *since);
                warned.insert(account, (now, 0));
                Some(since + 1)
            }
        }
    }
}

/// A panic elsewhere leaves counts that are still good.
fn locked<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_262_400_i64 + second, 0).unwrap()
    }

    #[test]
    fn a_flood_is_one_warning_a_minute_and_an_account() {
        let unsigned = Unsigned::default();
        assert_eq!(unsigned.warning(1, at(0)), Some(1));
        for second in 0..60 {
            assert_eq!(unsigned.warning(1, at(second)), None);
        }
        assert_eq!(unsigned.warning(2, at(30)), Some(1), "another account");
        assert_eq!(unsigned.warning(1, at(60)), Some(61));
        assert_eq!(unsigned.warning(1, at(61)), None);
        assert_eq!(unsigned.warning(1, at(500)), Some(2));
    }

    #[test]
    fn counts_are_kept_apart_by_account_and_reason_until_they_are_taken() {
        let unsigned = Unsigned::default();
        let kind = |account, reason: &str| (account, reason.to_owned());
        unsigned.count(kind(1, "invalid signature"), 1, at(5));
        unsigned.count(kind(1, "invalid signature"), 2, at(3));
        unsigned.count(kind(1, "missing signature"), 1, at(4));
        unsigned.count(kind(2, "invalid signature"), 1, at(6));
        let counts = unsigned.take();
        assert_eq!(counts.len(), 3);
        assert_eq!(counts[&kind(1, "invalid signature")], (3, at(5)));
        assert_eq!(counts[&kind(2, "invalid signature")], (1, at(6)));
        assert!(unsigned.take().is_empty());
    }
}
