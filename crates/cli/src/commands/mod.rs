//! The subcommands, a file each.

pub(crate) mod accounts;
pub(crate) mod backfill;
pub(crate) mod channels;
pub(crate) mod chaos;
pub(crate) mod completions;
pub(crate) mod db;
pub(crate) mod deliveries;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod endpoints;
pub(crate) mod erase;
pub(crate) mod healthcheck;
pub(crate) mod jobs;
pub(crate) mod man;
pub(crate) mod messages;
pub(crate) mod migrate;
pub(crate) mod named;
pub(crate) mod retry;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod settle;
pub(crate) mod setup;
pub(crate) mod sql;
pub(crate) mod tokens;
pub(crate) mod webhooks;
pub(crate) mod why;
