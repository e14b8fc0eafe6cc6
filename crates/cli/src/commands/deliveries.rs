//! `twinwire deliveries`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::{Outcome, output};
use twinwire_api::admin::deliveries::{Again, Deliveries, DeliveryView, Queued};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Only of this endpoint, ep_…
    #[arg(long)]
    endpoint: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["pending", "delivered", "failed", "cancelled"])]
    state: Option<String>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 50)]
    limit: u16,
    /// The next page: what the page before named
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Send again what an endpoint did not take for three days
    Retry {
        /// The endpoint, ep_…
        endpoint: String,
        /// Only this event, whatever became of it, evt_…
        #[arg(long)]
        event: Option<String>,
    },
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None => list(client, args).await,
        Some(Verb::Retry { endpoint, event }) => retry(client, endpoint, event.as_ref(), args.json).await,
    })
    .await
}

async fn list(client: &Client, args: &Args) -> Outcome {
    let path = Path::of(&["deliveries"])
        .with("endpoint", args.endpoint.as_ref())
        .with("state", args.state.as_ref())
        .with("limit", Some(args.limit))
        .with("before", args.before.as_ref());
    let found: Deliveries = client.get(&path).await?;
    if args.json {
        output::json(&found)?;
        return Ok(());
    }
    let Deliveries { deliveries, next } = found;
    if deliveries.is_empty() {
        output::say("There is no such event.");
    } else {
        for one in &deliveries {
            output::say(&line(one));
        }
        output::more(next.as_deref());
    }
    Ok(())
}

async fn retry(client: &Client, endpoint: &str, event: Option<&String>, json: bool) -> Outcome {
    let again = Again { event: event.cloned() };
    let queued: Queued = client.post(&Path::of(&["endpoints", endpoint, "retry"]), &again).await?;
    if json {
        output::json(&queued)?;
    } else {
        output::say(&format!("{} events are to be sent again.", queued.queued));
    }
    Ok(())
}

/// An event in two lines: what, and what became of it.
fn line(one: &DeliveryView) -> String {
    let at = output::time(one.happened_at);
    let message = one.message.map(|message| format!(" of message {message}")).unwrap_or_default();
    let error = one.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!(
        "{at}  {}{message}\n    {} {} after {} attempts{error}",
        one.event_type, one.event, one.state, one.attempts
    )
}
