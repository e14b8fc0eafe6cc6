//! One call to a vendor, and what it means for the whole account.

use crate::sender::{Downloaded, Late, Latest, Rules, Window};
use crate::trace::{Kind, Open, Within};
use crate::{Engine, Result, metrics};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::{Duration, Instant};
use twinwire_core::backoff;
use twinwire_core::connector::{Attachment, Call, Channel, Connector, Context};
use twinwire_core::outcome::{Outcome, Refusal, RefusalKind};
use twinwire_store::accounts::{self, Account, REFUSED, REFUSED_TO_READ, THROTTLED};
use twinwire_store::tx;
use twinwire_store::{channels, work};

/// A call is made for an account, and usually for a channel of it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The account.
    pub account: &'a Account,
    /// The channel, unless the call is for the whole account.
    pub channel: Option<&'a Channel>,
    /// The helpdesk's id of the conversation, where known.
    pub thread: Option<&'a str>,
    /// The files that go with a delivery.
    pub files: &'a [Attachment],
    /// When a call that must not be made late has to be on its way.
    pub window: Option<Window>,
    /// What the call's span is a part of.
    pub(crate) within: Option<&'a Within>,
}

impl<'a> Caller<'a> {
    /// A caller for a whole account, or for a channel of it.
    pub fn of(account: &'a Account, channel: Option<&'a Channel>) -> Self {
        Self { account, channel, thread: None, files: &[], window: None, within: None }
    }

    fn context(&self, engine: &'a Engine) -> Context<'a> {
        Context {
            channel: self.channel,
            settings: &self.account.settings,
            thread: self.thread,
            files: self.files,
            public_url: engine.public_url(),
            now: engine.now(),
            nonce: rand::random(),
        }
    }
}

/// What a call came to.
#[derive(Debug)]
pub struct Made {
    /// What came of it.
    pub outcome: Outcome,
    /// Whether a failure is held against the message: not while the vendor answers nobody, and not when this process
    /// was too slow to make the call at all.
    pub counts: bool,
}

/// Makes a call. Throttling and refused credentials make the account rest for every process, a vendor that answers nobody
/// for this one; a call that works ends the rest.
pub async fn make(engine: &Engine, caller: Caller<'_>, call: &Call<'_>) -> Result<Made> {
    let connector = engine.connectors().named(&caller.account.connector)?;
    let (account, began) = (caller.account, engine.now());
    let Attempt { outcome, tried, .. } = attempt(engine, connector, caller, call).await;
    let noted = match &outcome {
        Outcome::Done(_) => works(engine, account, began, call.only_reads()).await,
        // The vendor said nothing about this message, or was not reached.
        Outcome::Unknown(_) | Outcome::Refused(Refusal { kind: RefusalKind::Later, code: None, .. }) => {
            if tried == Tried::Sent {
                failed(engine, account, call);
            }
            Ok(())
        }
        Outcome::Refused(refusal) => refused(engine, account, refusal, call.only_reads()).await,
    };
    if let Err(error) = noted {
        // What became of the message is known all the same; the next call finds the account as it is.
        tracing::warn!(account = account.public_id, %error, "an account's pause could not be written");
    }
    let counts = tried != Tried::Late && !engine.health().is_away(account.id, engine.now());
    Ok(Made { outcome, counts })
}

/// What came of asking for a file.
#[derive(Debug)]
pub enum Got {
    /// What the download brought.
    File(Downloaded),
    /// What the vendor said instead.
    Not(Outcome),
}

/// Fetches a file, and says whether a failure is held against the message. Trouble with one file says little about the
/// vendor, so that only throttling and refused credentials make the account rest.
pub async fn download(
    engine: &Engine,
    caller: Caller<'_>,
    call: &Call<'_>,
    rules: &Rules,
) -> Result<(Got, bool)> {
    let connector = engine.connectors().named(&caller.account.connector)?;
    let context = caller.context(engine);
    let counts = !engine.health().is_away(caller.account.id, context.now);
    let request = match connector.build(call, &context) {
        Ok(request) => request,
        Err(refusal) => {
            refused(engine, caller.account, &refusal, true).await?;
            return Ok((Got::Not(Outcome::Refused(refusal)), counts));
        }
    };
    let began = Instant::now();
    let got = engine.downloader().fetch(&request, rules).await;
    let span = span(engine, connector, caller, call);
    let count = |outcome| {
        engine.metrics().called(connector.name(), operation(call), outcome, began.elapsed());
        span.with("twinwire.outcome", outcome).end(outcome != "done");
    };
    let outcome = match got {
        Downloaded::Judge(reply) => connector.judge(call, &context, &reply),
        got => {
            count(if matches!(got, Downloaded::File { .. }) { "done" } else { "refused" });
            return Ok((Got::File(got), counts));
        }
    };
    count(metrics::outcome(&outcome));
    if let Outcome::Refused(refusal) = &outcome {
        refused(engine, caller.account, refusal, true).await?;
    }
    Ok((Got::Not(outcome), counts))
}

/// Makes a call and gives what came of it; the account is left as it is. For set-up, before there is an account.
pub async fn send(
    engine: &Engine,
    connector: &dyn Connector,
    caller: Caller<'_>,
    call: &Call<'_>,
) -> Outcome {
    attempt(engine, connector, caller, call).await.outcome
}

/// The same with what the vendor's clock says: how far it is ahead of ours.
pub async fn send_and_compare(
    engine: &Engine,
    connector: &dyn Connector,
    caller: Caller<'_>,
    call: &Call<'_>,
) -> (Outcome, Option<TimeDelta>) {
    let made = attempt(engine, connector, caller, call).await;
    (made.outcome, made.ahead)
}

/// How far a call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    /// There was a request.
    Sent,
    /// None could be made.
    NotMade,
    /// It could not go out in time, and stayed here.
    Late,
}

/// What was tried.
#[derive(Debug)]
struct Attempt {
    /// What came of it.
    outcome: Outcome,
    /// How far it got.
    tried: Tried,
    /// How far the vendor's clock is ahead of ours, by its answer.
    ahead: Option<TimeDelta>,
}

/// Makes a request, sends it and has the answer judged.
async fn attempt(engine: &Engine, connector: &dyn Connector, caller: Caller<'_>, call: &Call<'_>) -> Attempt {
    let (began, span) = (Instant::now(), span(engine, connector, caller, call));
    let made = send_it(engine, connector, caller, call).await;
    let word = if made.tried == Tried::Sent { metrics::outcome(&made.outcome) } else { "not_made" };
    engine.metrics().called(connector.name(), operation(call), word, began.elapsed());
    span.with("twinwire.outcome", word).end(word != "done");
    made
}

async fn send_it(engine: &Engine, connector: &dyn Connector, caller: Caller<'_>, call: &Call<'_>) -> Attempt {
    let context = caller.context(engine);
    let not_sent = |refusal, tried| Attempt { outcome: Outcome::Refused(refusal), tried, ahead: None };
    match connector.build(call, &context) {
        Ok(request) => {
            let latest = caller.window.map(|window| Latest { window, clock: engine.clock() });
            match engine.sender().send(request, latest).await {
                Ok(reply) => Attempt {
                    outcome: connector.judge(call, &context, &reply),
                    tried: Tried::Sent,
                    ahead: reply.ahead(engine.now()),
                },
                Err(Late::Start) => not_sent(Refusal::later(Late::Start.to_string()), Tried::Late),
                // A slow line is no standstill, and will be slow again.
                Err(late) => not_sent(Refusal::later(late.to_string()), Tried::NotMade),
            }
        }
        Err(refusal) => not_sent(refusal, Tried::NotMade),
    }
}

/// Ends the account's rest. Reading proves less than sending: while a message waits for an account whose credentials were
/// refused, that one has to show whether it works again.
async fn works(engine: &Engine, account: &Account, began: DateTime<Utc>, read: bool) -> Result<()> {
    if engine.health().worked(account.id, read) {
        tracing::info!(
            account = account.public_id,
            connector = account.connector,
            "the vendor answers again"
        );
    }
    if account.pauses == 0 {
        return Ok(());
    }
    let proves = !read || account.pause_reason.as_deref() != Some(REFUSED);
    if !proves && accounts::has_to_deliver(engine.pool(), account.id).await? {
        return Ok(());
    }
    if !accounts::resume(engine.pool(), account.id, began).await? {
        return Ok(());
    }
    tracing::info!(account = account.public_id, connector = account.connector, "account works again");
    // Its messages are due by now, those that were put off for the rest as well; each keeps a back-off of its own.
    let mut tx = tx::begin(engine.pool()).await?;
    for channel in channels::of_account(&mut *tx, account.id).await? {
        work::announce(&mut tx, channel).await?;
    }
    Ok(tx.commit().await?)
}

/// Counts a call that failed without a word about its message.
fn failed(engine: &Engine, account: &Account, call: &Call<'_>) {
    let (health, now) = (engine.health(), engine.now());
    if health.failed(account.id, subject(call), call.only_reads(), now, rand::random()) {
        // Once per outage, not once per message: the operator's one alert.
        tracing::warn!(
            account = account.public_id,
            connector = account.connector,
            "the vendor answers nobody; the account rests and its messages wait"
        );
    }
}

fn span(engine: &Engine, connector: &dyn Connector, caller: Caller<'_>, call: &Call<'_>) -> Open {
    Open::begin(engine, caller.within, "call", Kind::Client)
        .with("twinwire.connector", connector.name())
        .with("twinwire.operation", operation(call))
}

/// What a call does, in a word.
fn operation(call: &Call<'_>) -> &'static str {
    match call {
        Call::Deliver(_) => "deliver",
        Call::LookUp { .. } => "look_up",
        Call::Report { .. } => "report",
        Call::Note { .. } => "note",
        Call::List { .. } => "list",
        Call::Files(_) => "files",
        Call::File { .. } => "file",
        Call::Fetch { .. } => "fetch",
        Call::Show { .. } => "show",
        Call::Check => "check",
        Call::ReadHook => "read_hook",
        Call::SetHook { .. } => "set_hook",
    }
}

/// Which message, or what else, a call is about.
fn subject<'a>(call: &Call<'a>) -> &'a str {
    match call {
        Call::Deliver(message)
        | Call::LookUp { message, .. }
        | Call::Report { message, .. }
        | Call::Note { message, .. }
        | Call::Files(message)
        | Call::File { message, .. } => &message.external_id,
        Call::Fetch { id } => id,
        Call::List { .. } => "the list",
        Call::Show { .. } => "the channel",
        Call::Check => "the credentials",
        Call::ReadHook | Call::SetHook { .. } => "the number",
    }
}

async fn refused(engine: &Engine, account: &Account, refusal: &Refusal, read: bool) -> Result<()> {
    let chance = rand::random::<f64>();
    let before = |reason| if account.pause_reason.as_deref() == Some(reason) { rests(account) } else { 0 };
    let (wait, reason) = match refusal.kind {
        RefusalKind::Throttled(asked) => (backoff::throttle(asked, before(THROTTLED) + 1, chance), THROTTLED),
        RefusalKind::Credentials if read => {
            (backoff::backoff(before(REFUSED_TO_READ) + 1, chance), REFUSED_TO_READ)
        }
        RefusalKind::Credentials => (backoff::backoff(before(REFUSED) + 1, chance), REFUSED),
        RefusalKind::Permanent | RefusalKind::OptedOut | RefusalKind::Later => return Ok(()),
    };
    rest(engine, account, wait, reason, refusal.code.as_deref()).await
}

fn rests(account: &Account) -> u32 {
    u32::try_from(account.pauses).unwrap_or(0)
}

async fn rest(
    engine: &Engine,
    account: &Account,
    wait: Duration,
    reason: &str,
    code: Option<&str>,
) -> Result<()> {
    let now = engine.now();
    if accounts::pause(engine.pool(), account.id, now, after(now, wait), reason).await? {
        // Once per outage, not once per message: the operator's one alert.
        tracing::warn!(
            account = account.public_id,
            connector = account.connector,
            reason,
            code,
            "account rests; its messages wait"
        );
    }
    Ok(())
}

/// `now` and a wait later.
pub(crate) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
