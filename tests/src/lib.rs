//! The whole stack under test: a real Postgres, the real server, and the doubles of both vendors.
//!
//! A test says what people do, waits until the stack has come to rest ([`Stack::settle`]), and looks at what the doubles
//! hold: never at what the engine believes it did.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a harness that fails is a test that fails"
)]

pub mod browser;
mod database;
pub mod installation;
pub mod metrics;
pub mod on_twilio;
pub mod process;
pub mod receiver;
mod server;
mod stack;
mod wait;

pub use database::TestDatabase;
pub use stack::{AGENT_APP, CUSTOMER, OTHER_CUSTOMER, SECRET, SPACE, SUPPORT, Setting, Stack, answers};
pub use wait::{eventually, never_within};
