//! What an operator should look at first, each in words that name the next command. Pure: facts in, words out.

use chrono::{DateTime, TimeDelta, Utc};
use twinwire_core::explain::{clock, lasted};
use twinwire_store::accounts::Shown;
use twinwire_store::attention::{FailedJob, FailingEndpoint, Uncertain};
use twinwire_store::verification::LogOnly;
use twinwire_store::vitals::{Vitals, Waiting};

/// For how many seconds a message may be due before that is trouble: the workers are away, or do not keep up.
const DUE: f64 = 300.0;
/// How many seconds a message may wait for what it waits for.
const PENDING: f64 = 900.0;
/// How many seconds the reading of a provider's list may be behind.
const LATE: f64 = 900.0;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// What it is, in one word, for programs.
    pub kind: &'static str,
    /// What it is and what to do next, for people.
    pub words: String,
    /// The channel that it is about, where it is about one.
    pub channel: Option<String>,
}

impl Attention {
    fn new(kind: &'static str, channel: Option<&str>, words: String) -> Self {
        Self { kind, words, channel: channel.map(ToOwned::to_owned) }
    }
}

/// What is known.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) vitals: &'a Vitals,
    pub(super) uncertain: Vec<Uncertain>,
    pub(super) accounts: Vec<Shown>,
    pub(super) log_only: Vec<LogOnly>,
    pub(super) endpoints: Vec<FailingEndpoint>,
    pub(super) jobs: Vec<FailedJob>,
}

/// What to look at, the most urgent first: what stops messages, then what waits for a person, then the rest.
pub(super) fn of(facts: &Facts<'_>, now: DateTime<Utc>) -> Vec<Attention> {
    let waiting = &facts.vitals.waiting;
    let mut all = Vec::new();
    all.extend(
        facts
            .accounts
            .iter()
            .filter(|account| !account.channels.is_empty())
            .filter_map(|one| resting(one, now)),
    );
    all.extend(facts.vitals.at_work().filter_map(late));
    all.extend(facts.vitals.poll_lag.iter().filter_map(|(connector, lag)| unread(connector, *lag)));
    all.extend(facts.uncertain.iter().map(uncertain));
    all.extend(parked(&facts.vitals.parked));
    all.extend(waiting.iter().filter(|one| one.state == "paused").map(paused));
    all.extend(facts.endpoints.iter().map(|one| endpoint(one, now)));
    all.extend(facts.jobs.iter().map(job));
    all.extend(facts.log_only.iter().map(unverified));
    all
}

/// The one of these channels, where it is one.
fn only(channels: &[String]) -> Option<&str> {
    if let [one] = channels { Some(one) } else { None }
}

/// How many of something: `1 message`, `2 messages`.
fn many(count: i64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

#[expect(clippy::cast_possible_truncation, reason = "how long something has lasted, in whole seconds")]
fn seconds(seconds: f64) -> String {
    lasted(TimeDelta::seconds(seconds.clamp(0.0, 1e12) as i64))
}

fn resting(account: &Shown, now: DateTime<Utc>) -> Option<Attention> {
    let until = account.paused_until.filter(|until| *until > now)?;
    let (id, connector) = (&account.public_id, &account.connector);
    let why = account.pause_reason.as_deref().unwrap_or("no reason is known");
    let words = format!(
        "Account {id} at {connector} rests until {} UTC: {why}. `twinwire accounts show {id}` says more, \
         `twinwire accounts resume {id}` ends it.",
        clock(until, now)
    );
    Some(Attention::new("account_resting", only(&account.channels), words))
}

fn late(waiting: &Waiting) -> Option<Attention> {
    let Waiting { channel, pending, oldest_due, oldest_pending, .. } = waiting;
    let list = format!("`twinwire messages list --pending --channel {channel}`");
    if *oldest_due > DUE {
        let words = format!(
            "A message could have been worked for {} and was not: does a server run, and does the database keep up? \
             {list} shows what waits.",
            seconds(*oldest_due)
        );
        return Some(Attention::new("messages_due", Some(channel), words));
    }
    let words = || {
        format!(
            "{} yet, the oldest seen {} ago. {list} shows them.",
            if *pending == 1 {
                "1 message is not where it belongs".to_owned()
            } else {
                format!("{pending} messages are not where they belong")
            },
            seconds(*oldest_pending)
        )
    };
    (*oldest_pending > PENDING).then(|| Attention::new("messages_pending", Some(channel), words()))
}

fn unread(connector: &str, lag: f64) -> Option<Attention> {
    let words = || {
        format!(
            "The list of {connector} has not been read for {}: texts whose webhook was lost are late. `twinwire jobs` says \
             why.",
            seconds(lag)
        )
    };
    (lag > LATE).then(|| Attention::new("reading_late", None, words()))
}

fn uncertain(one: &Uncertain) -> Attention {
    let verb = if one.messages == 1 { "is" } else { "are" };
    let words = format!(
        "{} {verb} uncertain: whether the customer has it, nobody knows. `twinwire messages list --parked --channel {}` names \
         them, `twinwire settle` answers for one.",
        many(one.messages, "message"),
        one.channel
    );
    Attention::new("uncertain", Some(&one.channel), words)
}

/// What was put aside and may be mended: not what customers asked for, nor parts of what is counted already.
fn parked(reasons: &[(String, f64)]) -> Option<Attention> {
    let told: Vec<_> = reasons
        .iter()
        .filter(|(why, count)| matches!(&**why, "refused" | "gave_up") && *count > 0.0)
        .collect();
    let sum: f64 = told.iter().map(|(_, count)| count).sum();
    let each: Vec<String> =
        told.iter().map(|(why, count)| format!("{count} {}", why.replace('_', " "))).collect();
    let words = || {
        let verb = if sum > 1.0 { "messages were" } else { "message was" };
        format!(
            "{sum} {verb} put aside ({}). `twinwire messages list --parked` lists them, `twinwire why` says more of one.",
            each.join(", ")
        )
    };
    (!told.is_empty()).then(|| Attention::new("parked", None, words()))
}

fn paused(waiting: &Waiting) -> Attention {
    let Waiting { channel, pending, .. } = waiting;
    let words = format!(
        "Channel {channel} is paused, and {} for it. `twinwire channels resume {channel}` lets it go on.",
        if *pending == 1 { "1 message waits".to_owned() } else { format!("{pending} messages wait") },
    );
    Attention::new("channel_paused", Some(channel), words)
}

fn endpoint(one: &FailingEndpoint, now: DateTime<Utc>) -> Attention {
    let id = &one.endpoint;
    let since = one.since.map(|at| format!(" since {} UTC", clock(at, now))).unwrap_or_default();
    let (kind, what) = if one.disabled {
        ("endpoint_disabled", "is disabled")
    } else {
        ("endpoint_failing", "takes no events")
    };
    let words = format!(
        "Endpoint {id} {what}{since}. `twinwire endpoints show {id}` says why, `twinwire endpoints resume {id}` goes on."
    );
    Attention::new(kind, one.channel.as_deref(), words)
}

fn job(one: &FailedJob) -> Attention {
    let FailedJob { job, kind, failures, .. } = one;
    let show = format!("`twinwire jobs show {job}` says why.");
    let channel = one.channel.as_deref();
    if one.over {
        return Attention::new("job_failed", channel, format!("Job {job} ({kind}) has failed. {show}"));
    }
    let times = many((*failures).into(), "time");
    Attention::new(
        "job_failing",
        channel,
        format!("Job {job} ({kind}) has failed {times} in a row and is tried again. {show}"),
    )
}

fn unverified(one: &LogOnly) -> Attention {
    let LogOnly { account, connector, channels, unverified, .. } = one;
    let channel = channels.first().map_or("<channel>", String::as_str);
    let words = format!(
        "Webhooks of account {account} at {connector} are taken unverified, {unverified} in 7 days. `twinwire setup --channel \
         {channel} --set {connector}.verification=enforce` ends it."
    );
    Attention::new("unverified", only(channels), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(vitals: &Vitals) -> Facts<'_> {
        let (uncertain, accounts, log_only, endpoints, jobs) = Default::default();
        Facts { vitals, uncertain, accounts, log_only, endpoints, jobs }
    }

    fn waiting(state: &str, oldest_due: f64, oldest_pending: f64) -> Waiting {
        let (channel, state) = ("chn_1".to_owned(), state.to_owned());
        Waiting { channel, state, pending: 2, oldest_due, oldest_pending }
    }

    fn kinds(vitals: &Vitals) -> Vec<&'static str> {
        of(&facts(vitals), Utc::now()).iter().map(|one| one.kind).collect()
    }

    #[test]
    fn what_waits_is_named_only_once_it_waits_for_long() {
        for (state, due, pending, expected) in [
            ("active", 299.0, 899.0, &[][..]),
            ("active", 301.0, 5_000.0, &["messages_due"]),
            ("active", 0.0, 901.0, &["messages_pending"]),
            ("paused", 9_000.0, 9_000.0, &["channel_paused"]),
            ("new", 9_000.0, 9_000.0, &[]),
        ] {
            let vitals = Vitals { waiting: vec![waiting(state, due, pending)], ..Vitals::default() };
            assert_eq!(kinds(&vitals), expected, "{state} {due} {pending}");
        }
    }

    #[test]
    fn a_list_that_is_read_late_and_messages_that_can_be_mended_are_named_and_nothing_that_is_as_it_should_be()
     {
        let parked =
            |words: &[(&str, f64)]| words.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect();
        let vitals = Vitals {
            poll_lag: parked(&[("signalwire", 1_000.0), ("twilio", 10.0)]),
            parked: parked(&[("opted_out", 7.0), ("incomplete", 2.0), ("refused", 1.0), ("gave_up", 2.0)]),
            ..Vitals::default()
        };
        assert_eq!(kinds(&vitals), ["reading_late", "parked"]);
        let all = of(&facts(&vitals), Utc::now());
        assert!(all[0].words.contains("signalwire has not been read for 17 min"), "{all:?}");
        assert!(all[1].words.starts_with("3 messages were put aside (1 refused, 2 gave up)."), "{all:?}");
        let asked_for =
            Vitals { parked: parked(&[("opted_out", 7.0), ("incomplete", 2.0)]), ..Vitals::default() };
        assert_eq!(kinds(&asked_for), Vec::<&str>::new());
    }
}
