//! `twinwire channels`

use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use twinwire_store::channels;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let channels = channels::overview(&database.pool).await?;
    database.close().await?;
    if args.json {
        output::json(&channels)?;
    } else if channels.is_empty() {
        output::say("There is no channel yet. Make one with `twinwire setup front_signalwire`.");
    } else {
        let rows = channels.into_iter().map(|channel| {
            let state = match channel.paused {
                Some(why) => format!("{}, {why}", channel.state),
                None => channel.state,
            };
            [
                channel.channel,
                channel.pair,
                channel.address,
                state,
                channel.pending.to_string(),
                channel.parked.to_string(),
            ]
        });
        output::say(&output::table(&["channel", "pair", "address", "state", "pending", "parked"], rows));
    }
    Ok(())
}
