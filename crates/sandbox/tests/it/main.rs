//! Drives the doubles over HTTP, as Twinwire does.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod faults;
mod front_agents;
mod front_api;
mod server;
mod signalwire_api;
mod signalwire_webhooks;
mod support;
mod twilio;
