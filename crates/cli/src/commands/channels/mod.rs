//! `twinwire channels`

mod page;

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::{Outcome, output};
pub(crate) use page::NONE;
use twinwire_api::admin::channels::{ChannelDetails, Channels, Switched};

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
    /// List the channels, as without a word
    List,
    /// Show a channel with its accounts and addresses
    Show {
        /// The channel, chn_…
        channel: String,
    },
    /// Deliver nothing until it is resumed; webhooks are still taken and stored
    Pause {
        /// The channel, chn_…
        channel: String,
    },
    /// Let a paused channel go on
    Resume {
        /// The channel, chn_…
        channel: String,
    },
    /// Remove a channel: it stops for good, and its history stays
    Delete {
        /// The channel, chn_…
        channel: String,
        /// Do not ask first
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None | Some(Verb::List) => list(client, args.json).await,
        Some(Verb::Show { channel }) => show(client, channel, args.json).await,
        Some(Verb::Pause { channel }) => switch(client, channel, "pause", args.json).await,
        Some(Verb::Resume { channel }) => switch(client, channel, "resume", args.json).await,
        Some(Verb::Delete { channel, yes }) => delete(client, channel, *yes, args.json).await,
    })
    .await
}

async fn list(client: &Client, json: bool) -> Outcome {
    let Channels { channels } = client.get(&Path::of(&["channels"])).await?;
    page::listing().print(&channels, json)?;
    if !json {
        page::notes(&channels);
    }
    Ok(())
}

async fn show(client: &Client, channel: &str, json: bool) -> Outcome {
    let details: ChannelDetails = client.get(&Path::of(&["channels", channel])).await?;
    if json {
        output::json(&details)?;
    } else {
        page::details(&details);
    }
    Ok(())
}

async fn switch(client: &Client, channel: &str, verb: &str, json: bool) -> Outcome {
    let switched: Switched = client.post(&Path::of(&["channels", channel, verb]), &()).await?;
    if json {
        output::json(&switched)?;
        return Ok(());
    }
    let (id, state, changed) = (&switched.channel.channel, switched.channel.state.as_str(), switched.changed);
    output::say(&match (verb, changed, state) {
        ("pause", true, _) => format!("Channel {id} is paused: nothing is delivered until it is resumed."),
        ("pause", false, _) => format!("Channel {id} was paused already."),
        (_, true, "new") => format!("Channel {id} is not paused any more. Nobody has connected it yet."),
        (_, true, _) => {
            format!("Channel {id} goes on: {} messages wait.", page::counted(switched.channel.pending))
        }
        (_, false, _) => format!("Channel {id} was not paused."),
    });
    if verb == "pause" {
        output::say(&format!("    twinwire channels resume {id}"));
    }
    Ok(())
}

async fn delete(client: &Client, channel: &str, yes: bool, json: bool) -> Outcome {
    let path = Path::of(&["channels", channel]);
    if !yes {
        let ChannelDetails { channel, .. } = client.get(&path).await?;
        let pending = match channel.pending {
            0 => String::new(),
            some => {
                let some = page::counted(some);
                format!(" {some} messages are not delivered yet, and will not be.")
            }
        };
        output::confirmed(&format!("Remove channel {} for {}?{pending}", channel.channel, channel.address))?;
    }
    let removed: Switched = client.delete(&path).await?;
    if json {
        output::json(&removed)?;
        return Ok(());
    }
    let (id, verb) = (&removed.channel.channel, if removed.changed { "is" } else { "was already" });
    output::say(&format!(
        "Channel {id} {verb} removed. Its history stays; remove it in the helpdesk as well."
    ));
    Ok(())
}
