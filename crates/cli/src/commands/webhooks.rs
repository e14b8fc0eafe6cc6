//! `twinwire webhooks`

use super::jobs;
use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Outcome, output};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use twinwire_api::admin::jobs::JobAskedFor;
use twinwire_api::admin::webhooks::{RawWebhook, Replay, WebhookView, Webhooks};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List logged requests of vendors, the newest first
    List(Filter),
    /// Show one
    Show {
        /// Its number
        webhook: String,
        /// As it was received, with texts and numbers
        #[arg(long)]
        raw: bool,
    },
    /// Take requests again, as when they came: what is known changes nothing
    Replay(Again),
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Of this channel, chn_…
    #[arg(long)]
    channel: Option<String>,
    /// From this vendor
    #[arg(long)]
    connector: Option<String>,
    /// With this word for the event
    #[arg(long)]
    event: Option<String>,
    /// Only those that were not verified
    #[arg(long)]
    unverified: bool,
    /// From then on: 2026-11-21T10:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<DateTime<Utc>>,
    /// Before then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<DateTime<Utc>>,
    /// At most so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<u16>,
    /// The next page: what the page before named
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Again {
    /// From then on: 2026-11-21T10:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: DateTime<Utc>,
    /// Before then [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<DateTime<Utc>>,
    /// Of this channel alone, chn_…
    #[arg(long)]
    channel: Option<String>,
    /// Wait until it is done, and print the counts
    #[arg(long)]
    wait: bool,
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

/// A time, or how long ago it was.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| TimeDelta::from_std(ago).ok());
    let at = ago.and_then(|ago| Utc::now().checked_sub_signed(ago));
    at.ok_or_else(|| "write 2026-11-21T10:00:00Z, or 2h for two hours ago".to_owned())
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        Verb::List(filter) => list(client, filter, args.json).await,
        Verb::Show { webhook, raw: false } => show(client, webhook, args.json).await,
        Verb::Show { webhook, raw: true } => raw(client, webhook, args.json).await,
        Verb::Replay(again) => replay(client, again, args.json).await,
    })
    .await
}

async fn list(client: &Client, filter: &Filter, json: bool) -> Outcome {
    let path = Path::of(&["webhooks"])
        .with("channel", filter.channel.as_ref())
        .with("connector", filter.connector.as_ref())
        .with("event", filter.event.as_ref())
        .with("verified", filter.unverified.then_some(false))
        .with("from", filter.from.map(|at| at.to_rfc3339()))
        .with("to", filter.to.map(|at| at.to_rfc3339()))
        .with("limit", filter.limit)
        .with("before", filter.before.as_ref());
    let found: Webhooks = client.get(&path).await?;
    let head = ["webhook", "received (UTC)", "vendor", "event", "channel"];
    let listing = Listing::new(head, row, none(filter)).numbers(&[0]);
    listing.print_page(&found.webhooks, found.next.as_deref(), &found, json)?;
    if !json && found.webhooks.iter().any(|webhook| webhook.unverified.is_some()) {
        output::say("* not verified; `twinwire webhooks show <webhook>` says why");
    }
    Ok(())
}

fn row(webhook: &WebhookView) -> [String; 5] {
    // An id of a channel takes a third of a line; a mark has to do.
    let mark = if webhook.unverified.is_some() { "*" } else { "" };
    [
        webhook.webhook.to_string(),
        webhook.received_at.format("%m-%d %H:%M:%S").to_string(),
        webhook.connector.clone(),
        format!("{}{mark}", webhook.event.as_deref().unwrap_or_default()),
        webhook.channel.clone().unwrap_or_default(),
    ]
}

/// What is said where no request in the log is so.
fn none(filter: &Filter) -> String {
    let Filter { channel, connector, event, unverified, from, to, .. } = filter;
    if channel.is_none()
        && connector.is_none()
        && event.is_none()
        && !unverified
        && from.is_none()
        && to.is_none()
    {
        return "No request of a vendor is logged yet; `twinwire channels show <channel>` has the addresses that they call."
            .to_owned();
    }
    let what =
        if *unverified { "No request that was not verified is logged" } else { "No such request is logged" };
    format!("{what}; `twinwire webhooks list` shows the latest of all.")
}

fn fields(webhook: &WebhookView) -> Vec<(&'static str, String)> {
    let verified = match (&webhook.unverified, webhook.erased) {
        (Some(why), _) => format!("no: {why}"),
        (None, _) => "yes".to_owned(),
    };
    let mut fields = vec![
        ("received", format!("{} UTC", output::time(webhook.received_at))),
        ("event", webhook.event.clone().unwrap_or_default()),
        ("channel", webhook.channel.clone().unwrap_or_default()),
        ("request", format!("{} {}", webhook.method, webhook.path)),
        ("answered", webhook.status.to_string()),
        ("verified", verified),
    ];
    if webhook.erased {
        fields.push(("erased", "yes: somebody in it was erased".to_owned()));
    }
    fields
}

async fn show(client: &Client, id: &str, json: bool) -> Outcome {
    let webhook: WebhookView = client.get(&Path::of(&["webhooks", id])).await?;
    if json {
        output::json(&webhook)?;
        return Ok(());
    }
    output::fields(&format!("Webhook {} of {}", webhook.webhook, webhook.connector), &fields(&webhook));
    Ok(())
}

async fn raw(client: &Client, id: &str, json: bool) -> Outcome {
    let raw: RawWebhook = client.get(&Path::of(&["webhooks", id, "raw"])).await?;
    if json {
        output::json(&raw)?;
        return Ok(());
    }
    let title = format!("Webhook {} of {}", raw.webhook.webhook, raw.webhook.connector);
    output::fields(&title, &fields(&raw.webhook));
    output::say(&output::harmless(&raw.url));
    output::say(&output::harmless(&raw.body));
    Ok(())
}

async fn replay(client: &Client, again: &Again, json: bool) -> Outcome {
    let to = again.to.unwrap_or_else(Utc::now);
    let asked = Replay { from: again.from, to, channel: again.channel.clone() };
    let JobAskedFor { job } = client.post(&Path::of(&["webhooks", "replay"]), &asked).await?;
    if !again.wait {
        if json {
            output::json(&JobAskedFor { job })?;
        } else {
            output::say(&format!("Job {job} does it; `twinwire jobs show {job}` says how far it is."));
        }
        return Ok(());
    }
    let done = jobs::see_through(client, job, again.timeout).await?;
    if json {
        output::json(&done)?;
    } else {
        output::say(&format!("Done: {}.", jobs::counts(&done.counts)));
    }
    Ok(())
}
