//! Drives the doubles over HTTP, as Twinwire does.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod customer_media;
mod faults;
mod fetch;
mod file_host;
mod front_agents;
mod front_api;
mod front_files;
mod numbers;
mod sent_media;
mod server;
mod signalwire_api;
mod signalwire_webhooks;
mod support;
mod twilio;
