//! Whole-stack tests, as sentences about what people see.

mod admin;
mod backfill;
mod bad_input;
mod cli;
mod converge;
mod conversation;
mod crash;
mod echo;
mod failure;
mod ingest;
mod install;
mod lease;
mod order;
mod outage;
mod own_postgres;
mod posts;

/// The real program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_twinwire-under-test");
