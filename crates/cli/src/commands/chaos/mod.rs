//! `twinwire chaos`: the proof as a command. Real workers are killed, stalled and cut off from their database while all
//! vendors misbehave; what counts is what the vendors' doubles hold in the end.
//!
//! * [`plan`] — everything that chance decides, drawn from the seed before anything starts.
//! * [`files`] — what messages carry beside their text.
//! * [`providers`] — the vendors of text messages, with their doubles.
//! * [`stage`] — a [`scratch`](crate::scratch) database, the doubles, the channels; [`balancer`] stands before the workers.
//! * [`worker`] — one process; [`crew`] lets each of them live and die as planned.
//! * [`traffic`] — agents, customers and another application; [`trouble`] — outages and crashes of the database.
//! * [`settle`] — waiting for rest; [`verdict`] compares; [`report`] prints it; [`evidence`] keeps what a failure left.

mod args;
mod balancer;
mod crew;
mod evidence;
mod files;
mod ledger;
mod narrate;
mod plan;
mod providers;
mod report;
mod run;
mod settle;
mod stage;
mod tally;
mod traffic;
mod trouble;
mod verdict;
mod worker;

use crate::config::Config;
use crate::stop::{Stop, undisturbed};
use crate::{Failure, Outcome, output};
use std::io::Read;
use twinwire_engine::Safeguard;

pub(crate) use args::Args;

/// What a worker of a chaos run is started with.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// The safeguard to leave out
    #[arg(long)]
    without: Option<Safeguard>,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    args.check().map_err(Failure::Usage)?;
    // Before anything else, so that a stop during the start ends in order too.
    let stop = Stop::listen()?;
    let seed = args.seed.unwrap_or_else(|| rand::random::<u64>() >> 16);
    narrate::opening(config, args, seed);
    let verdict = run::all(config, args, seed, stop).await.map_err(Failure::NoVerdict)?;
    if args.json {
        output::json(&verdict)?;
    } else {
        output::say(&report::table(&verdict));
    }
    if verdict.passed {
        Ok(())
    } else {
        Err(Failure::Failed(anyhow::anyhow!("{}", report::shortfall(&verdict))))
    }
}

/// What `serve` does, for one worker of a run. It ends with the run, however that ends.
pub(crate) async fn work(config: &Config, args: &WorkerArgs) -> Outcome {
    let leash = || {
        let mut nothing = [0];
        // The other end of the pipe is the run's.
        while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
        std::process::exit(1);
    };
    undisturbed(|| std::thread::Builder::new().spawn(leash))?;
    super::serve::run_without(config, args.without).await
}
