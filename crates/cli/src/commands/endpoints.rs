//! `twinwire endpoints`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Failure, Outcome, output};
use serde::de::DeserializeOwned;
use serde_json::json;
use twinwire_api::admin::endpoints::{EndpointView, Endpoints, MadeEndpoint, NewEndpoint, Trial};
use twinwire_store::endpoints::MOST;

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
    /// List the endpoints, as without a word
    List,
    /// Make an endpoint, and print its secret
    Add(New),
    /// Show an endpoint
    Show(Named),
    /// Send it nothing for now; what happens meanwhile waits
    Pause(Named),
    /// Go on at once, whatever made it stop
    Resume(Named),
    /// Forget it, and what waits for it
    Delete {
        #[command(flatten)]
        named: Named,
        /// Do not ask first
        #[arg(long)]
        yes: bool,
    },
    /// Give it a new secret; the old one goes on signing for a day
    Rotate(Named),
    /// Send it an event that nothing happened for
    Test(Named),
}

#[derive(Debug, clap::Args)]
struct New {
    /// Where events are posted to, https://…
    // Not `url`: that is the name of the option that says which server is asked.
    address: String,
    /// Only this type of events, such as message.delivered; may be repeated
    #[arg(long = "event", value_name = "TYPE")]
    events: Vec<String>,
    /// Only of this channel, chn_…
    #[arg(long)]
    channel: Option<String>,
    /// Send the texts of messages along
    #[arg(long)]
    with_body: bool,
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The endpoint, ep_…
    endpoint: String,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None | Some(Verb::List) => list(client, args.json).await,
        Some(Verb::Add(new)) => add(client, new, args.json).await,
        Some(Verb::Show(named)) => {
            show(&client.get(&Path::of(&["endpoints", &named.endpoint])).await?, args.json)
        }
        Some(Verb::Pause(named)) => show(&done(client, named, "pause").await?, args.json),
        Some(Verb::Resume(named)) => show(&done(client, named, "resume").await?, args.json),
        Some(Verb::Rotate(named)) => made(&done(client, named, "rotate").await?, args.json),
        Some(Verb::Test(named)) => test(client, named, args.json).await,
        Some(Verb::Delete { named, yes }) => delete(client, named, *yes, args.json).await,
    })
    .await
}

async fn list(client: &Client, json: bool) -> Outcome {
    let Endpoints { endpoints } = client.get(&Path::of(&["endpoints"])).await?;
    let row = |one: &EndpointView| {
        let (pending, failed) = (counted(one.pending), counted(one.failed));
        [one.endpoint.clone(), pending, failed, standing(one)]
    };
    let none = "There is no endpoint yet: `twinwire endpoints add https://…` makes one.";
    let head = ["endpoint", "pending", "failed", "state"];
    Listing::new(head, row, none).numbers(&[1, 2]).print(&endpoints, json)
}

async fn add(client: &Client, new: &New, json: bool) -> Outcome {
    let asked = NewEndpoint {
        url: new.address.clone(),
        events: new.events.clone(),
        channel: new.channel.clone(),
        with_body: new.with_body,
    };
    made(&client.post(&Path::of(&["endpoints"]), &asked).await?, json)
}

/// Has something done with an endpoint.
async fn done<T: DeserializeOwned>(client: &Client, named: &Named, what: &str) -> Result<T, Failure> {
    client.post(&Path::of(&["endpoints", &named.endpoint, what]), &json!({})).await
}

async fn test(client: &Client, named: &Named, json: bool) -> Outcome {
    let Trial { event } = done(client, named, "test").await?;
    if json {
        output::json(&json!({ "event": event }))?;
    } else {
        output::say(&format!("{event} waits to be sent by a running server."));
        output::say(&format!("What came of it: twinwire deliveries --endpoint {}", named.endpoint));
    }
    Ok(())
}

async fn delete(client: &Client, named: &Named, yes: bool, json: bool) -> Outcome {
    let path = Path::of(&["endpoints", &named.endpoint]);
    if !yes {
        let EndpointView { endpoint, server, pending, .. } = client.get(&path).await?;
        let waits = match pending {
            0 => String::new(),
            some => format!(" {} events wait for it, and will not be sent.", counted(some)),
        };
        output::confirmed(&format!("Forget endpoint {endpoint} at {server}?{waits}"))?;
    }
    let gone: EndpointView = client.delete(&path).await?;
    if json {
        output::json(&gone)?;
    } else {
        output::say(&format!(
            "{} is forgotten, with {} events that waited.",
            gone.endpoint,
            counted(gone.pending)
        ));
    }
    Ok(())
}

/// A count that does not go on for ever.
fn counted(events: i64) -> String {
    if events < MOST { events.to_string() } else { "over 10,000".to_owned() }
}

fn show(one: &EndpointView, json: bool) -> Outcome {
    if json {
        output::json(one)?;
        return Ok(());
    }
    let all = |words: String| if words.is_empty() { "all".to_owned() } else { words };
    output::fields(
        &format!("Endpoint {} at {}", one.endpoint, one.server),
        &[
            ("state", standing(one)),
            ("events", all(one.events.join(" "))),
            ("channel", all(one.channel.clone().unwrap_or_default())),
            ("texts", if one.with_body { "sent along" } else { "left out" }.to_owned()),
            ("pending", counted(one.pending)),
            ("failed", counted(one.failed)),
        ],
    );
    Ok(())
}

fn made(made: &MadeEndpoint, json: bool) -> Outcome {
    if json {
        output::json(made)?;
        return Ok(());
    }
    show(&made.endpoint, false)?;
    output::say(&made.secret);
    output::complain("This is its secret. It is shown this once; `twinwire endpoints rotate` makes another.");
    Ok(())
}

/// Whether it is sent anything, in words.
fn standing(one: &EndpointView) -> String {
    let error = one.last_error.as_deref().unwrap_or_default();
    match (&one.state_reason, one.rests_until) {
        (Some(why), _) => format!("{}: {why}", one.state),
        (None, Some(until)) => format!("rests until {} UTC: {error}", output::time(until)),
        (None, None) if one.failures > 0 => format!("{}, fails: {error}", one.state),
        (None, None) => one.state.clone(),
    }
}
