//! `twinwire conversations`

use super::named::masked;
use super::why::word;
use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Outcome, output};
use chrono::{DateTime, Utc};
use twinwire_api::admin::MOST;
use twinwire_api::admin::conversations::{ConversationMessage, ConversationView};
use twinwire_core::model::Direction;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show a conversation, the newest messages first, as both sides have them
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The channel, chn_…
    channel: String,
    /// The customer's number, or the helpdesk's id of the conversation
    conversation: String,
    /// Show the texts
    #[arg(long)]
    body: bool,
    /// Show phone numbers whole; only their last two digits otherwise
    #[arg(long)]
    full: bool,
    /// How many messages at most [default: 50]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: Option<u16>,
    /// The next page: what the page before named
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
    /// Print JSON, with whole ids and numbers
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let Verb::Show(asked) = &args.verb;
    client::with(config, async |client| show(client, asked).await).await
}

async fn show(client: &Client, asked: &Show) -> Outcome {
    let path = Path::of(&["conversations", &asked.channel, &asked.conversation])
        .with("body", asked.body.then_some(true))
        .with("limit", asked.limit)
        .with("before", asked.before.as_ref());
    let found: ConversationView = client.get(&path).await?;
    if !asked.json {
        let customer = if asked.full { found.conversation.clone() } else { masked(&found.conversation) };
        let mut fields = vec![(
            "in the helpdesk",
            found.helpdesk_conversation_id.clone().unwrap_or("not known yet".to_owned()),
        )];
        fields
            .extend(found.opted_out_since.map(|at| ("opted out", format!("since {} UTC", output::time(at)))));
        output::fields(&format!("Conversation with {customer} in {}", found.channel), &fields);
        output::say("");
    }
    listing().print_page(&found.messages, found.next.as_deref(), &found, asked.json)
}

fn listing() -> Listing<ConversationMessage, 6> {
    let head = ["message", "written (UTC)", "way", "helpdesk", "provider", "state"];
    Listing::new(head, row, "There is no message on this page.").numbers(&[0]).under(|one| one.body.clone())
}

fn row(one: &ConversationMessage) -> [String; 6] {
    let way = match one.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    };
    let helpdesk = match &one.helpdesk.status {
        Some(told) => word(told).replace('_', " "),
        None => there(one.helpdesk.id.as_ref(), one.helpdesk.at),
    };
    let provider = match (one.provider.status, &one.provider.error_code) {
        (Some(status), Some(code)) => format!("{} {code}", word(status)),
        (Some(status), None) => word(status),
        (None, _) => there(one.provider.id.as_ref(), one.provider.at),
    };
    let state = match one.parked {
        Some(why) => format!("{}: {}", one.state, word(why).replace('_', " ")),
        None => one.state.clone(),
    };
    [one.message.to_string(), output::time(one.occurred_at), way.to_owned(), helpdesk, provider, state]
}

/// Whether a message is on a side, and since when.
fn there(id: Option<&String>, at: Option<DateTime<Utc>>) -> String {
    match (id, at) {
        (Some(_), Some(at)) => at.format("%H:%M:%S").to_string(),
        (Some(_), None) => "there".to_owned(),
        (None, _) => "-".to_owned(),
    }
}
