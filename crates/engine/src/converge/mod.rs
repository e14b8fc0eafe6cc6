//! The loop that brings the two sides into step.
//!
//! A dispatcher looks for channels that have something to do and that nobody works ([`dispatch`]). For each it takes
//! the lease and starts a worker ([`worker`]), which claims due rows, asks the planner, and makes each act a step
//! ([`step`]): [`begin`], call, [`apply`]. One process works a channel at a time; channels spread over any number of them.
//! [`outlook()`] says for an operator what the worker would do with a message now.

mod accounts;
mod apply;
mod aside;
mod begin;
mod dispatch;
mod fetch;
mod look_up;
mod outlook;
mod standing;
mod step;
mod worker;

pub use dispatch::run;
pub use outlook::{Outlook, outlook};
