//! `twinwire jobs`

use crate::client::{self, Client, Path};
use crate::config::Config;
use crate::listing::Listing;
use crate::{Failure, Outcome, output, server};
use serde_json::Value;
use std::time::{Duration, Instant};
use twinwire_api::admin::jobs::{JobView, Jobs};
use twinwire_engine::jobs::MAX_FAILURES;

/// How often a job is looked at while its end is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(300);

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
    /// List what waits, what runs and what ran last, as without a word
    List {
        /// Also polls that are over
        #[arg(long)]
        all: bool,
        /// At most so many
        #[arg(long, value_name = "COUNT")]
        limit: Option<u16>,
        /// The next page: what the page before named
        #[arg(long, value_name = "CURSOR")]
        before: Option<String>,
    },
    /// Show a job
    Show {
        /// Its number
        job: String,
    },
    /// End a job: at its next step, if it runs
    Cancel {
        /// Its number
        job: String,
    },
}

pub(crate) async fn run(config: &Config, args: &Args) -> Outcome {
    client::with(config, async |client| match &args.verb {
        None => list(client, &Path::of(&["jobs"]), false, args.json).await,
        Some(Verb::List { all, limit, before }) => {
            let path = Path::of(&["jobs"]).with("all", all.then_some(true)).with("limit", *limit);
            list(client, &path.with("before", before.as_ref()), *all, args.json).await
        }
        Some(Verb::Show { job }) => show(client, job, args.json).await,
        Some(Verb::Cancel { job }) => cancel(client, job, args.json).await,
    })
    .await
}

async fn list(client: &Client, path: &Path, all: bool, json: bool) -> Outcome {
    let found: Jobs = client.get(path).await?;
    let none = if all {
        "There is no job yet; a running server begins some by itself."
    } else {
        "No job waits, runs or ran lately; `twinwire jobs list --all` shows polls as well."
    };
    let head = ["job", "kind", "state", "by", "since (UTC)", "what"];
    Listing::new(head, row, none).numbers(&[0]).print_page(&found.jobs, found.next.as_deref(), &found, json)
}

fn row(job: &JobView) -> [String; 6] {
    let by = job.requested_by.chars().take(10).collect();
    let since = job.started_at.unwrap_or(job.created_at).format("%m-%d %H:%M").to_string();
    // What is wrong says more than what it is at.
    let fails = job.error.as_ref().filter(|_| job.is_failing());
    let what = fails.cloned().or_else(|| job.doing.clone()).unwrap_or_else(|| told(job));
    [job.job.to_string(), job.kind.clone(), standing(job), by, since, what]
}

/// How it stands, in one word: one that is tried again and again is not simply running.
fn standing(job: &JobView) -> String {
    if job.is_failing() { "failing".to_owned() } else { job.state.clone() }
}

/// What came of it, in few words.
fn told(job: &JobView) -> String {
    job.error.clone().unwrap_or_else(|| counts(&job.counts))
}

/// Counts as people read them.
pub(crate) fn counts(counts: &Value) -> String {
    let counts = counts.as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    let words: Vec<String> =
        counts.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
}

async fn show(client: &Client, id: &str, json: bool) -> Outcome {
    let job: JobView = client.get(&Path::of(&["jobs", id])).await?;
    if json {
        output::json(&job)?;
    } else {
        print(&job);
    }
    Ok(())
}

fn print(job: &JobView) {
    let at = |time: Option<_>| time.map_or("-".to_owned(), |at| format!("{} UTC", output::time(at)));
    let state = match (job.is_failing(), job.failures) {
        (true, times) => {
            format!("{}, failing: {times} times in a row; after {MAX_FAILURES} it is over", job.state)
        }
        (false, _) => job.state.clone(),
    };
    let mut fields = vec![
        ("state", state),
        ("asked for", format!("{} by {}", at(Some(job.created_at)), job.requested_by)),
        ("began", at(job.started_at)),
        ("moved", at(Some(job.moved_at))),
        ("ended", at(job.finished_at)),
        ("so far", counts(&job.counts)),
    ];
    let further = [
        ("doing", &job.doing),
        ("account", &job.account),
        ("channel", &job.channel),
        ("cancelled by", &job.cancelled_by),
        ("error", &job.error),
    ];
    fields.extend(further.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    output::fields(&format!("Job {}, {}", job.job, job.kind), &fields);
}

async fn cancel(client: &Client, id: &str, json: bool) -> Outcome {
    let job: JobView = client.post(&Path::of(&["jobs", id, "cancel"]), &()).await?;
    if json {
        output::json(&job)?;
    } else if job.is_over() {
        output::say(&format!("Job {} is cancelled.", job.job));
    } else {
        output::say(&format!("Job {} ends at its next step.", job.job));
        if job.kind == "erase" {
            output::say("The person counts as erased all the same: what is from before stays out.");
        }
    }
    Ok(())
}

/// Waits for a job's end. Whether or not a server runs: what it does not do, this process does.
pub(crate) async fn see_through(client: &Client, id: i64, timeout: Duration) -> Result<JobView, Failure> {
    let job = server::helped(client.here(), wait(client, id, timeout)).await?;
    if job.state == "done" {
        return Ok(job);
    }
    let why = job.error.or(job.cancelled_by).unwrap_or_default();
    Err(Failure::Failed(anyhow::anyhow!("job {id} is {}: {why}", job.state)))
}

async fn wait(client: &Client, id: i64, timeout: Duration) -> Result<JobView, Failure> {
    let start = Instant::now();
    loop {
        let job: JobView = client.get(&Path::of(&["jobs", &id.to_string()])).await?;
        if job.is_over() {
            return Ok(job);
        }
        if start.elapsed() > timeout {
            let doing = job.doing.unwrap_or_default();
            return Err(Failure::Failed(anyhow::anyhow!(
                "not done in time: job {id} is {} {doing}",
                job.state
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
