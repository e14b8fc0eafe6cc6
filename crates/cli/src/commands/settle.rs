//! `twinwire settle <message>`

use crate::commands::named;
use crate::commands::retry::{Wait, failure, remind, report};
use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use twinwire_engine::operator;
use twinwire_store::messages;

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
    let database = Database::open(config).await?;
    let outcome = ask(config, args, &database).await;
    database.close().await?;
    outcome
}

async fn ask(config: &Config, args: &Args, database: &Database) -> Outcome {
    let found = named::one(&database.pool, &args.message).await?;
    let engine = database.engine(config, &database.public_url(config).await?)?;
    let before = messages::get(engine.pool(), found.channel, &found.external_id).await?;
    let done = match &args.arrived {
        Some(id) => operator::arrived(&engine, &found, id.trim(), args.force).await,
        None => operator::not_arrived(&engine, &found, args.retry).await,
    };
    done.map_err(|refused| failure(refused, &found))?;
    if !args.json {
        let what = match (&args.arrived, args.retry) {
            (Some(id), _) => format!("is {} on the other side", id.trim()),
            (None, true) => "did not arrive, and is to be tried anew".to_owned(),
            (None, false) => "did not arrive".to_owned(),
        };
        output::say(&format!("Message {} {what}.", found.seq));
        if args.retry || args.arrived.is_some() {
            remind(before.as_ref());
        }
    }
    // Only a new attempt has an outcome to wait for.
    let wait = if args.retry { args.wait } else { Wait { wait: false, ..args.wait } };
    report(&engine, &found, wait, args.json).await
}
