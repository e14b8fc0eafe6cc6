//! `twinwire demo`: the whole job on doubles of both vendors, told step by step, then on a page to play with.
//!
//! * [`stage`] — a [`scratch`](crate::scratch) database, a [`folder`] for files, the doubles, the server, a channel;
//!   [`cast`] is what one acts with.
//! * [`script`] — the story, with its [`pictures`]; [`narrator`] tells it; [`verdict`] says whether every message
//!   ended as [`expected`].
//! * [`rows`] — the replication table, read through the read-only role.
//! * [`page`] — both ends in a browser.

mod cast;
mod expected;
mod folder;
mod narrator;
mod page;
mod pictures;
mod rows;
mod script;
mod stage;
mod verdict;

use crate::config::Config;
use crate::stop::Stop;
use crate::{Failure, Outcome, output};
use narrator::Narrator;
use page::Page;
use serde_json::json;
use stage::Stage;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longest wait for any one thing.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(25);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Exit after the script: 0 only if every message ended where it should
    #[arg(long)]
    once: bool,
    /// Print the verdict and the rows as JSON; the steps go to standard error
    #[arg(long)]
    json: bool,
    /// Where the page listens
    #[arg(long, value_name = "ADDRESS", default_value = page::USUAL)]
    page_listen: SocketAddr,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    // Before anything else, so that a stop during the start ends in order too.
    let mut stop = Stop::listen()?;
    let narrator = Narrator::new(args.json);
    narrator.line("An agent in Front, customers with phones, and Twinwire between them.");
    narrator.line("Front and SignalWire are doubles: nothing leaves this machine.");
    narrator.line("");
    let stage = tokio::select! {
        stage = Stage::open(config) => stage?,
        () = stop.asked() => return Err(interrupted()),
    };
    let outcome = tokio::select! {
        outcome = play(&stage, &narrator, args) => outcome,
        () = stop.asked() => if args.once { Err(interrupted()) } else { Ok(()) },
    };
    if !args.once {
        output::complain("Stopping.");
    }
    stage.close().await?;
    outcome
}

fn interrupted() -> Failure {
    Failure::Failed(anyhow::anyhow!("stopped before the end of the script"))
}

/// The script, the table, the verdict; then the page, which is never over.
async fn play(stage: &Stage, narrator: &Narrator, args: &Args) -> Outcome {
    let cast = &stage.cast;
    narrator.act("ready", "a database, doubles of both vendors, and the server");
    narrator.result(&format!("Front has connected the channel for {}", cast::NUMBER));
    let expected = script::play(cast, narrator).await?;
    let differences = verdict::differences(cast, &expected).await?;
    narrator.line("");
    for line in rows::shown(&cast.reader).await? {
        narrator.line(&line);
    }
    narrator.line("");
    narrator.line(&verdict::sentence(&expected, &differences));
    for difference in &differences {
        narrator.line(&format!("  - {difference}"));
    }
    if args.json {
        let rows = cast.rows().await?;
        output::json(&json!({ "ok": differences.is_empty(), "differences": differences, "rows": rows }))?;
    }
    if args.once {
        return match differences.len() {
            0 => Ok(()),
            _ => Err(Failure::Failed(anyhow::anyhow!("not every message ended where it should"))),
        };
    }
    let page = Page::start(cast.clone(), args.page_listen).await?;
    narrator.line("");
    narrator.line(&format!("Play both ends yourself: http://{}  (Ctrl-C ends it)", page.address));
    page.serve().await?;
    Ok(())
}

/// Waits until there is something to see.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if began.elapsed() > PATIENCE {
            anyhow::bail!("waited {PATIENCE:?} for {what}, in vain");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
