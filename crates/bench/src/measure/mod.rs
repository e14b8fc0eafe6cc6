//! A file per measure. Each sets its own stage, and leaves nothing behind.

pub(crate) mod backlog;
pub(crate) mod claim;
pub(crate) mod ingest;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod poll;
