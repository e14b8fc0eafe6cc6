//! `twinwire setup <pair>`

use crate::commands::named::wrapped;
use crate::config::Config;
use crate::database::Database;
use crate::{Failure, Outcome, output};
use serde_json::json;
use twinwire_connectors::ALL;
use twinwire_core::setting::{COMMON, Scope, Setting, Settings};
use twinwire_engine::setup::{self, Installed, SetupError};

#[derive(Debug, clap::Args)]
#[command(after_help = settings())]
pub(crate) struct Args {
    /// What to join, a helpdesk and a provider: `front_signalwire` or `front_twilio`
    pair: String,
    /// An answer: --set phone=+12223334444 --set space=acme …
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = answer)]
    answers: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
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

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    let database = Database::open(config).await?;
    let public_url = database.public_url(config).await?;
    let engine = database.engine(config, &public_url)?;
    let answers: Settings = args.answers.iter().cloned().collect();
    let installed = setup::install(&engine, &args.pair, &answers).await;
    let outcome = match installed {
        Ok(installed) => print(args, &installed, &public_url),
        Err(error) => Err(failure(error)),
    };
    database.close().await?;
    outcome
}

fn failure(error: SetupError) -> Failure {
    match error {
        SetupError::Missing(name, _) => Failure::Usage(format!("{error} (--set {name}=…)")),
        SetupError::MissingInstallation(..)
        | SetupError::Unknown(..)
        | SetupError::Invalid(_)
        | SetupError::NoPair(..) => Failure::Usage(error.to_string()),
        SetupError::Refused(..) | SetupError::Unreachable(..) | SetupError::Engine(_) => {
            Failure::Failed(error.into())
        }
    }
}

fn print(args: &Args, installed: &Installed, public_url: &str) -> Outcome {
    let (channel, provider) = (&installed.channel, installed.provider);
    for connector in &installed.log_only {
        output::complain(&format!(
            "warning: webhooks of {connector} are taken without being verified: whoever knows their URL can write \
             messages; undo it with --set {connector}.verification=enforce"
        ));
    }
    let url = |hook| channel.provider_url(public_url, provider.name(), hook);
    if args.json {
        output::json(&json!({
            "channel": channel.id,
            "api_key": installed.api_key,
            "webhook_urls": { "inbound": url("inbound"), "status": url("status") },
        }))?;
        return Ok(());
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
    output::say(&format!("2. At {}, set the number's webhook for incoming messages to:", provider.title()));
    output::say(&format!("   {}", url("inbound")));
    if public_url.starts_with("http://127.0.0.1") || public_url.starts_with("http://localhost") {
        output::complain("warning: TWINWIRE_PUBLIC_URL is not set: vendors cannot reach that address");
    }
    Ok(())
}
