//! Waiting for a lock that another process may hold, and not for ever.

use crate::Error;

/// Postgres' code for a lock that was not had in time.
const NOT_IN_TIME: &str = "55P03";

/// What is said where a lock was not had within `lock_timeout`; any other error as it is.
pub fn held(error: sqlx::Error, what: &'static str) -> Error {
    if is_held(&error) { Error::Locked(what) } else { error.into() }
}

/// Whether an error says that a lock was not had in time.
pub fn is_held(error: &sqlx::Error) -> bool {
    let refused = error.as_database_error();
    refused.is_some_and(|refused| refused.code().is_some_and(|code| code == NOT_IN_TIME))
}
