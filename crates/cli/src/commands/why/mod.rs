//! `twinwire why <message>`

mod page;

use crate::client::{self, Client, Path};
use crate::commands::named;
use crate::config::Config;
use crate::{Outcome, output};
use twinwire_api::admin::messages::story::{Stories, StoryWebhook};

pub(crate) use page::{head, word};

/// So many messages of one id are shown whole; of more only the list.
const WHOLE: usize = 5;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Args {
    /// Our id, the helpdesk's (msg_…), the provider's, or the number of the message
    message: String,
    /// Show phone numbers whole; only their last two digits otherwise
    #[arg(long)]
    full: bool,
    /// Show the text
    #[arg(long)]
    body: bool,
    /// Print the webhooks as they were received, with all that they hold
    #[arg(long)]
    raw: bool,
    /// Print JSON, with whole ids and numbers
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| tell(client, args).await).await
}

async fn tell(client: &Client, args: &Args) -> Outcome {
    let path = Path::of(&["messages", &args.message, "story"])
        .with("body", args.body.then_some(true))
        .with("raw", args.raw.then_some(true))
        .with("most", (!args.json).then_some(WHOLE));
    let Stories { messages, stories } = client.get(&path).await?;
    if args.json {
        return Ok(output::json(&stories)?);
    }
    if messages.len() > 1 {
        let list: Vec<String> = messages.iter().map(ToString::to_string).collect();
        let words = format!("{} is {} messages: {}.", args.message, messages.len(), list.join(", "));
        say(args.full, &named::wrapped(&words, "", ""));
        if stories.is_empty() {
            output::say("Name one of them by its number to see it.");
        }
        output::say("");
    }
    for (at, story) in stories.iter().enumerate() {
        if at > 0 {
            output::say("");
        }
        say(args.full, &page::lines(story));
        if args.raw {
            raw(&story.webhooks);
        }
    }
    Ok(())
}

/// Texts come from strangers: nothing that a terminal would obey. Numbers stay out of terminals and tickets, unless `full`.
pub(crate) fn say(full: bool, lines: &[String]) {
    for line in lines {
        let line = output::harmless(line);
        output::say(&if full { line } else { named::masked(&line) });
    }
}

fn raw(webhooks: &[StoryWebhook]) {
    for webhook in webhooks {
        let StoryWebhook { webhook: id, received_at, method, url, body, .. } = webhook;
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        output::say("");
        output::say(&format!("Webhook {id}, {}", received_at.format("%Y-%m-%d %H:%M:%S%.3f")));
        output::say(&output::harmless(&format!("{} {}", text(method), text(url))));
        output::say(&output::harmless(&text(body)));
    }
}
