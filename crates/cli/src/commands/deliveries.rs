//! `twinwire deliveries`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
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
    let head = ["happened (UTC)", "event", "message", "state", "tries"];
    Listing::new(head, row, none(args)).numbers(&[2, 4]).under(|one| Some(under(one))).print_page(
        &found.deliveries,
        found.next.as_deref(),
        &found,
        args.json,
    )
}

/// What is said where there is no event.
fn none(args: &Args) -> String {
    let state = args.state.as_ref().map(|state| format!(" {state}")).unwrap_or_default();
    match &args.endpoint {
        Some(endpoint) => {
            format!(
                "There is no{state} event for {endpoint}; `twinwire endpoints show {endpoint}` says what it wants."
            )
        }
        None if args.state.is_some() => format!("There is no{state} event; `twinwire deliveries` lists all."),
        None => {
            "There is no event yet: `twinwire endpoints` lists who wants to hear of what happens.".to_owned()
        }
    }
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

fn row(one: &DeliveryView) -> [String; 5] {
    let message = one.message.map_or("-".to_owned(), |message| message.to_string());
    let (at, tries) = (output::time(one.happened_at), one.attempts.to_string());
    [at, one.event_type.clone(), message, one.state.clone(), tries]
}

/// The id, to be copied, and what was wrong.
fn under(one: &DeliveryView) -> String {
    let error = one.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}{error}", one.event)
}
