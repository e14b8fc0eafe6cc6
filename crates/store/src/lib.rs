//! All SQL of Twinwire: plain async functions over a connection, one file per subject.
//!
//! Nothing here decides anything. What a row becomes is decided in `twinwire_core`; these functions lock, read and
//! write. Callers own the transactions. Messages, what providers have of them, and their stories are written by a
//! [unit](mod@unit) of work alone.

mod error;
mod words;

pub mod accounts;
pub mod admin_tokens;
pub mod attempts;
pub mod attention;
pub mod backfills;
pub mod browse;
pub mod channels;
pub mod checkup;
pub mod consents;
pub mod conversations;
pub mod dashboard_sessions;
pub mod deliveries;
pub mod endpoints;
pub mod erasures;
pub mod events;
pub mod hours;
pub mod installation;
pub mod jobs;
pub mod leases;
pub mod lock;
pub mod media_let_go;
pub mod messages;
pub mod migrate;
pub mod paces;
pub mod pool;
pub mod provider_messages;
pub mod pulse;
pub mod reader;
pub mod retention;
pub mod seal;
pub mod setups;
pub mod statistics;
pub mod story;
pub mod tx;
pub mod unit;
pub mod verification;
pub mod views;
pub mod vitals;
pub mod watched;
pub mod webhook_log;
pub mod work;

pub use error::{Error, Result};
pub use migrate::MIGRATOR;
