//! What waits: processes that work, accounts that rest, messages, jobs and events.

use super::{Check, Finding, Trouble};
use crate::explain::{clock, lasted};
use chrono::{DateTime, TimeDelta, Utc};

/// A message that could be worked is stuck after that long.
pub const STUCK_AFTER: TimeDelta = TimeDelta::minutes(5);
/// A provider's list that has not been read for that long is behind.
const BEHIND: TimeDelta = TimeDelta::minutes(15);
/// A job that nobody has touched for that long does not get further. The schedule asks for it again after two minutes.
pub const JOB_STUCK_AFTER: TimeDelta = TimeDelta::minutes(10);
/// Failures of jobs that are looked at.
pub const JOBS_OF: TimeDelta = TimeDelta::hours(24);

/// What there is to say of the processes that work.
pub fn workers(alive: i64) -> Finding {
    match alive {
        0 => Finding::of(
            Check::Workers,
            Trouble::NoWorker,
            "No process works: nothing is delivered and no list is read. What comes meanwhile is stored if a server of \
             the role api runs.",
        )
        .next("Start `twinwire serve`, or `twinwire serve --role worker`."),
        1 => Finding::well(Check::Workers, "One process works."),
        many => Finding::well(Check::Workers, format!("{many} processes work.")),
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account<'a> {
    /// Its id.
    pub account: &'a str,
    /// The vendor's name for people.
    pub title: &'a str,
    /// It rests until then.
    pub rests_until: Option<DateTime<Utc>>,
    /// Why it rests, or rested last.
    pub reason: Option<&'a str>,
    /// Whether that reason is that credentials were refused.
    pub refused: bool,
    /// Refusals in a row.
    pub refusals: i32,
    /// Whether unverified webhooks are taken.
    pub log_only: bool,
}

/// What there is to say of the accounts.
pub fn accounts(all: &[Account<'_>], now: DateTime<Utc>) -> Vec<Finding> {
    let check = Check::Accounts;
    let mut found = Vec::new();
    for one in all {
        let rests = one.rests_until.filter(|until| *until > now);
        if rests.is_some() || one.refusals > 0 {
            let trouble = if one.refused { Trouble::AccountRefused } else { Trouble::AccountRests };
            let until = rests.map_or("is tried again".to_owned(), |until| {
                format!("rests until {} UTC", clock(until, now))
            });
            let why = one.reason.unwrap_or("no reason is known");
            let words = format!("The account at {} {until}: {why}.", one.title);
            let finding = Finding::of(check, trouble, words).about(one.account);
            found.push(
                finding
                    .next(if one.refused {
                        "Mend the credentials; it goes on by itself, or at once by:".to_owned()
                    } else {
                        "It goes on by itself; at once by:".to_owned()
                    })
                    .next(format!("twinwire accounts resume {}", one.account)),
            );
        }
        if one.log_only {
            let words = format!(
                "Webhooks of {} are taken without being verified: whoever knows their URL can write messages.",
                one.title
            );
            let finding = Finding::of(check, Trouble::LogOnly, words).about(one.account);
            found.push(
                finding.next("Set verification=enforce with `twinwire setup --channel` once they verify."),
            );
        }
    }
    if found.is_empty() {
        let count = all.len();
        found.push(Finding::well(
            check,
            match count {
                0 => "There is no account yet; `twinwire setup` makes one.".to_owned(),
                1 => "The one account works, and its webhooks are verified.".to_owned(),
                many => format!("All {many} accounts work, and their webhooks are verified."),
            },
        ));
    }
    found
}

/// A channel with messages that are due for long.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// The channel.
    pub channel: String,
    /// How many are due.
    pub due: i64,
    /// Since when the first of them has been.
    pub since: DateTime<Utc>,
    /// Whether a process works the channel.
    pub worked: bool,
}

/// Messages.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Channels whose messages are due for long.
    pub stuck: Vec<Stuck>,
    /// Messages that were put aside, by reason; those that were too old left out.
    pub parked: Vec<(String, i64)>,
    /// Channels that nobody has connected in the helpdesk.
    pub unconnected: Vec<String>,
    /// Messages of active channels with something to do.
    pub pending: i64,
}

/// What there is to say of the messages.
pub fn messages(facts: &Messages, now: DateTime<Utc>) -> Vec<Finding> {
    let check = Check::Messages;
    let mut found = Vec::new();
    for one in &facts.stuck {
        let worker = if one.worked {
            "A process holds the channel and does not get to them"
        } else {
            "No process works the channel"
        };
        let words = format!("{}, due for up to {}. {worker}.", messages_of(one.due), lasted(now - one.since));
        let finding = Finding::of(check, Trouble::MessagesStuck, words).about(one.channel.as_str());
        found.push(finding.next(format!("twinwire messages list --pending --channel {}", one.channel)));
    }
    if !facts.parked.is_empty() {
        let all: i64 = facts.parked.iter().map(|(_, count)| count).sum();
        let reasons: Vec<String> = facts.parked.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let words = format!("{} put aside: {}.", messages_of(all), reasons.join(", "));
        found
            .push(Finding::of(check, Trouble::MessagesParked, words).next("twinwire messages list --parked"));
    }
    for channel in &facts.unconnected {
        let words = "The channel is made, and nobody has connected it in the helpdesk yet.";
        let finding = Finding::of(check, Trouble::ChannelUnconnected, words).about(channel.as_str());
        found.push(finding.next(format!("Paste its key there: twinwire setup key show {channel}")));
    }
    if found.is_empty() {
        found.push(Finding::well(
            check,
            match facts.pending {
                0 => "None waits, and none was put aside.".to_owned(),
                some => {
                    format!("{} under way, none of them for long; none was put aside.", messages_of(some))
                }
            },
        ));
    }
    found
}

fn messages_of(count: i64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

/// Jobs of one kind that failed or do not get further.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// Their kind.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// The latest of them.
    pub latest: i64,
}

/// Jobs and readings.
#[derive(Clone, Debug, Default)]
pub struct AllJobs {
    /// Those that failed lately, and none of whose kind was done since.
    pub failed: Vec<Jobs>,
    /// Those that wait or run and that nobody has touched for long.
    pub stuck: Vec<Jobs>,
    /// How far the reading of a provider's list is behind, by the provider's name for people.
    pub behind: Vec<(String, TimeDelta)>,
}

/// What there is to say of jobs and readings.
pub fn jobs(facts: &AllJobs) -> Vec<Finding> {
    let check = Check::Jobs;
    let mut found = Vec::new();
    for one in &facts.stuck {
        let words = format!(
            "{} {} wait or run, and got no further for {}.",
            one.count,
            one.kind,
            lasted(JOB_STUCK_AFTER)
        );
        let finding = Finding::of(check, Trouble::JobStuck, words);
        found.push(finding.next(format!("twinwire jobs show {}", one.latest)));
    }
    for one in &facts.failed {
        let words = format!("{} {} failed in the last {}.", one.count, one.kind, lasted(JOBS_OF));
        let finding = Finding::of(check, Trouble::JobFailed, words);
        found.push(finding.next(format!("twinwire jobs show {}", one.latest)));
    }
    for (title, behind) in facts.behind.iter().filter(|(_, behind)| *behind > BEHIND) {
        let words = format!("The list of {title} was last read whole up to {} ago.", lasted(*behind));
        let finding = Finding::of(check, Trouble::ReadingBehind, words);
        found.push(finding.next("twinwire backfill <channel> --wait shows why."));
    }
    if found.is_empty() {
        found.push(Finding::well(check, "None failed in the last day, and none hangs."));
    }
    found
}

/// An endpoint of another program.
#[derive(Clone, Debug)]
pub struct Endpoint<'a> {
    /// Its id.
    pub endpoint: &'a str,
    /// active, paused or disabled.
    pub state: &'a str,
    /// Why it is disabled.
    pub reason: Option<&'a str>,
    /// Since when its attempts fail.
    pub failing_since: Option<DateTime<Utc>>,
    /// What was wrong with the last of them.
    pub last_error: Option<&'a str>,
    /// Events that wait.
    pub pending: i64,
}

/// What there is to say of the endpoints.
pub fn endpoints(all: &[Endpoint<'_>], now: DateTime<Utc>) -> Vec<Finding> {
    let check = Check::Endpoints;
    let mut found = Vec::new();
    for one in all {
        let waiting = format!("{} events wait", one.pending);
        let about = |trouble, words| Finding::of(check, trouble, words).about(one.endpoint);
        if one.state != "active" {
            let why = one.reason.map(|why| format!(" ({why})")).unwrap_or_default();
            let words = format!("The endpoint is {}{why}; {waiting}.", one.state);
            found.push(
                about(Trouble::EndpointOff, words)
                    .next(format!("twinwire endpoints resume {}", one.endpoint)),
            );
        } else if let Some(since) = one.failing_since {
            let why = one.last_error.unwrap_or("no reason is known");
            let words =
                format!("The endpoint has taken nothing for {}: {why}; {waiting}.", lasted(now - since));
            found.push(
                about(Trouble::EndpointFailing, words)
                    .next(format!("twinwire deliveries --endpoint {}", one.endpoint)),
            );
        }
    }
    if found.is_empty() {
        found.push(Finding::well(
            check,
            match all.len() {
                0 => "There is none.".to_owned(),
                1 => "The one endpoint takes its events.".to_owned(),
                many => format!("All {many} endpoints take their events."),
            },
        ));
    }
    found
}
