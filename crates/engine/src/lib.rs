//! The engine: everything that happens around the pure core.
//!
//! * [`ingest`] — a webhook: verify, fold, commit, answer. Nothing else happens in the request.
//! * [`fold`] — evidence into rows, inside the caller's unit of work; the one way for every message.
//! * `gather` — what comes while a transaction runs is done together in the next one.
//! * [`converge`] — claim, plan, begin, call, apply: the loop that brings the two sides into step.
//! * [`poll`] — read a provider's list, page by page.
//! * [`jobs`] — polls, backfills and retention as apalis jobs, and the schedule that asks for them.
//! * [`call`] and [`sender`] — the one place from which a vendor is called.
//! * [`doctor`] — whether the installation is well.
//! * [`metrics`] — what an operator's Prometheus reads.
//! * [`media`] — files of messages, kept by us on their way.
//! * [`person`] — people by a keyed hash, once they were erased.
//! * [`outgoing`] — events to other programs, from the outbox.
//! * [`operator`] — a new attempt, or the answer to an uncertain message.
//! * [`stop`] — channels paused and resumed, accounts that need not rest any more.
//! * [`overview`] — how the installation does, and what to look at first.
//! * [`setup`] — make a channel.
//! * [`statistics`] — what Postgres knows of tables that grow.
//! * [`trace`] — the spans of a message's life.
//! * [`verification`] — webhooks that are not signed as they should be.
//!
//! The engine never names a vendor: it gets the list of connectors.

mod answers;
pub mod call;
pub mod converge;
pub mod crash;
pub mod doctor;
mod error;
pub mod fold;
mod gather;
mod health;
pub mod ingest;
pub mod jobs;
mod keep;
mod lately;
pub mod media;
pub mod metrics;
pub mod operator;
pub mod outgoing;
pub mod overview;
mod pace;
pub mod person;
pub mod poll;
mod runtime;
mod safeguard;
pub mod sender;
pub mod setup;
pub mod statistics;
pub mod stop;
pub mod trace;
pub mod verification;

pub use error::{Error, Result};
pub use keep::Keep;
pub use runtime::{Changeable, Connectors, Engine, Options};
pub use safeguard::Safeguard;
