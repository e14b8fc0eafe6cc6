//! The `twinwire` command line: one file per subcommand in `commands/`.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage; of `chaos` also 3, no verdict.

mod client;
mod commands;
pub mod config;
pub mod database;
mod listing;
pub mod logging;
pub mod output;
mod reload;
mod scratch;
pub mod server;
pub mod settings;
mod sources;
mod stop;
#[cfg(feature = "otlp")]
mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "no_traces.rs"]
mod traces;

use crate::config::Config;
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use stop::given_up_on_stop;

/// Keeps a helpdesk and a messaging provider in step, message by message, through Postgres.
#[derive(Debug, Parser)]
#[command(name = "twinwire", version, max_term_width = 80)]
struct Cli {
    /// Settings file [default: ./twinwire.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        display_order = 900,
        help = "The server to ask, with TWINWIRE_TOKEN [default: TWINWIRE_URL, or this machine's own database]"
    )]
    url: Option<String>,
    /// Let the token go to another machine unencrypted
    #[arg(long, global = true, display_order = 901)]
    plain_http: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: webhooks in, messages out
    Serve(commands::serve::Args),
    /// Show the whole job on built-in doubles of Front and SignalWire
    Demo(commands::demo::Args),
    /// Run doubles of Front and SignalWire, to try everything without accounts
    Sandbox(commands::sandbox::Args),
    /// Prove it: kill workers at random on misbehaving doubles, and count
    Chaos(commands::chaos::Args),
    /// A worker of a chaos run
    #[command(hide = true)]
    ChaosWorker(commands::chaos::WorkerArgs),
    /// Check whether all is well, and say what to do where it is not
    Doctor(commands::doctor::Args),
    /// Make a channel, or renew its credentials
    Setup(commands::setup::Args),
    /// List, show, pause, resume or remove channels
    Channels(commands::channels::Args),
    /// List or show accounts at vendors, or end the rest of one
    Accounts(commands::accounts::Args),
    /// List, make or revoke tokens of the admin API
    Tokens(commands::tokens::Args),
    /// Show how it does: the traffic of the last day, what to look at first
    Status(commands::status::Args),
    /// List or show messages
    Messages(commands::messages::Args),
    /// Show a conversation as both sides have it
    Conversations(commands::conversations::Args),
    /// List who does not want to be texted
    OptOuts(commands::opt_outs::Args),
    /// Bring in what webhooks missed
    Backfill(commands::backfill::Args),
    /// List, show or cancel jobs: backfills, retention and the like
    Jobs(commands::jobs::Args),
    /// List or show logged requests of vendors, or take them again
    Webhooks(commands::webhooks::Args),
    /// Erase a person: their texts, files and number
    Erase(commands::erase::Args),
    /// Tell the story of a message, and what happens next
    Why(commands::why::Args),
    /// Try a message anew that was put aside
    Retry(commands::retry::Args),
    /// Say what became of an uncertain message
    Settle(commands::settle::Args),
    /// Ask the database, read-only
    Sql(commands::sql::Args),
    /// Tell other programs what becomes of messages
    Endpoints(commands::endpoints::Args),
    /// List what other programs were told
    Deliveries(commands::deliveries::Args),
    /// Addresses of the database, for other programs
    Db(commands::db::Args),
    /// Bring the database's schema up to date
    Migrate(commands::migrate::Args),
    /// List the settings, with defaults and meanings
    Settings(commands::settings::Args),
    /// Ask the server of this machine whether it answers
    Healthcheck(commands::healthcheck::Args),
    /// Print what completes commands in a shell
    Completions(commands::completions::Args),
    /// Print the manual, or write its pages into a folder
    Man(commands::man::Args),
}

impl Command {
    /// Some commands work on this machine alone. Where a server elsewhere is meant, they must not do something here instead.
    fn can_ask(&self, by_option: bool, elsewhere: bool) -> Outcome {
        let here = match self {
            Self::Sql(_) => "sql",
            Self::Migrate(_) => "migrate",
            Self::Db(_) => "db",
            Self::Serve(_) | Self::Demo(_) | Self::Sandbox(_) | Self::Chaos(_) | Self::ChaosWorker(_)
                if by_option =>
            {
                "this command"
            }
            _ => return Ok(()),
        };
        if !elsewhere {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{here} works on this machine's own database: run it where the server is, without --url and TWINWIRE_URL"
        )))
    }
}

/// The command line without what is hidden in it: nobody is to be offered that.
fn visible() -> clap::Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let shown: Vec<clap::Command> = shown.collect();
    let visible = clap::Command::new("twinwire").version(env!("CARGO_PKG_VERSION"));
    let visible = visible.args(whole.get_arguments().cloned()).subcommands(shown);
    match whole.get_about() {
        Some(about) => visible.about(about.clone()),
        None => visible,
    }
}

/// Every command that can be run, by its words: `["channels", "pause"]`. Tests hold that each of them is tested.
pub fn every_command() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, words: &[String], all: &mut Vec<Vec<String>>) {
        if !command.is_subcommand_required_set() {
            all.push(words.to_vec());
        }
        for sub in command.get_subcommands() {
            below(sub, &[words, &[sub.get_name().to_owned()]].concat(), all);
        }
    }
    let mut all = Vec::new();
    for command in visible().get_subcommands() {
        below(command, &[command.get_name().to_owned()], &mut all);
    }
    all
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// It was asked wrongly: exit code 2.
    Usage(String),
    /// It failed: exit code 1.
    Failed(anyhow::Error),
    /// A proof that came to no verdict, neither the one nor the other: exit code 3.
    NoVerdict(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The result of a command.
pub type Outcome = Result<(), Failure>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let built = stop::let_through().and_then(|()| {
        stop::undisturbed(|| tokio::runtime::Builder::new_multi_thread().enable_all().build())
    });
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Failure::Failed(error.into())),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

async fn run(cli: Cli) -> Outcome {
    // These are about the program alone: a broken settings file must not keep anybody from them.
    match &cli.command {
        Command::Settings(args) => return commands::settings::run(args),
        Command::Completions(args) => {
            commands::completions::run(args, visible());
            return Ok(());
        }
        Command::Man(args) => return commands::man::run(args, visible()),
        Command::Sandbox(args) => {
            cli.command.can_ask(cli.url.is_some(), cli.url.is_some())?;
            return commands::sandbox::run(cli.config.as_deref(), args).await;
        }
        _ => {}
    }
    let mut config = Config::load(cli.config.as_deref()).map_err(|error| wrong_setting(&error))?;
    config.plain_http = cli.plain_http;
    config.url = cli.url.clone().or(config.url);
    cli.command.can_ask(cli.url.is_some(), config.url.is_some())?;
    logging::start(&config, matches!(cli.command, Command::Serve(_) | Command::ChaosWorker(_)))
        .map_err(|error| wrong_setting(&error))?;
    match cli.command {
        Command::Serve(args) => commands::serve::run(&config, &args).await,
        Command::Demo(args) => commands::demo::run(&config, &args).await,
        Command::Chaos(args) => commands::chaos::run(&config, &args).await,
        Command::ChaosWorker(args) => commands::chaos::work(&config, &args).await,
        Command::Setup(args) => given_up_on_stop(Box::pin(commands::setup::run(&config, &args))).await,
        Command::Doctor(args) => given_up_on_stop(commands::doctor::run(&config, &args)).await,
        Command::Channels(args) => given_up_on_stop(commands::channels::run(&config, &args)).await,
        Command::Status(args) => given_up_on_stop(commands::status::run(&config, &args)).await,
        Command::Conversations(args) => given_up_on_stop(commands::conversations::run(&config, &args)).await,
        Command::OptOuts(args) => given_up_on_stop(commands::opt_outs::run(&config, &args)).await,
        Command::Messages(args) => given_up_on_stop(commands::messages::run(&config, &args)).await,
        Command::Accounts(args) => given_up_on_stop(commands::accounts::run(&config, &args)).await,
        Command::Tokens(args) => given_up_on_stop(commands::tokens::run(&config, &args)).await,
        Command::Backfill(args) => given_up_on_stop(commands::backfill::run(&config, &args)).await,
        Command::Jobs(args) => given_up_on_stop(commands::jobs::run(&config, &args)).await,
        Command::Webhooks(args) => given_up_on_stop(commands::webhooks::run(&config, &args)).await,
        Command::Erase(args) => given_up_on_stop(commands::erase::run(&config, &args)).await,
        Command::Why(args) => given_up_on_stop(commands::why::run(&config, &args)).await,
        Command::Retry(args) => given_up_on_stop(commands::retry::run(&config, &args)).await,
        Command::Settle(args) => given_up_on_stop(Box::pin(commands::settle::run(&config, &args))).await,
        Command::Sql(args) => given_up_on_stop(commands::sql::run(&config, &args)).await,
        Command::Endpoints(args) => given_up_on_stop(commands::endpoints::run(&config, &args)).await,
        Command::Deliveries(args) => given_up_on_stop(commands::deliveries::run(&config, &args)).await,
        Command::Db(args) => given_up_on_stop(commands::db::run(&config, &args)).await,
        Command::Migrate(args) => given_up_on_stop(commands::migrate::run(&config, &args)).await,
        Command::Healthcheck(args) => commands::healthcheck::run(&config, &args).await,
        // Done above.
        Command::Settings(_) | Command::Completions(_) | Command::Man(_) | Command::Sandbox(_) => Ok(()),
    }
}

fn wrong_setting(error: &anyhow::Error) -> Failure {
    Failure::Usage(format!("{error:#}"))
}

fn failed(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Usage(message) => {
            output::error(&format!("error: {message}"));
            ExitCode::from(2)
        }
        Failure::Failed(error) => {
            output::error(&format!("error: {}", chain(error)));
            ExitCode::from(1)
        }
        Failure::NoVerdict(error) => {
            output::error(&format!("no verdict: {}", chain(error)));
            ExitCode::from(3)
        }
    }
}

/// An error and its causes, each said once: many errors repeat their cause in their own words.
fn chain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if said.is_empty() {
            said = words;
        } else if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
    }
    said
}

#[cfg(test)]
mod documents;
