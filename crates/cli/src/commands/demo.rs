//! `twinwire demo`

use crate::Outcome;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Exit after the script: 0 only if every message ended where it should
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(_config: &Config, args: &Args) -> Outcome {
    let _ = args.once;
    Ok(())
}
