//! `twinwire backfill <channel>`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::server::Workers;
use crate::{Failure, Outcome, output};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::time::{Duration, Instant};
use twinwire_api::admin::backfills::{AskedFor, BackfillView};
use twinwire_api::admin::channels::ChannelDetails;
use twinwire_engine::setup;

/// How often it is looked at while its end is waited for: here, and at a server elsewhere.
const LOOK_EVERY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The channel, chn_…
    channel: String,
    /// Read everything the provider has, not only the last days
    #[arg(long)]
    full: bool,
    /// Wait until everything found is delivered, and print the counts
    #[arg(long)]
    wait: bool,
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| ask(client, args).await).await
}

async fn ask(client: &Client, args: &Args) -> Outcome {
    let channel = client.get(&Path::of(&["channels", &args.channel])).await;
    let channel: ChannelDetails = channel.map_err(wrongly_named)?;
    if args.wait {
        can_help(client, &channel.channel.pair)?;
    }
    let (path, began) = (Path::of(&["channels", &args.channel, "backfill"]), Instant::now());
    let asked: AskedFor = client.post(&path.with("full", args.full.then_some(true)), &json!({})).await?;
    if !args.wait {
        if args.json {
            output::json(&json!({ "backfill": asked.backfill, "kind": asked.kind }))?;
        } else {
            output::say(&format!(
                "Backfill {0} is asked for; the running server does it.\n`twinwire jobs show {0}` says how far it is.",
                asked.backfill
            ));
        }
        return Ok(());
    }
    // Whether or not a server runs: what it does not do, this process does.
    let workers = client.here().map(Workers::start).transpose()?;
    let seen_through = see_through(client, asked.backfill, args.timeout).await;
    if let Some(workers) = workers {
        workers.stop().await;
    }
    print(args, &seen_through?, began)
}

/// Here a channel that is not there is one that was named wrongly.
fn wrongly_named(failure: Failure) -> Failure {
    match failure {
        Failure::Failed(error) if client::is_not_there(&error) => Failure::Usage(error.to_string()),
        other => other,
    }
}

/// That this process can do the work where no server runs: asked before anything is changed.
pub(crate) fn can_help(client: &Client, pair: &str) -> Outcome {
    let Some(engine) = client.here() else { return Ok(()) };
    setup::check_installation(engine, pair).map_err(|error| Failure::Usage(error.to_string()))
}

/// Waits until the list is read and nothing of the channel is due.
async fn see_through(client: &Client, id: i64, timeout: Duration) -> Result<BackfillView, Failure> {
    let (start, bar) = (Instant::now(), bar());
    let [here, there] = LOOK_EVERY;
    let every = if client.here().is_some() { here } else { there };
    loop {
        let reading: BackfillView = client.get(&Path::of(&["backfills", &id.to_string()])).await?;
        bar.set_message(format!(
            "page {}, {} seen, {} new, {} to deliver",
            reading.pages, reading.seen, reading.inserted, reading.to_deliver
        ));
        bar.tick();
        if reading.settled {
            bar.finish_and_clear();
            return Ok(reading);
        }
        if start.elapsed() > timeout {
            bar.finish_and_clear();
            return Err(Failure::Failed(anyhow::anyhow!(
                "not done in time: the backfill is {}, {} to deliver",
                reading.state,
                reading.to_deliver
            )));
        }
        tokio::time::sleep(every).await;
    }
}

/// On a terminal only.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} backfill: {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}

fn print(args: &Args, reading: &BackfillView, began: Instant) -> Outcome {
    if reading.state == "failed" {
        let why = reading.error.as_deref().unwrap_or("no reason is known");
        return Err(Failure::Failed(anyhow::anyhow!("the provider's list could not be read: {why}")));
    }
    if reading.state == "cancelled" {
        return Err(Failure::Failed(anyhow::anyhow!("the backfill was cancelled")));
    }
    let counts = [
        ("seen", reading.seen),
        ("inserted", reading.inserted),
        ("updated", reading.updated),
        ("sent", reading.sent),
        ("synced", reading.synced),
        ("failed", reading.failed),
    ];
    if args.json {
        output::json(&serde_json::Map::from_iter(
            counts.map(|(name, count)| (name.to_owned(), json!(count))),
        ))?;
    } else {
        let words: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        output::say(&format!("{} ({} ms)", words.join(", "), began.elapsed().as_millis()));
    }
    Ok(())
}
