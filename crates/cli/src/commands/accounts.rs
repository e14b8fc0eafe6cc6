//! `twinwire accounts`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Outcome, output};
use chrono::Utc;
use twinwire_api::admin::accounts::{AccountView, Accounts, Resumed};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the accounts, as without a word
    List,
    /// Show an account
    Show {
        /// The account, acc_…
        account: String,
    },
    /// End the rest of an account now; if the cause is not mended, it rests again
    Resume {
        /// The account, acc_…
        account: String,
    },
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None | Some(Verb::List) => list(client, args.json).await,
        Some(Verb::Show { account }) => show(client, account, args.json).await,
        Some(Verb::Resume { account }) => resume(client, account, args.json).await,
    })
    .await
}

async fn list(client: &Client, json: bool) -> Outcome {
    let Accounts { accounts } = client.get(&Path::of(&["accounts"])).await?;
    let row = |account: &AccountView| {
        let channels = account.channels.len().to_string();
        [account.account.clone(), account.connector.clone(), channels, standing(account)]
    };
    let none = "There is no account yet: `twinwire setup` makes a channel with its accounts.";
    Listing::new(["account", "vendor", "channels", "state"], row, none).numbers(&[2]).print(&accounts, json)
}

async fn show(client: &Client, account: &str, json: bool) -> Outcome {
    let account: AccountView = client.get(&Path::of(&["accounts", account])).await?;
    if json {
        output::json(&account)?;
        return Ok(());
    }
    let read =
        account.read_until.map_or("nothing yet".to_owned(), |at| format!("up to {} UTC", output::time(at)));
    output::fields(
        &format!("Account {} at {}", account.account, account.connector),
        &[
            ("state", standing(&account)),
            ("refusals", format!("{} in a row", account.refusals)),
            ("channels", account.channels.join(" ")),
            ("webhooks", account.verification.replace('_', "-")),
            ("read", read),
            ("made", format!("{} UTC", output::time(account.created_at))),
        ],
    );
    if account.rests(Utc::now()) {
        output::say(&format!("    twinwire accounts resume {}", account.account));
    }
    Ok(())
}

async fn resume(client: &Client, account: &str, json: bool) -> Outcome {
    let resumed: Resumed = client.post(&Path::of(&["accounts", account, "resume"]), &()).await?;
    if json {
        output::json(&resumed)?;
        return Ok(());
    }
    let id = &resumed.account.account;
    output::say(&match (resumed.changed, &resumed.account.reason) {
        (true, Some(why)) => {
            format!("Account {id} does not rest any more ({why}); its messages are tried now.")
        }
        (true, None) => format!("Account {id} does not rest any more; its messages are tried now."),
        (false, _) => format!("Account {id} did not rest."),
    });
    Ok(())
}

/// Whether an account works, in words.
pub(crate) fn standing(account: &AccountView) -> String {
    let why = account.reason.as_deref().unwrap_or("no reason is known");
    match account.rests_until.filter(|_| account.rests(Utc::now())) {
        Some(until) => format!("rests until {} UTC: {why}", output::time(until)),
        None if account.refusals > 0 => format!("tried again: {why}"),
        None => "works".to_owned(),
    }
}
