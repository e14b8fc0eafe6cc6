//! `twinwire sandbox`: the doubles of Front and SignalWire, for whoever tries Twinwire without accounts. `serve` and `setup`
//! are the real ones; the settings that lead them to the doubles are written into `twinwire.toml`.
//!
//! * [`control`] — playing both ends over HTTP on this machine, and asking for it;
//! * [`mod@file`] — the settings file.

mod control;
mod file;

use crate::stop::Stop;
use crate::{Failure, Outcome, output};
use control::{Act, Control, Seen};
use file::Written;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use twinwire_sandbox::{Front, FrontOptions, SignalWire, SignalWireOptions};

/// The number that the double of SignalWire has.
const NUMBER: &str = "+12015550123";
/// The customer who texts.
const CUSTOMER: &str = "+12025550147";
/// Where the doubles are told what people do, unless something else listens there.
const CONTROL: u16 = 8091;
/// Where `serve` listens, unless something else does.
const SERVER: u16 = 8080;
/// How long each step of a text takes: slow enough that a person can see it.
const STEP: Duration = Duration::from_millis(150);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Connect a channel in Front: its user pastes this key
    Connect {
        /// What `setup` has shown, sk_…
        key: String,
    },
    /// A customer texts the number
    Customer {
        /// The text
        text: String,
    },
    /// An agent writes to that customer
    Agent {
        /// The text
        text: String,
    },
    /// Show what both ends have
    Show,
}

/// Without a verb the doubles run until they are told to stop.
pub(crate) async fn run(config_file: Option<&Path>, args: &Args) -> Outcome {
    let settings = config_file.unwrap_or(Path::new(file::USUAL));
    let act = match &args.verb {
        None => return Box::pin(serve(settings)).await,
        Some(Verb::Connect { key }) => Act::Connect(key.clone()),
        Some(Verb::Customer { text }) => Act::Customer(text.clone()),
        Some(Verb::Agent { text }) => Act::Agent(text.clone()),
        Some(Verb::Show) => Act::Show,
    };
    let seen = control::ask(&file::control(settings)?, &act).await?;
    show(&act, &seen);
    Ok(())
}

fn show(act: &Act, seen: &Seen) {
    if let Some(channel) = &seen.connected {
        output::say(&format!("Front has connected the channel {channel}."));
    }
    match act {
        Act::Connect(_) => {}
        Act::Customer(_) => output::say("Sent from the customer's phone."),
        Act::Agent(_) => output::say("Written in Front."),
        Act::Show => {
            output::say("In Front:");
            said(&seen.in_front);
            output::say("On the customer's phone:");
            said(&seen.on_the_phone);
        }
    }
}

fn said(lines: &[String]) {
    if lines.is_empty() {
        output::say("  nothing yet");
    }
    for line in lines {
        output::say(&format!("  {}", output::harmless(line)));
    }
}

async fn serve(settings: &Path) -> Outcome {
    let mut stop = Stop::listen()?;
    let front = Front::start(FrontOptions::default()).await?;
    let signalwire = SignalWireOptions { step_delay: STEP, ..SignalWireOptions::default() };
    let signalwire = SignalWire::start(signalwire).await?;
    signalwire.add_number(NUMBER);
    let listener = free(CONTROL).await?;
    let server = free(SERVER).await?.local_addr()?;
    let folder = std::path::absolute(settings)?.parent().map(Path::to_owned).unwrap_or_default();
    let written = Written::new(listener.local_addr()?, server, &front, &signalwire, &folder);
    written.write(settings).map_err(|error| Failure::Usage(format!("{error:#}")))?;
    introduce(settings, &signalwire);
    let control = Control { front, signalwire, server: written.public_url() };
    let served = tokio::select! {
        served = axum::serve(listener, control::router(control.clone())).into_future() => served.map_err(Into::into),
        () = stop.asked() => Ok(()),
    };
    output::complain("Stopping.");
    file::remove(settings);
    control.front.stop().await;
    control.signalwire.stop().await;
    served
}

fn introduce(settings: &Path, signalwire: &SignalWire) {
    let account = signalwire.options();
    output::say("Doubles of Front and SignalWire run on this machine; nothing leaves it.");
    output::say(&format!(
        "{} leads Twinwire to them. In other terminals, in this folder:",
        settings.display()
    ));
    output::say("");
    output::say("  twinwire serve");
    output::say("  twinwire setup front_signalwire --set-webhook \\");
    output::say(&format!("      --set phone={NUMBER} --set space={} \\", account.space));
    output::say(&format!("      --set project={} \\", account.project));
    output::say(&format!("      --set token={} \\", account.token));
    output::say(&format!("      --set signing_key={}", account.signing_key));
    output::say("  twinwire sandbox connect <the key that it shows>");
    output::say("  twinwire sandbox customer \"Hello\"");
    output::say("  twinwire sandbox agent \"How can we help?\"");
    output::say("  twinwire sandbox show");
}

/// A listener at the usual port, or at any other where something else has that.
async fn free(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => TcpListener::bind(("127.0.0.1", 0)).await,
        bound => bound,
    }
}
