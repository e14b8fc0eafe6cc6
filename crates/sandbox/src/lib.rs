//! In-process doubles of Front's Channel API, and of `SignalWire`'s and Twilio's Messages APIs.
//!
//! They speak real HTTP on the loopback interface, keep state as the vendors do, check what the vendors
//! check, sign what the vendors sign, and misbehave on request. They share no code with the rest of
//! Twinwire, so that a mistake there cannot be repeated here.
//!
//! Messages can have files, both ways. What a double was sent it has with all its bytes; what it sends out is
//! fetched from its API or from its storage, which is another origin and wants no credentials.

mod core;
mod dispatch;
mod faults;
mod file;
pub mod front;
mod ids;
mod misbehaviour;
mod outgoing;
mod serve;
pub mod signalwire;
mod sms;
mod storage;
pub mod twilio;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use crate::core::{Change, LoggedRequest};
pub use faults::{Faults, Rule, Struck};
pub use file::{FileBytes, FileFault, MediaFile};
pub use front::{AgentMessage, Front, FrontOptions};
pub use misbehaviour::{Fault, Operation};
pub use outgoing::{Answer, Delivery, SignedRequest};
pub use signalwire::{SignalWire, SignalWireOptions};
pub use sms::{CustomerText, Media, Sms};
pub use twilio::{Twilio, TwilioOptions};

/// Locks; a panic elsewhere leaves plain data that is still good to read.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
