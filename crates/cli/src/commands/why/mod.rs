//! `twinwire why <message>`

mod page;

use crate::commands::named;
use crate::config::Config;
use crate::database::Database;
use crate::{Failure, Outcome, output};
use serde_json::{Map, Value, json};
use twinwire_core::observe::AtProvider;
use twinwire_core::plan::Action;
use twinwire_engine::converge::{Outlook, outlook};
use twinwire_store::story::{self, Entry, Found, Request};

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

/// All that is told of a message.
struct Told {
    seq: i64,
    outlook: Outlook,
    requests: Vec<Request>,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let told = tell(config, args, &database).await;
    database.close().await?;
    let (found, told) = told?;
    if args.json {
        output::json(&told.iter().map(|told| object(args, told)).collect::<Vec<_>>())?;
        return Ok(());
    }
    if found.len() > 1 {
        let list: Vec<String> = found.iter().map(|one| one.seq.to_string()).collect();
        let words = format!("{} is {} messages: {}.", args.message, found.len(), list.join(", "));
        say(args, &named::wrapped(&words, "", ""));
        if told.is_empty() {
            output::say("Name one of them by its number to see it.");
        }
        output::say("");
    }
    for (at, told) in told.iter().enumerate() {
        if at > 0 {
            output::say("");
        }
        say(args, &page::lines(args.body, told));
        if args.raw {
            raw(&told.requests);
        }
    }
    Ok(())
}

async fn tell(config: &Config, args: &Args, database: &Database) -> Result<(Vec<Found>, Vec<Told>), Failure> {
    let found = named::all(&database.pool, &args.message).await?;
    let engine = database.engine(config, &database.public_url(config).await?)?;
    let mut told = Vec::new();
    if args.json || found.len() <= WHOLE {
        for one in &found {
            let Some(outlook) = outlook(&engine, one).await? else { continue };
            let requests = story::requests(&database.pool, one.channel, &one.external_id).await?;
            told.push(Told { seq: one.seq, outlook, requests });
        }
    }
    Ok((found, told))
}

/// Texts come from strangers: nothing that a terminal would obey. Numbers stay out of terminals and tickets.
fn say(args: &Args, lines: &[String]) {
    for line in lines {
        let line = output::harmless(line);
        output::say(&if args.full { line } else { named::masked(&line) });
    }
}

fn raw(requests: &[Request]) {
    for request in requests {
        output::say("");
        let (id, at) = (request.id, request.received_at.format("%Y-%m-%d %H:%M:%S%.3f"));
        output::say(&format!("Webhook {id}, {at}"));
        output::say(&output::harmless(&format!("{} {}", request.method, request.url)));
        output::say(&output::harmless(&String::from_utf8_lossy(&request.body)));
    }
}

fn object(args: &Args, told: &Told) -> Value {
    let Outlook { row, channel, story, action, next, candidates, .. } = &told.outlook;
    let mut fields = Map::new();
    fields.insert("message".to_owned(), told.seq.into());
    fields.insert("channel".to_owned(), channel.channel.id.clone().into());
    if let Ok(Value::Object(row)) = serde_json::to_value(row) {
        let kept = |name: &str| name != "data" && (name != "body" || args.body);
        fields.extend(row.into_iter().filter(|(name, _)| kept(name)));
    }
    let candidate =
        |seen: &AtProvider| json!({ "id": seen.id, "created_at": seen.created_at, "status": seen.status });
    fields.insert("story".to_owned(), story.iter().map(entry).collect());
    fields.insert(
        "next".to_owned(),
        json!({ "action": plain(*action), "words": next.words, "commands": next.commands }),
    );
    fields.insert("candidates".to_owned(), candidates.iter().map(candidate).collect());
    fields.insert("webhooks".to_owned(), told.requests.iter().map(|one| request(args, one)).collect());
    fields.into()
}

fn entry(line: &Entry) -> Value {
    json!({
        "at": line.at, "step": line.step, "act": line.act, "outcome": line.outcome, "detail": line.detail,
        "owner": line.owner, "fence": line.fence, "way": line.way, "webhook": line.webhook, "event": line.event,
    })
}

fn request(args: &Args, request: &Request) -> Value {
    let mut value = json!({
        "id": request.id, "received_at": request.received_at, "connector": request.connector,
        "event": request.event, "status": request.status, "unverified": request.unverified,
    });
    if args.raw {
        value["method"] = request.method.clone().into();
        value["url"] = request.url.clone().into();
        value["body"] = String::from_utf8_lossy(&request.body).into();
    }
    value
}

fn plain(action: Action) -> Value {
    match action {
        Action::Nothing => json!({ "does": "nothing" }),
        Action::WaitUntil(at) => json!({ "does": "wait", "until": at }),
        Action::WaitTurn => json!({ "does": "wait_turn" }),
        Action::WaitChannel => json!({ "does": "wait_channel" }),
        Action::Do(act) => json!({ "does": act }),
        Action::Park(why) => json!({ "does": "park", "why": why }),
    }
}
