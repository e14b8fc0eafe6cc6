//! `twinwire retry <message>`

use crate::commands::named;
use crate::config::Config;
use crate::database::Database;
use crate::server::Workers;
use crate::{Failure, Outcome, output};
use serde_json::json;
use std::time::{Duration, Instant};
use twinwire_core::model::{Message, Told};
use twinwire_engine::converge::outlook;
use twinwire_engine::operator::{self, Refused};
use twinwire_engine::{Engine, setup};
use twinwire_store::story::Found;
use twinwire_store::{channels, messages};

/// How often it is looked at while its outcome is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Our id, the helpdesk's (msg_…), the provider's, or the number of the message
    message: String,
    /// If it waits for a time, let it wait no longer
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    wait: Wait,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Waiting for the outcome.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Wait {
    /// Wait until it is delivered or put aside again; exits with 1 unless it is delivered
    #[arg(long)]
    pub(crate) wait: bool,
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let outcome = ask(config, args, &database).await;
    database.close().await?;
    outcome
}

async fn ask(config: &Config, args: &Args, database: &Database) -> Outcome {
    let found = named::one(&database.pool, &args.message).await?;
    let engine = database.engine(config, &database.public_url(config).await?)?;
    let before = messages::get(engine.pool(), found.channel, &found.external_id).await?;
    operator::retry(&engine, &found, args.now).await.map_err(|refused| failure(refused, &found))?;
    if !args.json {
        output::say(&format!("Message {} is to be tried.", found.seq));
        remind(before.as_ref());
    }
    report(&engine, &found, args.wait, args.json).await
}

/// What the operator should know about what the agent sees.
pub(crate) fn remind(before: Option<&Message>) {
    if before.is_some_and(|row| matches!(row.helpdesk_status, Some(Told::Failed | Told::Noted))) {
        output::say("The agent was told that it failed. That stays there, whatever comes of it now.");
    }
}

/// Why it was not done.
pub(crate) fn failure(refused: Refused, found: &Found) -> Failure {
    Failure::Failed(match refused {
        Refused::State(state) => {
            let name = found.seq.to_string();
            anyhow::anyhow!("message {name}: {}", state.words(&name))
        }
        Refused::Id(words) => anyhow::anyhow!(words),
        Refused::Engine(error) => error.into(),
    })
}

/// Says what happens next, or what came of it where that is waited for.
pub(crate) async fn report(engine: &Engine, found: &Found, wait: Wait, json: bool) -> Outcome {
    let came = if wait.wait { see_through(engine, found, wait.timeout).await? } else { Came::Arrived };
    let Some(outlook) = outlook(engine, found).await? else {
        return Err(Failure::Failed(anyhow::anyhow!("the message is gone")));
    };
    if json {
        let (row, next) = (&outlook.row, &outlook.next);
        output::json(&json!({
            "message": found.seq, "helpdesk_message_id": row.helpdesk_message_id,
            "provider_message_id": row.provider_message_id, "parked": row.parked,
            "next": { "words": next.words, "commands": next.commands },
        }))?;
    } else {
        named::say_next(&outlook.next);
    }
    let why = outlook.row.last_error.unwrap_or_default();
    match came {
        Came::Arrived => Ok(()),
        Came::Aside => Err(Failure::Failed(anyhow::anyhow!("it was not delivered: {why}"))),
        Came::Open => Err(Failure::Failed(anyhow::anyhow!("what became of it is not known in time"))),
    }
}

/// What came of an attempt that was waited for.
enum Came {
    Arrived,
    Aside,
    Open,
}

/// Waits until it is delivered, or put aside again.
async fn see_through(engine: &Engine, found: &Found, timeout: Duration) -> Result<Came, Failure> {
    if let Some(channel) = channels::get(engine.pool(), found.channel).await? {
        setup::check_installation(engine, &channel.channel.pair)
            .map_err(|error| Failure::Usage(error.to_string()))?;
    }
    // Whether or not a server runs: what it does not do, this process does.
    let workers = Workers::start(engine);
    let seen = look(engine, found, timeout).await;
    workers.stop().await;
    seen
}

async fn look(engine: &Engine, found: &Found, timeout: Duration) -> Result<Came, Failure> {
    let start = Instant::now();
    while start.elapsed() < timeout {
        let row = messages::get(engine.pool(), found.channel, &found.external_id).await?;
        match row {
            Some(row) if row.destination_id().is_some() => return Ok(Came::Arrived),
            Some(row) if row.parked.is_none() => tokio::time::sleep(LOOK_EVERY).await,
            _ => return Ok(Came::Aside),
        }
    }
    Ok(Came::Open)
}
