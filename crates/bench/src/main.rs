//! How fast, and what it costs: every figure is measured in one run on one machine and reported beside what it is compared
//! with. Run by `just bench`; never a part of the tests.
//!
//! * [`stage`] — a Postgres of its own with fsync on, the real program as a process, a provider and a helpdesk that answer
//!   at once.
//! * [`front`], [`load`] — signed webhooks, and the connections that bring them.
//! * [`plain`] — handlers that do little else, to compare with.
//! * [`measure`] — a file per measure.
//! * [`report`] — the figures, beside what they are to be.

mod front;
mod load;
mod machine;
mod measure;
mod pgbench;
mod plain;
mod report;
mod rows;
mod stage;
mod vendors;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use report::Report;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// The load is to cost little beside what is measured.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Twinwire.
#[derive(Debug, Parser)]
struct Args {
    /// What is measured; everything, unless some are named
    #[arg(value_enum)]
    measures: Vec<Measure>,
    /// Seconds of load for each figure
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// The program that is measured; beside this one unless named
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the report is written as well
    #[arg(long)]
    report: Option<PathBuf>,
    /// Rows of the large table
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Is a plain handler in axum, and measures nothing
    #[arg(long, hide = true)]
    plain_handler: Option<plain::Keeps>,
    /// Transactions of the plain handler at a time
    #[arg(long, hide = true, default_value_t = 1)]
    at_once: u32,
}

/// A measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// Webhooks a second, each answered after its commit
    Ingest,
    /// From a webhook to the provider's call
    Latency,
    /// Rows a second of a backlog
    Backlog,
    /// Finding work in a large table
    Claim,
    /// Reading a list that is known already
    Poll,
    /// Memory of the server
    Memory,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(keeps) = args.plain_handler {
        return plain::serve(keeps, args.at_once).await;
    }
    let measures = if args.measures.is_empty() { Measure::value_variants() } else { &args.measures };
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("twinwire"),
    };
    anyhow::ensure!(
        program.is_file(),
        "{} is not there: `cargo build --release -p twinwire-cli` makes it",
        program.display()
    );
    let report = tokio::select! {
        report = measure_all(measures, &program, &args) => report?,
        // What is measured ends with its measure: servers, load and Postgres.
        stopped = stopped() => return stopped.and(Err(anyhow::anyhow!("stopped"))),
    };
    report.print()?;
    if let Some(path) = &args.report {
        std::fs::write(path, report.markdown()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

async fn measure_all(measures: &[Measure], program: &Path, args: &Args) -> anyhow::Result<Report> {
    let mut report = Report::new(machine::describe());
    for measure in measures {
        let measured = match measure {
            Measure::Ingest => measure::ingest::run(program, args.seconds, &mut report).await,
            Measure::Latency => measure::latency::run(program, args.seconds, &mut report).await,
            Measure::Backlog => measure::backlog::run(program, &mut report).await,
            Measure::Claim => measure::claim::run(program, args.rows, &mut report).await,
            Measure::Poll => measure::poll::run(program, &mut report).await,
            Measure::Memory => measure::memory::run(program, args.seconds, &mut report).await,
        };
        measured.with_context(|| format!("{measure:?} was not measured"))?;
    }
    Ok(report)
}

/// Ctrl-C, or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        _ = terminate.recv() => Ok(()),
    }
}
