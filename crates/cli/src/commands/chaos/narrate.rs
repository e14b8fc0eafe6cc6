//! How far it is: a bar on a terminal, a line now and then elsewhere.

use super::args::Args;
use super::stage::Stage;
use super::tally::Tally;
use crate::config::Config;
use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::time::Instant;

const DRAW_EVERY: Duration = Duration::from_millis(200);
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What is going to happen.
pub(super) fn opening(config: &Config, args: &Args, seed: u64) {
    output::complain(&format!(
        "chaos: {} messages, {} workers, {} kills; seed {seed}",
        args.messages,
        args.workers,
        args.kills()
    ));
    if config.database_url.is_some() {
        output::complain(
            "The database is not Twinwire's own: instead of crashing it, its connections are ended by \
             pg_terminate_backend.",
        );
    }
    if let Some(safeguard) = args.without {
        output::complain(&format!("The workers do without the safeguard `{safeguard}`: this may well fail."));
    }
}

/// Tells it until it is dropped.
pub(super) async fn progress(args: &Args, stage: &Stage, tally: &Tally) {
    let terminal = std::io::stderr().is_terminal();
    let bar = ProgressBar::with_draw_target(Some(args.messages.into()), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    let mut said = Instant::now();
    loop {
        tokio::time::sleep(DRAW_EVERY).await;
        let counts = tally.now();
        let rest = format!(
            "{} kills, {} stalls, {} database restarts, {} faults",
            counts.kills(),
            counts.stalls(),
            counts.database_restarts,
            stage.doubles.faults_struck().values().sum::<usize>()
        );
        if terminal {
            bar.set_position(counts.put_in as u64);
            bar.set_message(rest);
        } else if said.elapsed() >= LINE_EVERY {
            said = Instant::now();
            output::complain(&format!("  {} of {} put in, {rest}", counts.put_in, args.messages));
        }
    }
}
