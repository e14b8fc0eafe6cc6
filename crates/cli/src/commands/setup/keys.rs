//! `twinwire setup key show|rotate` and `twinwire setup reset`: for lost keys.

use super::{failure, talk};
use crate::{Failure, Outcome, output};
use serde_json::json;
use std::io::IsTerminal;
use twinwire_engine::Engine;
use twinwire_engine::setup::keys;

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

pub(super) async fn run(engine: &Engine, command: &Command) -> Outcome {
    match command {
        Command::Key(Key::Show { channel, json }) => {
            let key = keys::show(engine, channel).await.map_err(failure)?;
            say(channel, &key, *json, &[])
        }
        Command::Key(Key::Rotate { channel, json }) => {
            let key = keys::rotate(engine, channel).await.map_err(failure)?;
            say(
                channel,
                &key,
                *json,
                &[
                    "The old key does not work any more: paste this one as the channel's token in",
                    "the helpdesk, or agents' messages are refused. History and connection stay.",
                ],
            )
        }
        Command::Reset { channel, shared, json } => reset(engine, channel, *shared, *json).await,
    }
}

fn say(channel: &str, key: &str, as_json: bool, told: &[&str]) -> Outcome {
    if as_json {
        return Ok(output::json(&json!({ "channel": channel, "api_key": key }))?);
    }
    output::say(key);
    for line in told {
        output::complain(line);
    }
    Ok(())
}

async fn reset(engine: &Engine, channel: &str, shared: bool, as_json: bool) -> Result<(), Failure> {
    let session = keys::reset(engine, channel, shared).await.map_err(failure)?;
    if as_json {
        return Ok(output::json(&json!({ "channel": channel, "setup": session.id() }))?);
    }
    output::say(&format!("The credentials of {channel} are forgotten; its history and connection stay."));
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return talk::through(engine, session).await;
    }
    output::say("Its messages wait until there are new ones. Go on with:");
    output::say(&format!("  twinwire setup --resume {}", session.id()));
    Ok(())
}
