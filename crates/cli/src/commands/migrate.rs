//! `twinwire migrate`

use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let applied = database.migrated;
    database.close().await?;
    if args.json {
        output::json(&json!({ "applied": applied }))?;
    } else {
        output::say(&format!("{applied} migrations applied; the schema is up to date."));
    }
    Ok(())
}
