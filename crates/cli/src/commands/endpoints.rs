//! `twinwire endpoints`

use crate::config::Config;
use crate::database::Database;
use crate::{Failure, Outcome, output};
use serde_json::{Value, json};
use twinwire_engine::Engine;
use twinwire_engine::outgoing::endpoints::{self, Asked, Made, Refused};
use twinwire_store::endpoints::{self as stored, Endpoint};

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
    Add {
        /// Where events are posted to, https://…
        url: String,
        /// Only this type of events, such as message.delivered; may be repeated
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<String>,
        /// Only of this channel, chn_…
        #[arg(long)]
        channel: Option<String>,
        /// Send the texts of messages along
        #[arg(long)]
        with_body: bool,
    },
    /// Show an endpoint
    Show(Named),
    /// Send it nothing for now; what happens meanwhile waits
    Pause(Named),
    /// Go on at once, whatever made it stop
    Resume(Named),
    /// Forget it, and what waits for it
    Delete(Named),
    /// Give it a new secret; the old one goes on signing for a day
    Rotate(Named),
    /// Send it an event that nothing happened for
    Test(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The endpoint, ep_…
    endpoint: String,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let outcome = ask(config, args, &database).await;
    database.close().await?;
    outcome
}

async fn ask(config: &Config, args: &Args, database: &Database) -> Outcome {
    let engine = database.engine(config, &database.public_url(config).await?)?;
    match &args.verb {
        None | Some(Verb::List) => list(&engine, args.json).await,
        Some(Verb::Add { url, events, channel, with_body }) => {
            let (events, channel) = (events.clone(), channel.clone());
            let asked = Asked { url: url.clone(), events, channel, with_body: *with_body };
            made(&endpoints::add(&engine, &asked).await.map_err(failure)?, args.json)
        }
        Some(Verb::Rotate(named)) => {
            made(&endpoints::rotate(&engine, &named.endpoint).await.map_err(failure)?, args.json)
        }
        Some(Verb::Show(named)) => {
            show(&endpoints::one(&engine, &named.endpoint).await.map_err(failure)?, args.json)
        }
        Some(Verb::Pause(named)) => {
            show(&endpoints::pause(&engine, &named.endpoint).await.map_err(failure)?, args.json)
        }
        Some(Verb::Resume(named)) => {
            show(&endpoints::resume(&engine, &named.endpoint).await.map_err(failure)?, args.json)
        }
        Some(Verb::Delete(named)) => {
            endpoints::delete(&engine, &named.endpoint).await.map_err(failure)?;
            said(
                args.json,
                &json!({ "deleted": named.endpoint }),
                &format!("{} is forgotten.", named.endpoint),
            )
        }
        Some(Verb::Test(named)) => {
            let event = endpoints::trial(&engine, &named.endpoint).await.map_err(failure)?;
            let words = format!(
                "{event} waits to be sent by a running server.\nWhat came of it: twinwire deliveries --endpoint {}",
                named.endpoint
            );
            said(args.json, &json!({ "event": event }), &words)
        }
    }
}

/// What was asked wrongly, or did not work.
pub(crate) fn failure(refused: Refused) -> Failure {
    match refused {
        Refused::Asked(words) => Failure::Usage(words),
        Refused::Unknown(words) => Failure::Failed(anyhow::anyhow!(words)),
        Refused::Engine(error) => error.into(),
    }
}

async fn list(engine: &Engine, json: bool) -> Outcome {
    let endpoints = stored::list(engine.pool(), None).await?;
    if json {
        output::json(&endpoints)?;
    } else if endpoints.is_empty() {
        output::say("There is no endpoint yet: `twinwire endpoints add https://…` makes one.");
    } else {
        let row = |one: &Endpoint| {
            let (pending, failed) = (one.pending.to_string(), one.failed.to_string());
            [one.endpoint.clone(), pending, failed, standing(one)]
        };
        let rows: Vec<_> = endpoints.iter().map(row).collect();
        output::say(&output::columns(["endpoint", "pending", "failed", "state"], &[1, 2], &rows));
    }
    Ok(())
}

fn show(one: &Endpoint, json: bool) -> Outcome {
    if json {
        output::json(one)?;
        return Ok(());
    }
    let all = |words: String| if words.is_empty() { "all".to_owned() } else { words };
    for (name, value) in [
        ("endpoint", one.endpoint.clone()),
        ("address", one.url.clone()),
        ("events", all(one.events.join(" "))),
        ("channel", all(one.channel.clone().unwrap_or_default())),
        ("texts", if one.with_body { "sent along" } else { "left out" }.to_owned()),
        ("state", standing(one)),
        ("pending", one.pending.to_string()),
        ("failed", one.failed.to_string()),
    ] {
        output::say(&format!("{name:<9} {value}"));
    }
    Ok(())
}

fn made(made: &Made, json: bool) -> Outcome {
    if json {
        let mut value = serde_json::to_value(&made.endpoint)?;
        value["secret"] = made.shown_secret().into();
        output::json(&value)?;
        return Ok(());
    }
    show(&made.endpoint, false)?;
    output::say(&format!("secret    {}", made.shown_secret()));
    output::complain("The secret is not shown again; `twinwire endpoints rotate` makes another one.");
    Ok(())
}

fn said(json: bool, value: &Value, words: &str) -> Outcome {
    if json {
        output::json(value)?
    } else {
        output::say(words)
    }
    Ok(())
}

/// Whether it is sent anything, in words.
fn standing(one: &Endpoint) -> String {
    let error = one.last_error.as_deref().unwrap_or_default();
    match (&one.state_reason, one.paused_until) {
        (Some(why), _) => format!("{}: {why}", one.state),
        (None, Some(until)) => format!("rests until {} UTC: {error}", until.format("%Y-%m-%d %H:%M:%S")),
        (None, None) if one.failures > 0 => format!("{}, fails: {error}", one.state),
        (None, None) => one.state.clone(),
    }
}
