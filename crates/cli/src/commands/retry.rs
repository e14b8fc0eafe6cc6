//! `twinwire retry <message>`

use crate::client::{self, Client, Path};
use crate::commands::backfill::can_help;
use crate::commands::named;
use crate::config::Config;
use crate::server::Workers;
use crate::{Failure, Outcome, output};
use serde_json::json;
use std::time::{Duration, Instant};
use twinwire_api::admin::messages::view::MessageDetails;
use twinwire_api::admin::messages::{Done, Retry};

/// How often it is looked at while its outcome is waited for: here, and at a server elsewhere.
const LOOK_EVERY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

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
    client::with(config, async |client| ask(client, args).await).await
}

async fn ask(client: &Client, args: &Args) -> Outcome {
    if args.wait.wait {
        can_see_through(client, &args.message).await?;
    }
    let path = Path::of(&["messages", &args.message, "retry"]);
    let done: Done = client.post(&path, &Retry { now: args.now }).await?;
    if !args.json {
        output::say(&format!("Message {} is to be tried.", done.message.row.message));
        remind(&done);
    }
    report(client, done.message, args.wait, args.json).await
}

/// That the outcome can be waited for: asked before anything is changed.
pub(crate) async fn can_see_through(client: &Client, message: &str) -> Outcome {
    let message: MessageDetails = client.get(&Path::of(&["messages", message])).await?;
    can_help(client, &message.pair)
}

/// What the operator should know about what the agent sees.
pub(crate) fn remind(done: &Done) {
    if done.agent_was_told {
        output::say("The agent was told that it failed. That stays there, whatever comes of it now.");
    }
}

/// Says what happens next, or what came of it where that is waited for.
pub(crate) async fn report(client: &Client, message: MessageDetails, wait: Wait, json: bool) -> Outcome {
    let (message, came) =
        if wait.wait { see_through(client, &message, wait.timeout).await? } else { (message, Came::Arrived) };
    if json {
        let (row, next) = (&message.row, &message.next);
        output::json(&json!({
            "message": row.message, "helpdesk_message_id": row.helpdesk_message_id,
            "provider_message_id": row.provider_message_id, "parked": row.parked,
            "next": { "words": next.words, "commands": next.commands },
        }))?;
    } else {
        named::say_next(&message.next);
    }
    let why = message.row.last_error.unwrap_or_default();
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
async fn see_through(
    client: &Client,
    message: &MessageDetails,
    timeout: Duration,
) -> Result<(MessageDetails, Came), Failure> {
    // Whether or not a server runs: what it does not do, this process does.
    let workers = client.here().map(Workers::start).transpose()?;
    let seen = look(client, message.row.message, timeout).await;
    if let Some(workers) = workers {
        workers.stop().await;
    }
    seen
}

async fn look(client: &Client, seq: i64, timeout: Duration) -> Result<(MessageDetails, Came), Failure> {
    let start = Instant::now();
    let [here, there] = LOOK_EVERY;
    let every = if client.here().is_some() { here } else { there };
    loop {
        let message: MessageDetails = client.get(&Path::of(&["messages", &seq.to_string()])).await?;
        if message.row.is_delivered() {
            return Ok((message, Came::Arrived));
        }
        if message.row.parked.is_some() {
            return Ok((message, Came::Aside));
        }
        if start.elapsed() >= timeout {
            return Ok((message, Came::Open));
        }
        tokio::time::sleep(every).await;
    }
}
