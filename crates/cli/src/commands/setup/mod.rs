//! `twinwire setup <pair>`: on a terminal step by step, in a script all at once.

mod given;
mod keys;
mod talk;

use crate::commands::named::wrapped;
use crate::config::Config;
use crate::database::Database;
use crate::stop::given_up_on_stop;
use crate::{Failure, Outcome, output};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::time::Duration;
use twinwire_connectors::ALL;
use twinwire_core::setting::{COMMON, Scope, Setting, Settings};
use twinwire_core::setup::Goes;
use twinwire_engine::Engine;
use twinwire_engine::setup::session::{self, Session};
use twinwire_engine::setup::webhook::{self, Take};
use twinwire_engine::setup::{self, Installed, SetupError};

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

    /// Whether it can be asked of a server elsewhere as well.
    pub(crate) fn can_be_elsewhere(&self) -> bool {
        self.command.is_some()
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
    let database = Database::open_first(config).await?;
    let public_url = database.public_url(config).await?;
    let engine = database.engine(config, &public_url)?;
    let outcome = act(&engine, args, &public_url).await;
    database.close().await?;
    outcome
}

async fn act(engine: &Engine, args: &Args, public_url: &str) -> Outcome {
    let terminal = is_terminal() && !args.json;
    if args.resume.is_some() && !terminal && !args.web {
        let words = "--resume asks questions: use it on a terminal, or with --web";
        return Err(Failure::Usage(words.to_owned()));
    }
    if args.web || args.resume.is_some() || (terminal && !args.is_for_a_script()) {
        let session = session(engine, args).await.map_err(failure)?;
        return if args.web {
            given_up_on_stop(web(engine, args, &session)).await
        } else {
            talk::through(engine, session).await
        };
    }
    given_up_on_stop(script(engine, args, public_url)).await
}

/// The set-up that is meant: a new one, or one that goes on.
async fn session(engine: &Engine, args: &Args) -> Result<Session, SetupError> {
    if let Some(id) = &args.resume {
        return session::look(engine, id).await;
    }
    let given = given::read(&args.answers, &mut std::io::stdin()).map_err(said)?;
    let pair = pair(engine, args).await?;
    session::begin(engine, &pair, &given, args.channel.as_deref()).await
}

/// The pair that is meant: the named one, or that of the channel.
async fn pair(engine: &Engine, args: &Args) -> Result<String, SetupError> {
    let known = match &args.channel {
        Some(channel) => Some(setup::pair_of(engine, channel).await?),
        None => None,
    };
    match (&args.pair, known) {
        (Some(named), Some(known)) if *named != known => {
            Err(SetupError::Invalid(format!("that channel's pair is {known}, not {named}")))
        }
        (Some(pair), _) => Ok(pair.clone()),
        (None, Some(pair)) => Ok(pair),
        (None, None) => {
            let known = engine.connectors().pairs();
            let names = known.map(|(one, other)| format!("{}_{}", one.name(), other.name()));
            let names: Vec<String> = names.collect();
            Err(SetupError::Invalid(format!("name what to join, one of: {}", names.join(", "))))
        }
    }
}

/// What is wrong with the command line, as what is wrong with a set-up.
fn said(failure: Failure) -> SetupError {
    match failure {
        Failure::Usage(words) => SetupError::Invalid(words),
        Failure::Failed(error) | Failure::NoVerdict(error) => SetupError::Invalid(format!("{error:#}")),
    }
}

async fn web(engine: &Engine, args: &Args, session: &Session) -> Outcome {
    let link = session::link(engine, session).await.map_err(failure)?;
    if args.json {
        return Ok(output::json(&json!({ "setup": session.id(), "link": link }))?);
    }
    output::say(&link);
    output::complain("The link works once, within 30 minutes, while `twinwire serve` runs.");
    Ok(())
}

/// All answers at once, without a question.
async fn script(engine: &Engine, args: &Args, public_url: &str) -> Outcome {
    let answers: Settings = given::read(&args.answers, &mut std::io::stdin())?;
    let pair = pair(engine, args).await.map_err(failure)?;
    let installed = match &args.channel {
        Some(channel) => setup::change(engine, channel, &answers).await,
        None => setup::install(engine, &pair, &answers).await,
    };
    let installed = installed.map_err(failure)?;
    let take = match (args.take_over_webhook, args.set_webhook) {
        (true, _) => Some(Take::Over),
        (false, true) => Some(Take::Free),
        (false, false) => None,
    };
    let goes = match take {
        Some(take) => Some(webhook::take(engine, &installed.channel.id, take).await.map_err(failure)?),
        None => None,
    };
    let mut more = json!({});
    if let Some(goes) = &goes {
        more["webhook"] = serde_json::to_value(goes)?;
    }
    if args.wait {
        if !args.json {
            print(args, &installed, public_url, goes.as_ref(), more.clone())?;
        }
        while !setup::is_connected(engine, &installed.channel.id).await.map_err(failure)? {
            tokio::time::sleep(LOOK).await;
        }
        more["connected"] = json!(true);
    }
    if args.json || !args.wait {
        print(args, &installed, public_url, goes.as_ref(), more)?;
    } else {
        output::say("The helpdesk has connected the channel.");
    }
    goes.map_or(Ok(()), |goes| not_set(&goes, installed.provider.title()))
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

fn failure(error: SetupError) -> Failure {
    match error {
        SetupError::Missing(name, _) => Failure::Usage(format!("{error} (--set {name}=…)")),
        SetupError::MissingInstallation(..)
        | SetupError::Unknown(..)
        | SetupError::Invalid(_)
        | SetupError::NoSetup(_)
        | SetupError::NoChannel(_)
        | SetupError::Shared(_)
        | SetupError::Overtaken
        | SetupError::NoPair(..) => Failure::Usage(error.to_string()),
        SetupError::Refused(..) | SetupError::Unreachable(..) | SetupError::Engine(_) => {
            Failure::Failed(error.into())
        }
    }
}

fn print(args: &Args, installed: &Installed, public_url: &str, goes: Option<&Goes>, more: Value) -> Outcome {
    let (channel, provider) = (&installed.channel, installed.provider);
    for connector in &installed.log_only {
        output::complain(&format!(
            "warning: webhooks of {connector} are taken without being verified: whoever knows their URL can write \
             messages; undo it with --set {connector}.verification=enforce"
        ));
    }
    let url = |hook| channel.provider_url(public_url, provider.name(), hook);
    if args.json {
        let mut printed = json!({
            "channel": channel.id,
            "api_key": installed.api_key,
            "webhook_urls": { "inbound": url("inbound"), "status": url("status") },
        });
        if let (Value::Object(printed), Value::Object(more)) = (&mut printed, more) {
            printed.extend(more);
        }
        return Ok(output::json(&printed)?);
    }
    let verb = if installed.existed { "was there; its credentials are the new ones" } else { "is made" };
    output::say(&format!("Channel {} for {} {verb}.", channel.id, channel.address));
    output::say("");
    output::say("1. In the helpdesk, connect the channel and paste this key as its token:");
    output::say(&format!("   {}", installed.api_key));
    let enforced = !installed.log_only.contains(&provider.name());
    let unanswered = provider.signed_with().filter(|key| installed.unanswered.contains(key));
    if let Some(key) = unanswered.filter(|_| enforced) {
        output::say(&format!("2. No {key} is set: webhooks would be refused, and messages come by polling"));
        output::say(&format!("   alone. Run this again with --set {key}=… to have them at once."));
        return Ok(());
    }
    if goes == Some(&Goes::Here) {
        output::say(&format!("2. {} sends the number's messages here; that is done.", provider.title()));
        return Ok(());
    }
    output::say(&format!("2. At {}, set the number's webhook for incoming messages to:", provider.title()));
    output::say(&format!("   {}", url("inbound")));
    if public_url.starts_with("http://127.0.0.1") || public_url.starts_with("http://localhost") {
        output::complain("warning: TWINWIRE_PUBLIC_URL is not set: vendors cannot reach that address");
    }
    Ok(())
}
