//! `twinwire migrate`

use crate::config::Config;
use crate::database::Database;
use crate::{Outcome, output};
use serde_json::json;
use twinwire_store::{Error, reader};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open_and_renew(config).await?;
    let applied = database.migrated;
    let made = make_reader(&database).await;
    database.close().await?;
    made?;
    if args.json {
        output::json(&json!({ "applied": applied }))?;
    } else {
        output::say(&format!("{applied} migrations applied; the schema is up to date."));
    }
    Ok(())
}

/// Makes the role for plain SQL. The schema is up to date without it: where it cannot be made, it is said what to do.
async fn make_reader(database: &Database) -> anyhow::Result<()> {
    match reader::ensure(&database.pool, &database.key).await {
        Ok(_) => Ok(()),
        Err(Error::Reader(why)) => {
            output::complain(&format!(
                "warning: {why}\nOr let a superuser run this by hand in this database:\n"
            ));
            output::complain(&reader::by_hand(&database.pool).await?);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
