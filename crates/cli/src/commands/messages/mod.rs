//! `twinwire messages`

mod page;

use crate::client::{self, Client, Path};
use crate::commands::named::next_lines;
use crate::commands::why;
use crate::config::Config;
use crate::{Outcome, output};
use twinwire_api::admin::MOST;
use twinwire_api::admin::messages::list::Messages;
use twinwire_api::admin::messages::view::MessageDetails;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Show phone numbers whole; only their last two digits otherwise
    #[arg(long, global = true)]
    full: bool,
    /// Print JSON, with whole ids and numbers
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List messages, the newest first; as without a word
    List(Filters),
    /// Show a message as it stands, and what happens next
    Show {
        /// Our id, the helpdesk's (msg_…), the provider's, or the number of the message
        message: String,
    },
}

#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
struct Filters {
    /// Of this channel alone, chn_…
    #[arg(long)]
    channel: Option<String>,
    /// Those with something to do
    #[arg(long, group = "state")]
    pending: bool,
    /// Those that were put aside, but for those that were too old
    #[arg(long, group = "state")]
    parked: bool,
    /// Those that were too old to be delivered
    #[arg(long, group = "state")]
    too_old: bool,
    /// Those that the provider took and did not deliver
    #[arg(long, group = "state")]
    failed: bool,
    /// Of this conversation: the customer's number, or the helpdesk's id
    #[arg(long, value_name = "ID|NUMBER")]
    conversation: Option<String>,
    /// How many at most [default: 50]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: Option<u16>,
    /// The next page: what the page before named
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None => list(client, &Filters::default(), args).await,
        Some(Verb::List(filters)) => list(client, filters, args).await,
        Some(Verb::Show { message }) => show(client, message, args).await,
    })
    .await
}

async fn list(client: &Client, filters: &Filters, args: &Args) -> Outcome {
    let states = [
        ("pending", filters.pending),
        ("parked", filters.parked),
        ("too_old", filters.too_old),
        ("failed", filters.failed),
    ];
    let state = states.into_iter().find(|(_, asked)| *asked).map(|(state, _)| state);
    let path = Path::of(&["messages"])
        .with("channel", filters.channel.as_ref())
        .with("state", state)
        .with("conversation", filters.conversation.as_ref())
        .with("limit", filters.limit)
        .with("before", filters.before.as_ref());
    let found: Messages = client.get(&path).await?;
    let listing = page::listing(none(filters, state), args.full);
    listing.print_page(&found.messages, found.next.as_deref(), &found, args.json)
}

/// What is said where no message is so.
fn none(filters: &Filters, state: Option<&str>) -> String {
    let what = match state {
        Some("pending") => "No message has anything to do",
        Some("parked") => "No message is put aside",
        Some("too_old") => "No message was too old",
        Some(_) => "No message was taken by the provider and not delivered",
        None => "There is no message",
    };
    let of = match (&filters.conversation, &filters.channel) {
        (Some(_), _) => " in this conversation",
        (None, Some(_)) => " in this channel",
        (None, None) => "",
    };
    if filters.before.is_some() {
        return format!("{what}{of} before that place.");
    }
    match (state, of) {
        (None, "") => format!("{what} yet; `twinwire channels` lists what is connected."),
        (None, _) => format!("{what}{of}; `twinwire messages list` shows the latest of all."),
        (Some("failed"), "") => {
            format!("{what}; `--parked` lists what was put aside before it went out.")
        }
        (Some(_), "") => format!("{what}; `twinwire status` says how it does."),
        (Some(_), _) => format!("{what}{of}; `twinwire messages list` without filters shows the latest."),
    }
}

async fn show(client: &Client, message: &str, args: &Args) -> Outcome {
    let message: MessageDetails = client.get(&Path::of(&["messages", message])).await?;
    if args.json {
        return Ok(output::json(&message)?);
    }
    let mut lines = why::head(&message);
    lines.push("What happens next".to_owned());
    lines.extend(next_lines(&message.next));
    why::say(args.full, &lines);
    Ok(())
}
