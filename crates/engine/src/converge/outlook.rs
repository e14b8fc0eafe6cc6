//! How a message stands and what happens next, for an operator: the planner's own answer, from the facts that a worker
//! would give it.

use super::accounts::Ends;
use crate::{Engine, Result};
use std::sync::Arc;
use twinwire_core::explain::{self, Next, Place, Situation, Worked};
use twinwire_core::identity::could_be;
use twinwire_core::model::{Act, Message, Parked, Side};
use twinwire_core::observe::AtProvider;
use twinwire_core::plan::{Action, plan};
use twinwire_store::accounts::Account;
use twinwire_store::channels::{State, StoredChannel};
use twinwire_store::story::{self, Entry, Found};
use twinwire_store::{conversations, messages, provider_messages};

/// How a message stands.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The row.
    pub row: Message,
    /// Its channel.
    pub channel: Arc<StoredChannel>,
    /// The helpdesk's name for people.
    pub helpdesk: &'static str,
    /// The provider's.
    pub provider: &'static str,
    /// What happened so far.
    pub story: Vec<Entry>,
    /// The planner's answer.
    pub action: Action,
    /// The same in words.
    pub next: Next,
    /// Messages at the provider that may be this one, where an operator has to say which.
    pub candidates: Vec<AtProvider>,
}

/// Looks at a message. None when it is gone.
pub async fn outlook(engine: &Engine, found: &Found) -> Result<Option<Outlook>> {
    let Some(ends) = Ends::read(engine, found.channel).await? else { return Ok(None) };
    let mut conn = engine.pool().acquire().await?;
    let Some(row) = messages::get(&mut *conn, found.channel, &found.external_id).await? else {
        return Ok(None);
    };
    let thread = conversations::thread(&mut conn, found.channel, &row.conversation).await?;
    let neighbours = story::neighbours(&mut *conn, found.channel, &row, found.seq).await?;
    let lines = story::lines(&mut *conn, found.channel, &found.external_id).await?;
    let worked = story::worked_by(&mut *conn, found.channel).await?;
    let candidates = if row.parked == Some(Parked::Uncertain) && row.destination() == Side::Provider {
        let account = ends.channel.provider_account;
        provider_messages::unbound(&mut conn, account, &row.sender, &row.recipient).await?
    } else {
        Vec::new()
    };
    let now = engine.now();
    let mut facts = ends.facts(engine, thread.is_some());
    facts.turn = neighbours.ahead.is_none() || row.parked.is_some() || row.destination_id().is_some();
    let action = match plan(&row, &facts, now) {
        // A worker does not even claim what is not at its turn, but for its files.
        Action::Do(act) if !facts.turn && act != Act::Fetch => Action::WaitTurn,
        Action::Park(_) if !facts.turn => Action::WaitTurn,
        other => other,
    };
    let (helpdesk, provider) = (ends.helpdesk_connector.title(), ends.provider_connector.title());
    let ahead = neighbours.ahead.map(|seq| seq.to_string());
    let next = explain::next(
        action,
        &Situation {
            row: &row,
            name: &found.seq.to_string(),
            facts: &facts,
            now,
            helpdesk: place(helpdesk, &ends.helpdesk),
            provider: place(provider, &ends.provider),
            off: off(ends.channel.state),
            paused: (ends.channel.state == State::Paused).then_some(ends.channel.channel.id.as_str()),
            ahead: ahead.as_deref(),
            passed: neighbours.passed,
            worked: working(worked.as_ref(), &row, &lines),
        },
    );
    Ok(Some(Outlook {
        channel: ends.channel.clone(),
        helpdesk,
        provider,
        story: lines,
        action,
        next,
        candidates: candidates
            .into_iter()
            .map(|record| record.seen)
            .filter(|seen| could_be(seen, &row))
            .collect(),
        row,
    }))
}

fn place<'a>(title: &'a str, account: &'a Account) -> Place<'a> {
    Place { title, rests: account.pause_reason.as_deref() }
}

fn off(state: State) -> Option<&'static str> {
    match state {
        State::Active => None,
        State::New => Some("nobody has connected it in the helpdesk yet"),
        State::Paused => Some("it is paused"),
        State::Deleted => Some("it was removed in the helpdesk"),
    }
}

/// Whether the process that works the channel is the one that began what is in flight.
fn working<'a>(lease: Option<&'a (String, i64)>, row: &Message, lines: &[Entry]) -> Worked<'a> {
    let Some((owner, fence)) = lease else { return Worked::Nobody };
    let begun = lines.iter().rev().find(|line| line.step == "begin");
    let same = begun.is_some_and(|line| line.fence == Some(*fence) && line.owner.as_ref() == Some(owner));
    if same && row.in_flight.is_some() { Worked::Trying(owner) } else { Worked::By(owner) }
}
