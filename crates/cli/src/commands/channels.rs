//! `twinwire channels`

use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use twinwire_store::channels::{self, Overview};

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
        let rows: Vec<_> = channels.into_iter().map(row).collect();
        let head = ["channel", "pair", "address", "pending", "parked", "state"];
        output::say(&output::columns(head, &[3, 4], &rows));
    }
    Ok(())
}

fn row(channel: Overview) -> [String; 6] {
    let state = match channel.paused {
        Some(why) => format!("{}, {why}", channel.state),
        None => channel.state,
    };
    let (pending, parked) = (channel.pending.to_string(), channel.parked.to_string());
    [channel.channel, channel.pair, channel.address, pending, parked, state]
}
