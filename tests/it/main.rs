//! Whole-stack tests, as sentences about what people see.
#![expect(clippy::unwrap_used, reason = "what a test does in a function of its own is still a test")]

mod account;
mod admin;
mod backfill;
mod bad_input;
mod chaos;
mod cli;
mod commands;
mod converge;
mod conversation;
mod crash;
mod dashboard;
mod demo;
mod deploy;
mod doctor;
mod echo;
mod erase;
mod failure;
mod getting_started;
mod ingest;
mod install;
mod jobs;
mod lease;
mod media;
mod metrics;
mod operators;
mod opt_out;
mod opt_out_at_provider;
mod order;
mod outage;
mod outgoing;
mod overview;
mod own_postgres;
mod pace;
mod parts;
mod posts;
mod reader;
mod replay;
mod retention;
mod retry;
mod roles;
mod row_changes;
mod running;
mod safeguards;
mod schema;
mod setup;
mod sql_doc;
mod status;
mod together;
mod traces;
mod twilio;
mod unverified;
mod why;

/// The real program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_twinwire-under-test");
