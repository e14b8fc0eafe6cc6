//! `twinwire settle <message>`

use crate::client::{self, Client, Path};
use crate::commands::retry::{Wait, can_see_through, remind, report};
use crate::config::Config;
use crate::{Outcome, output};
use twinwire_api::admin::messages::{Done, Settle};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[command(group(clap::ArgGroup::new("answer").required(true).args(["arrived", "not_arrived"])))]
pub(crate) struct Args {
    /// Our id, the helpdesk's (msg_…), the provider's, or the number of the message
    message: String,
    /// It arrived, and this is its id on the other side
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    arrived: Option<String>,
    /// Believe it although its text or its time is another
    #[arg(long, conflicts_with = "not_arrived")]
    force: bool,
    /// It did not arrive
    #[arg(long)]
    not_arrived: bool,
    /// Try it anew at once
    #[arg(long, conflicts_with = "arrived")]
    retry: bool,
    #[command(flatten)]
    wait: Wait,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| ask(client, args).await).await
}

async fn ask(client: &Client, args: &Args) -> Outcome {
    // Only a new attempt has an outcome to wait for.
    let wait = Wait { wait: args.retry && args.wait.wait, ..args.wait };
    if wait.wait {
        can_see_through(client, &args.message).await?;
    }
    let answer = match &args.arrived {
        Some(id) => Settle::Arrived { id: id.trim().to_owned(), force: args.force },
        None => Settle::NotArrived { retry: args.retry },
    };
    let done: Done = client.post(&Path::of(&["messages", &args.message, "settle"]), &answer).await?;
    if !args.json {
        let what = match (&args.arrived, args.retry) {
            (Some(id), _) => format!("is {} on the other side", id.trim()),
            (None, true) => "did not arrive, and is to be tried anew".to_owned(),
            (None, false) => "did not arrive".to_owned(),
        };
        output::say(&format!("Message {} {what}.", done.message.row.message));
        if args.retry || args.arrived.is_some() {
            remind(&done);
        }
    }
    report(client, done.message, wait, args.json).await
}
