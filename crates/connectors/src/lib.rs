//! The connectors: one folder per vendor, the same file names in each.
//!
//! To add one: a folder, its two lines here, and nothing anywhere else. The compliance suite in
//! `tests/compliance.rs` runs over the whole list.

pub mod front;
pub mod signalwire;
pub mod twilio;

// What connectors of several vendors read in the same way.
mod codes;
mod fault;
mod form;
mod lenient;
mod media;
mod number;
mod signature;
#[cfg(test)]
mod testing;
mod texts;

use twinwire_core::connector::Connector;

/// Every connector of this build, by name.
pub static ALL: &[&dyn Connector] = &[&front::Front, &signalwire::SignalWire, &twilio::Twilio];
