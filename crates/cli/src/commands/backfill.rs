//! `twinwire backfill <channel>`

use crate::config::Config;
use crate::database::Database;
use crate::server::Workers;
use crate::{Failure, Outcome, output};
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use twinwire_engine::jobs::read_list;
use twinwire_engine::setup;
use twinwire_store::attempts::{self, Tally};
use twinwire_store::backfills::{self, Backfill, Kind};
use twinwire_store::channels::{self, StoredChannel};
use twinwire_store::work;

/// A row that was put off no further than this is waited for: something was in its way for a moment.
const PUT_OFF: TimeDelta = TimeDelta::seconds(10);

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
    let database = Database::open(config).await?;
    let outcome = ask(config, args, &database).await;
    database.close().await?;
    outcome
}

async fn ask(config: &Config, args: &Args, database: &Database) -> Outcome {
    let Some(channel) = channels::by_public_id(&database.pool, &args.channel).await? else {
        let known = "`twinwire channels` lists them";
        return Err(Failure::Usage(format!("there is no channel {}; {known}", args.channel)));
    };
    let engine = database.engine(config, &database.public_url(config).await?)?;
    let kind = if args.full { Kind::Full } else { Kind::Incremental };
    let began = Utc::now();
    let id = read_list::request(&engine, channel.provider_account, Some(channel.id), kind, "command").await?;
    if !args.wait {
        if args.json {
            output::json(&json!({ "backfill": id, "kind": kind }))?;
        } else {
            output::say(&format!("Backfill {id} is asked for; the running server does it."));
        }
        return Ok(());
    }
    setup::check_installation(&engine, &channel.channel.pair)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    // Whether or not a server runs: what it does not do, this process does.
    let workers = Workers::start(&engine);
    let seen_through = see_through(&database.pool, &channel, id, args.timeout).await;
    workers.stop().await;
    let reading = seen_through?;
    print(
        args,
        &reading,
        attempts::tally(&mut *database.pool.acquire().await?, channel.id, began).await?,
        began,
    )
}

/// Waits until the list is read and nothing of the channel is due.
async fn see_through(
    pool: &PgPool,
    channel: &StoredChannel,
    id: i64,
    timeout: Duration,
) -> Result<Backfill, Failure> {
    let (start, bar) = (Instant::now(), bar());
    loop {
        let Some(reading) = backfills::get(pool, id).await? else {
            return Err(Failure::Failed(anyhow::anyhow!("the backfill's record is gone")));
        };
        let unsettled = work::unsettled(pool, channel.id, Utc::now() + PUT_OFF).await?;
        bar.set_message(format!(
            "page {}, {} seen, {} new, {} to deliver",
            reading.pages, reading.seen, reading.inserted, unsettled
        ));
        bar.tick();
        if reading.is_over() && (unsettled == 0 || channel.state != channels::State::Active) {
            bar.finish_and_clear();
            return Ok(reading);
        }
        if start.elapsed() > timeout {
            bar.finish_and_clear();
            let state = reading.state;
            return Err(Failure::Failed(anyhow::anyhow!(
                "not done in time: the backfill is {state}, {unsettled} to deliver"
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
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

fn print(args: &Args, reading: &Backfill, tally: Tally, began: DateTime<Utc>) -> Outcome {
    if let Some(error) = &reading.error {
        return Err(Failure::Failed(anyhow::anyhow!("the provider's list could not be read: {error}")));
    }
    let counts = [
        ("seen", reading.seen),
        ("inserted", reading.inserted),
        ("updated", reading.updated),
        ("sent", tally.sent),
        ("synced", tally.synced),
        ("failed", tally.failed),
    ];
    if args.json {
        output::json(&serde_json::Map::from_iter(
            counts.map(|(name, count)| (name.to_owned(), json!(count))),
        ))?;
    } else {
        let took = (Utc::now() - began).num_milliseconds();
        let words: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        output::say(&format!("{} ({took} ms)", words.join(", ")));
    }
    Ok(())
}
