//! The subcommands, a file each.

pub(crate) mod backfill;
pub(crate) mod channels;
pub(crate) mod demo;
pub(crate) mod migrate;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod sql;
