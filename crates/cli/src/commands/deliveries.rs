//! `twinwire deliveries`

use super::endpoints::failure;
use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use serde_json::json;
use twinwire_engine::outgoing::endpoints;
use twinwire_store::deliveries::{self, Delivery, Wanted};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Only of this endpoint, ep_…
    #[arg(long)]
    endpoint: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["pending", "delivered", "failed", "canceled"])]
    state: Option<String>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 50)]
    limit: u32,
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
    let database = Database::open(config).await?;
    let outcome = ask(config, args, &database).await;
    database.close().await?;
    outcome
}

async fn ask(config: &Config, args: &Args, database: &Database) -> Outcome {
    if let Some(Verb::Retry { endpoint, event }) = &args.verb {
        let engine = database.engine(config, &database.public_url(config).await?)?;
        let count = endpoints::again(&engine, endpoint, event.as_deref()).await.map_err(failure)?;
        if args.json {
            output::json(&json!({ "queued": count }))?;
        } else {
            output::say(&format!("{count} events are to be sent again."));
        }
        return Ok(());
    }
    let (endpoint, state) = (args.endpoint.as_deref(), args.state.as_deref());
    let found =
        deliveries::list(&database.pool, Wanted { endpoint, state, limit: i64::from(args.limit) }).await?;
    if args.json {
        output::json(&found)?;
    } else if found.is_empty() {
        output::say("There is no such event.");
    } else {
        found.iter().for_each(|one| output::say(&line(one)));
    }
    Ok(())
}

/// An event in two lines: what, and what became of it.
fn line(one: &Delivery) -> String {
    let at = one.happened_at.format("%Y-%m-%d %H:%M:%S");
    let message = one.message.map(|message| format!(" of message {message}")).unwrap_or_default();
    let error = one.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!(
        "{at}  {}{message}\n    {} {} after {} attempts{error}",
        one.event_type, one.event, one.state, one.attempts
    )
}
