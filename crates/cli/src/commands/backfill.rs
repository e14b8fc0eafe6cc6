//! `twinwire backfill <channel>`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::{Failure, Outcome, output, server};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::time::{Duration, Instant};
use twinwire_api::admin::backfills::{AskedFor, BackfillView, HowFar};
use twinwire_api::admin::channels::ChannelDetails;
use twinwire_engine::setup;

/// How often it is looked at while its end is waited for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    let channel: ChannelDetails = client.get(&Path::of(&["channels", &args.channel])).await?;
    if args.wait {
        can_help(client, &channel.channel.pair)?;
    }
    let (path, began) = (Path::of(&["channels", &args.channel, "backfill"]), Instant::now());
    let asked: AskedFor = client.post(&path, &HowFar { full: args.full }).await?;
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
    let seen = server::helped(client.here(), see_through(client, asked.backfill, args.timeout)).await?;
    print(args, &seen, began)
}

/// That this process can do the work where no server runs: asked before anything is changed.
pub(crate) fn can_help(client: &Client, pair: &str) -> Outcome {
    let Some(engine) = client.here() else { return Ok(()) };
    setup::check_installation(engine, pair).map_err(|error| Failure::Usage(error.to_string()))
}

/// Waits until the list is read and nothing of the channel is due.
async fn see_through(client: &Client, id: i64, timeout: Duration) -> Result<BackfillView, Failure> {
    let (start, bar) = (Instant::now(), bar());
    let path = Path::of(&["backfills", &id.to_string()]);
    loop {
        // What was sent meanwhile takes the server some work to count: that is asked once, at the end.
        let reading: BackfillView = client.get(&path.clone().with("tally", Some(false))).await?;
        bar.set_message(format!(
            "page {}, {} seen, {} new, {} to deliver",
            reading.pages, reading.seen, reading.inserted, reading.to_deliver
        ));
        bar.tick();
        if reading.settled {
            bar.finish_and_clear();
            return client.get(&path).await;
        }
        if start.elapsed() > timeout {
            bar.finish_and_clear();
            return Err(Failure::Failed(anyhow::anyhow!(
                "not done in time: the backfill is {}, {} to deliver",
                reading.state,
                reading.to_deliver
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
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
        ("sent", reading.sent.unwrap_or_default()),
        ("synced", reading.synced.unwrap_or_default()),
        ("failed", reading.failed.unwrap_or_default()),
    ];
    if args.json {
        output::json(&serde_json::Map::from_iter(
            counts.map(|(name, count)| (name.to_owned(), json!(count))),
        ))?;
    } else {
        let [seen, inserted, updated, sent, synced, failed] = counts.map(|(_, count)| count);
        output::say(&format!(
            "Read {seen} messages at the provider: {inserted} were new here, {updated} had changed."
        ));
        output::say(&format!(
            "Since it began: {sent} sent to customers, {synced} put into the helpdesk, {failed} failed. It took {} ms.",
            began.elapsed().as_millis()
        ));
    }
    Ok(())
}
