//! What can go wrong in the store.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The migrations could not be applied.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A column holds what this version does not know.
    #[error("`{value}` in column `{column}` is not known to this version of Twinwire")]
    Word {
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A column of JSON holds what this version cannot read, or something cannot be written as JSON.
    #[error("column `{0}` holds what this version of Twinwire cannot read")]
    Unreadable(&'static str),
    /// A secret cannot be opened.
    #[error("{0}")]
    Seal(#[from] crate::seal::SealError),
    /// A query of a person was refused; the text is Postgres' own, with its hint.
    #[error("{0}")]
    Query(String),
    /// The role for plain SQL cannot be made; the text says what to do.
    #[error("{0}")]
    Reader(String),
    /// A lock that only one process may have at a time was not had in time.
    #[error(
        "{0} cannot be brought up to date: somebody has held its lock in the database for too long. Another process of \
         Twinwire may be at it still; then start this one again later. Who it is: select pid, usename, application_name, \
         state from pg_stat_activity where pid in (select pid from pg_locks where locktype = 'advisory' and granted)"
    )]
    Locked(&'static str),
    /// Another transaction has made meanwhile what was to be made; nothing was written.
    #[error("another transaction was faster")]
    Overtaken,
    /// The lease of the channel has gone to another process; nothing was written.
    #[error("the lease of the channel is lost")]
    LeaseLost,
}

impl Error {
    /// Whether two transactions got in each other's way, so that trying again at once makes sense.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Overtaken => true,
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code == "40P01" || code == "40001")
            }
            _ => false,
        }
    }

    /// Whether another transaction holds what was needed, and was not waited for.
    pub fn is_held(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code == "55P03"),
            _ => false,
        }
    }

    /// Whether it took longer than such a question may take.
    pub fn is_too_slow(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code == "57014"),
            _ => false,
        }
    }

    /// Whether the database cannot be reached or is going down, so that trying again later makes sense.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Database(error) => match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                // 57P0x: shutting down or starting up; 53xxx: out of connections or space; 08xxx: connection lost;
                // 25P03: this process stood still in a transaction for too long.
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    ["57P", "53", "08", "25P03"].iter().any(|beginning| code.starts_with(beginning))
                }),
                _ => false,
            },
            _ => false,
        }
    }
}

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;
