//! The pure heart of Twinwire: what a message is, what evidence does to it, what to do next, and what a
//! connector must know. Nothing here does I/O, reads the clock or draws randomness: time and chance are arguments.
//!
//! Read in this order:
//! 1. [`model`] — the row: one message of one conversation, with the helpdesk's id and the provider's id.
//! 2. [`observe`] — `fold`: evidence (webhook, poll, echo, callback, answer) into rows, in any order, any number of times.
//! 3. [`plan`] — the whole policy: a row and a few facts in, one [`plan::Action`] out.
//! 4. [`settle`] — `begin` and `apply`: the intent before an outside call, and what came of it after.
//! 5. [`connector`] — the contract of a vendor's codec: raw webhook in, observations out; act in, request out;
//!    response in, outcome out.

pub mod backoff;
pub mod caps;
pub mod connector;
pub mod consent;
pub mod doctor;
pub mod event;
pub mod explain;
pub mod http;
pub mod identity;
pub mod media;
pub mod model;
pub mod observe;
pub mod outcome;
pub mod outgoing;
pub mod pace;
pub mod parts;
pub mod payload;
pub mod phone;
pub mod plan;
pub mod report;
pub mod retry;
pub mod segments;
pub mod setting;
pub mod settle;
pub mod setup;
pub mod text;
