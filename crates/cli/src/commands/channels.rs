//! `twinwire channels`

use crate::commands::named::wrapped;
use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use serde::Serialize;
use twinwire_engine::verification;
use twinwire_store::channels::{self, Overview};
use twinwire_store::verification::LogOnly;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A channel, and those of its accounts whose webhooks are taken without being verified.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    channel: Overview,
    log_only: Vec<&'a LogOnly>,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let found = find(config, &database).await;
    database.close().await?;
    let (channels, log_only) = found?;
    let channels = channels.into_iter().map(|channel| {
        let log_only = log_only.iter().filter(|one| one.channels.contains(&channel.channel)).collect();
        Shown { channel, log_only }
    });
    let channels: Vec<Shown<'_>> = channels.collect();
    if args.json {
        output::json(&channels)?;
    } else if channels.is_empty() {
        output::say("There is no channel yet. Make one: `twinwire setup --help` says how.");
    } else {
        let rows: Vec<_> = channels.into_iter().map(row).collect();
        let head = ["channel", "pair", "address", "pending", "parked", "state"];
        output::say(&output::columns(head, &[3, 4], &rows));
        log_only.iter().flat_map(note).for_each(|line| output::say(&line));
    }
    Ok(())
}

async fn find(config: &Config, database: &Database) -> anyhow::Result<(Vec<Overview>, Vec<LogOnly>)> {
    let engine = database.engine(config, &database.public_url(config).await?)?;
    Ok((channels::overview(&database.pool).await?, verification::log_only(&engine).await?))
}

fn row(shown: Shown<'_>) -> [String; 6] {
    let Shown { channel, log_only } = shown;
    let mark = if log_only.is_empty() { "" } else { "*" };
    let state = match channel.paused {
        Some(why) => format!("{}{mark}, {why}", channel.state),
        None => format!("{}{mark}", channel.state),
    };
    let (pending, parked) = (channel.pending.to_string(), channel.parked.to_string());
    [channel.channel, channel.pair, channel.address, pending, parked, state]
}

/// What the mark means, for one account.
fn note(one: &LogOnly) -> Vec<String> {
    let last =
        one.last_unverified_at.map(|at| format!(", the last at {} UTC", at.format("%Y-%m-%d %H:%M:%S")));
    let words = format!(
        "NOT VERIFIED: webhooks of {} are taken also when they are wrongly signed (verification=log_only of {}). {} such \
         in the last 7 days{}.",
        one.connector,
        one.account,
        one.unverified,
        last.unwrap_or_default()
    );
    wrapped(&words, "* ", "  ")
}
