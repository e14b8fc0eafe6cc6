//! `twinwire setup <pair>`: on a terminal step by step, in a script all at once.

mod given;
mod keys;
mod talk;

use crate::client::{self, Client, Path};
use crate::commands::named::wrapped;
use crate::config::Config;
use crate::{Failure, Outcome, output};
use serde_json::json;
use std::io::IsTerminal;
use std::time::Duration;
use twinwire_api::admin::channels::ChannelDetails;
use twinwire_api::setup::forms::{Begin, Install, InstalledView, Link, SetupView, Webhook};
use twinwire_connectors::ALL;
use twinwire_core::setting::{COMMON, Scope, Setting};
use twinwire_core::setup::Goes;

/// How often it is looked whether the helpdesk's user has connected the channel.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
#[command(after_help = settings(), args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Args {
    /// What to join, a helpdesk and a provider: `front_signalwire` or `front_twilio`
    pair: Option<String>,
    /// An answer: --set phone=+12223334444 --set token=@FILE, or - for standard input
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = answer)]
    answers: Vec<(String, String)>,
    /// Change answers of this channel; the others stay
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Go on with a set-up
    #[arg(long, value_name = "SETUP",
        conflicts_with_all = ["pair", "channel", "answers", "set_webhook", "take_over_webhook", "wait"])]
    resume: Option<String>,
    /// Print a link to the page, for one use within 30 minutes
    #[arg(long)]
    web: bool,
    /// Set the number's webhook at the provider, if no other application has it
    #[arg(long, conflicts_with = "web")]
    set_webhook: bool,
    /// The same, also in place of another application's
    #[arg(long, conflicts_with = "web")]
    take_over_webhook: bool,
    /// Wait until the helpdesk's user has connected the channel
    #[arg(long, conflicts_with = "web")]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<keys::Command>,
}

/// The settings that can be answered, for the help.
fn settings() -> String {
    let mut lines = Vec::new();
    let mut list = |head: String, settings: &mut dyn Iterator<Item = &Setting>| {
        lines.push(head);
        for setting in settings {
            let first = format!("  {:<23}", setting.name);
            let usual = setting.default.map(|usual| format!(" [default: {usual}]")).unwrap_or_default();
            lines.extend(wrapped(&format!("{}{usual}", setting.prompt), &first, &" ".repeat(25)));
        }
    };
    for connector in ALL {
        let mut own = connector.settings().iter().filter(|one| one.scope != Scope::Installation).peekable();
        if own.peek().is_some() {
            list(format!("Settings of {}:", connector.title()), &mut own);
        }
    }
    let names: Vec<&str> = ALL.iter().map(|connector| connector.name()).collect();
    list(format!("Settings of every account, as <{}>.<setting>:", names.join("|")), &mut COMMON.iter());
    lines.join("\n")
}

fn answer(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("an answer is name=value".to_owned()),
    }
}

impl Args {
    /// Whether it is said what is to be done, so that nobody is asked.
    fn is_for_a_script(&self) -> bool {
        self.set_webhook || self.take_over_webhook || self.wait
    }
}

/// Whether there is somebody to ask.
fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    if let Some(command) = &args.command {
        return keys::run(config, command).await;
    }
    client::with_new(config, async |client| act(client, args).await).await
}

async fn act(client: &Client, args: &Args) -> Outcome {
    let terminal = is_terminal() && !args.json;
    if args.resume.is_some() && !terminal && !args.web {
        let words = "--resume asks questions: use it on a terminal, or with --web";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.web || args.resume.is_some() || (terminal && !args.is_for_a_script()) {
        let view = begun(client, args).await?;
        return if args.web { web(client, args, &view).await } else { talk::through(client, view).await };
    }
    script(client, args).await
}

/// The set-up that is meant: a new one, or one that goes on.
async fn begun(client: &Client, args: &Args) -> Result<SetupView, Failure> {
    if let Some(id) = &args.resume {
        return client.get(&Path::of_setup(&[id])).await;
    }
    let answers = given::read(&args.answers, &mut std::io::stdin())?;
    let begin = Begin { pair: args.pair.clone(), answers, channel: args.channel.clone() };
    client.post(&Path::of_setup(&[]), &begin).await
}

async fn web(client: &Client, args: &Args, view: &SetupView) -> Outcome {
    let Link { link } = client.post(&Path::of_setup(&[&view.setup, "link"]), &json!({})).await?;
    if args.json {
        return Ok(output::json(&json!({ "setup": view.setup, "link": link }))?);
    }
    output::say(&link);
    output::complain("The link works once, within 30 minutes, while `twinwire serve` runs.");
    Ok(())
}

/// All answers at once, without a question.
async fn script(client: &Client, args: &Args) -> Outcome {
    let answers = given::read(&args.answers, &mut std::io::stdin())?;
    let webhook = match (args.take_over_webhook, args.set_webhook) {
        (true, _) => Some(Webhook::TakeOver),
        (false, true) => Some(Webhook::Set),
        (false, false) => None,
    };
    let asked = Install { pair: args.pair.clone(), answers, channel: args.channel.clone(), webhook };
    let made: InstalledView = client.post(&Path::of_setup(&["install"]), &asked).await?;
    warn(&made);
    if args.wait {
        if !args.json {
            print(&made);
        }
        while !is_connected(client, &made.channel).await? {
            tokio::time::sleep(LOOK).await;
        }
    }
    match (args.json, args.wait) {
        (true, wait) => print_json(&made, wait)?,
        (false, true) => output::say("The helpdesk has connected the channel."),
        (false, false) => print(&made),
    }
    made.webhook.as_ref().map_or(Ok(()), |goes| not_set(goes, &made.provider))
}

/// Whether a user of the helpdesk has connected the channel.
async fn is_connected(client: &Client, channel: &str) -> Result<bool, Failure> {
    let found: ChannelDetails = client.get(&Path::of(&["channels", channel])).await?;
    let works = matches!(found.channel.state.as_str(), "active" | "paused");
    Ok(works && found.channel.helpdesk_channel_id.is_some())
}

/// That the webhook could not be set is no success of who asked for it.
fn not_set(goes: &Goes, at: &str) -> Outcome {
    match goes {
        Goes::Here => Ok(()),
        Goes::Elsewhere(to) => Err(Failure::Failed(anyhow::anyhow!(
            "the number's webhook at {at} is another application's, {to}: take it over with --take-over-webhook"
        ))),
        Goes::Nowhere => Err(Failure::Failed(anyhow::anyhow!("{at} did not set the number's webhook"))),
        Goes::Unknown(why) => Err(Failure::Failed(anyhow::anyhow!(
            "the number's webhook could not be set at {at}: {why}; set it there yourself"
        ))),
    }
}

fn warn(made: &InstalledView) {
    for connector in &made.log_only {
        output::complain(&format!(
            "warning: webhooks of {connector} are taken without being verified: whoever knows their URL can write \
             messages; undo it with --set {connector}.verification=enforce"
        ));
    }
}

fn print_json(made: &InstalledView, connected: bool) -> anyhow::Result<()> {
    let mut printed = json!({
        "channel": made.channel,
        "api_key": made.api_key,
        "webhook_urls": made.webhook_urls,
    });
    if let Some(goes) = &made.webhook {
        printed["webhook"] = serde_json::to_value(goes)?;
    }
    if connected {
        printed["connected"] = json!(true);
    }
    output::json(&printed)
}

fn print(made: &InstalledView) {
    let verb = if made.existed { "was there; its credentials are the new ones" } else { "is made" };
    output::say(&format!("Channel {} for {} {verb}.", made.channel, made.number));
    output::say("");
    output::say("1. In the helpdesk, connect the channel and paste this key as its token:");
    output::say(&format!("   {}", made.api_key));
    if let Some(key) = &made.lacks_key {
        output::say(&format!("2. No {key} is set: webhooks would be refused, and messages come by polling"));
        output::say(&format!("   alone. Run this again with --set {key}=… to have them at once."));
        return;
    }
    let (at, inbound) = (&made.provider, &made.webhook_urls.inbound);
    if made.webhook == Some(Goes::Here) {
        output::say(&format!("2. {at} sends the number's messages here; that is done."));
        return;
    }
    output::say(&format!("2. At {at}, set the number's webhook for incoming messages to:"));
    output::say(&format!("   {inbound}"));
    if inbound.starts_with("http://127.0.0.1") || inbound.starts_with("http://localhost") {
        output::complain("warning: TWINWIRE_PUBLIC_URL is not set: vendors cannot reach that address");
    }
}
