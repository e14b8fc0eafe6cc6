//! What can go wrong in the engine.

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] twinwire_store::Error),
    /// A row names a connector that this build does not have.
    #[error("this build has no connector named `{0}`")]
    NoConnector(String),
    /// The HTTP client could not be made.
    #[error("http client: {0}")]
    Client(String),
    /// The store of files.
    #[error("{0}")]
    Media(String),
    /// The job queue.
    #[error("jobs: {0}")]
    Jobs(String),
    /// Something that was done together with others broke; it is in the log.
    #[error("this process failed in the middle of it")]
    Broken,
    /// What is done together may last longer than there is time.
    #[error("there is no time left for doing it together")]
    Late,
    /// A provider's list could not be read.
    #[error("{0}")]
    Reading(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// Whether the database cannot be reached, so that trying again later makes sense.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }

    /// Whether the database took longer than such a question may take.
    pub fn is_too_slow(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_too_slow())
    }

    /// Whether two transactions got in each other's way, so that trying again at once makes sense.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }

    /// Whether what could not be done together may be done alone: another transaction was in the way, by what it wrote or by
    /// what it holds, or there was no time.
    pub fn is_contention(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict() || error.is_held(),
            Self::Late => true,
            _ => false,
        }
    }

    /// Whether the lease of the channel has gone to another process.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Self::Store(twinwire_store::Error::LeaseLost))
    }
}

/// The result of an engine function.
pub type Result<T> = std::result::Result<T, Error>;
