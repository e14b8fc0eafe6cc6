//! `twinwire tokens`

use crate::client::{self, Client, Path};
use crate::commands::named::wrapped;
use crate::config::Config;
use crate::listing::Listing;
use crate::{Outcome, output};
use serde_json::json;
use twinwire_api::admin::tokens::{MadeToken, TokenView, Tokens};

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
    /// List the tokens, as without a word
    List,
    /// Make a token and print it, once
    Create {
        /// Who or what will use it
        name: String,
        /// What it allows; each includes the ones before it
        #[arg(long, value_parser = ["metrics", "read", "operate", "admin"])]
        scope: String,
    },
    /// Revoke a token: it opens nothing any more
    Revoke {
        /// The token's name
        name: String,
    },
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None | Some(Verb::List) => list(client, args.json).await,
        Some(Verb::Create { name, scope }) => create(client, name, scope, args.json).await,
        Some(Verb::Revoke { name }) => revoke(client, name, args.json).await,
    })
    .await
}

async fn list(client: &Client, json: bool) -> Outcome {
    let Tokens { tokens } = client.get(&Path::of(&["tokens"])).await?;
    let none = "There is no token yet: `twinwire tokens create <name> --scope read` makes one.";
    Listing::new(["token", "scope", "made", "last used", "state"], row, none).print(&tokens, json)
}

fn row(token: &TokenView) -> [String; 5] {
    let used = token.last_used_at.map_or("never".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
    let state = if token.revoked_at.is_some() { "revoked" } else { "in use" };
    let made = token.created_at.format("%Y-%m-%d").to_string();
    [token.name.clone(), token.scope.word().to_owned(), made, used, state.to_owned()]
}

async fn create(client: &Client, name: &str, scope: &str, json: bool) -> Outcome {
    let asked = json!({ "name": name, "scope": scope });
    let made: MadeToken = client.post(&Path::of(&["tokens"]), &asked).await?;
    if json {
        output::json(&made)?;
        return Ok(());
    }
    output::say(&made.text);
    let words = format!(
        "This is the token {}, of scope {scope}. It is shown this once; set it as TWINWIRE_TOKEN.",
        made.token.name
    );
    for line in wrapped(&words, "", "") {
        output::complain(&line);
    }
    Ok(())
}

async fn revoke(client: &Client, name: &str, json: bool) -> Outcome {
    let revoked: TokenView = client.delete(&Path::of(&["tokens", name])).await?;
    if json {
        output::json(&revoked)?;
    } else {
        output::say(&format!("Token {} opens nothing any more.", revoked.name));
    }
    Ok(())
}
