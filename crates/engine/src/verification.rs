//! Webhooks that are not signed as they should be: refused, or taken and counted while an account is moved from another
//! system.

use crate::{Engine, Result};
use chrono::{DateTime, Days, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use twinwire_core::connector::{Connector, Unverified};
use twinwire_core::http::Hook;
use twinwire_core::setting::Verification;
use twinwire_store::accounts::Account;
use twinwire_store::verification::{self, LogOnly};

/// How often an account's unverified webhooks are worth a line in the log: anybody may send them.
const WARNED_EVERY: TimeDelta = TimeDelta::minutes(1);
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

/// Says that a webhook was taken without being verified, now and then.
pub(crate) fn warn(engine: &Engine, account: &Account, channel: &str, why: Unverified) {
    if let Some(webhooks) = engine.warnings().due(account.id, engine.now()) {
        tracing::warn!(
            account = account.public_id,
            channel,
            connector = account.connector,
            reason = %why,
            webhooks,
            "taken without being verified, as the account's setting verification=log_only says"
        );
    }
}

/// The accounts that take webhooks without verifying them, with the count of the last days.
pub async fn log_only(engine: &Engine) -> Result<Vec<LogOnly>> {
    let since = engine.now().date_naive() - Days::new(SHOWN_DAYS - 1);
    Ok(verification::log_only(engine.pool(), since).await?)
}

/// When each account was last warned of, and how many of its webhooks came since.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<HashMap<i64, (DateTime<Utc>, u64)>>);

impl Warnings {
    /// Counts a webhook. Where a warning is due, gives of how many.
    fn due(&self, account: i64, now: DateTime<Utc>) -> Option<u64> {
        // A panic elsewhere leaves a count that is still good.
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match accounts.get_mut(&account) {
            Some((warned_at, since)) if now - *warned_at < WARNED_EVERY => {
                *since += 1;
                None
            }
            known => {
                let since = known.map_or(0, |(_, since)| *since);
                accounts.insert(account, (now, 0));
                Some(since + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_warning_a_minute_and_an_account() {
        let warnings = Warnings::default();
        let at = |second| DateTime::from_timestamp(1_795_262_400 + second, 0).unwrap();
        assert_eq!(warnings.due(1, at(0)), Some(1));
        for second in 0..60 {
            assert_eq!(warnings.due(1, at(second)), None);
        }
        assert_eq!(warnings.due(2, at(30)), Some(1), "another account");
        assert_eq!(warnings.due(1, at(60)), Some(61));
        assert_eq!(warnings.due(1, at(61)), None);
        assert_eq!(warnings.due(1, at(500)), Some(2));
    }
}
