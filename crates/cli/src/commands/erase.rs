//! `twinwire erase <address>`

use super::jobs;
use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::{Outcome, output};
use std::time::Duration;
use twinwire_api::admin::erasures::{Erase, ErasureView};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Args {
    /// The person's phone number, with its country code
    address: String,
    /// Do it; without it only says what would go
    #[arg(long)]
    yes: bool,
    /// Also what is on its way; it is not delivered then
    #[arg(long)]
    even_pending: bool,
    /// Wait until it is done
    #[arg(long)]
    wait: bool,
    /// Longest wait
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| erase(client, args).await).await
}

async fn erase(client: &Client, args: &Args) -> Outcome {
    let asked = Erase { address: args.address.clone(), yes: args.yes, even_pending: args.even_pending };
    let found: ErasureView = client.post(&Path::of(&["erasures"]), &asked).await?;
    let done = match found.job.filter(|_| args.wait) {
        Some(job) => Some(jobs::see_through(client, job, args.timeout).await?),
        None => None,
    };
    if args.json {
        match &done {
            Some(done) => output::json(done)?,
            None => output::json(&found)?,
        }
        return Ok(());
    }
    if let Some(done) = done {
        output::say(&format!("Erased: {}.", jobs::counts(&done.counts)));
        return Ok(());
    }
    if is_nothing(&found) {
        output::say("Nothing of this person is known, unless the log of requests has some.");
        output::say("Is the number right, with its country code?");
    } else {
        print(&found);
    }
    match found.job {
        Some(job) => {
            output::say(&format!("Job {job} erases, and searches the whole log of requests."));
            output::say(&format!("`twinwire jobs show {job}` says how far it is."));
        }
        None => output::say("Nothing was done. With --yes it is; it cannot be taken back."),
    }
    Ok(())
}

fn is_nothing(found: &ErasureView) -> bool {
    let ErasureView { messages, files, at_provider, attempts, conversations, consents, webhooks, .. } = found;
    [messages, files, at_provider, attempts, conversations, consents, webhooks]
        .iter()
        .all(|count| **count == 0)
}

fn print(found: &ErasureView) {
    let title = if found.job.is_some() { "This goes:" } else { "This would go:" };
    output::fields(
        title,
        &[
            ("messages", format!("{}, of these {} on their way still", found.messages, found.pending)),
            ("files", found.files.to_string()),
            ("at providers", format!("{} more", found.at_provider)),
            ("story lines", found.attempts.to_string()),
            ("conversations", found.conversations.to_string()),
            ("opt-outs", format!("{}; they go on to hold, without the number", found.consents)),
            ("webhooks", format!("{} known; the whole log is searched", found.webhooks)),
        ],
    );
}
