//! `twinwire setup key show|rotate` and `twinwire setup reset`: for lost keys.

use super::talk;
use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::{Outcome, output};
use serde_json::json;
use twinwire_api::admin::keys::{BegunSetup, ChannelKey};

/// What is done about keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The key that the helpdesk's user pastes
    #[command(subcommand)]
    Key(Key),
    /// Forget the provider's credentials and ask for them anew; history stays
    Reset {
        /// The channel
        channel: String,
        /// Also where they serve other channels
        #[arg(long)]
        shared: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What is done about a channel's key.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Key {
    /// Show it
    Show {
        /// The channel
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make another one; the old one stops working at once
    Rotate {
        /// The channel
        channel: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: &Config, command: &Command) -> Outcome {
    client::with(config, async |client| match command {
        Command::Key(Key::Show { channel, json }) => {
            let key: ChannelKey = client.get(&Path::of(&["channels", channel, "key"])).await?;
            say(&key, *json, &[])
        }
        Command::Key(Key::Rotate { channel, json }) => {
            let path = Path::of(&["channels", channel, "key", "rotate"]);
            let key: ChannelKey = client.post(&path, &json!({})).await?;
            let told = [
                "The old key does not work any more: paste this one as the channel's token in",
                "the helpdesk, or agents' messages are refused. History and connection stay.",
            ];
            say(&key, *json, &told)
        }
        Command::Reset { channel, shared, json } => reset(client, channel, *shared, *json).await,
    })
    .await
}

fn say(key: &ChannelKey, as_json: bool, told: &[&str]) -> Outcome {
    if as_json {
        return Ok(output::json(key)?);
    }
    output::say(&key.api_key);
    for line in told {
        output::complain(line);
    }
    Ok(())
}

async fn reset(client: &Client, channel: &str, shared: bool, as_json: bool) -> Outcome {
    let path = Path::of(&["channels", channel, "reset"]).with("shared", shared.then_some(true));
    let begun: BegunSetup = client.post(&path, &json!({})).await?;
    if as_json {
        return Ok(output::json(&begun)?);
    }
    output::say(&format!("The credentials of {channel} are forgotten; its history and connection stay."));
    if super::is_terminal() {
        return talk::through(client, client.get(&Path::of_setup(&[&begun.setup])).await?).await;
    }
    output::say("Its messages wait until there are new ones. On a terminal, go on with:");
    output::say(&format!("  twinwire setup --resume {}", begun.setup));
    Ok(())
}
