//! What a run stands on: a database, the doubles, an address for all, channels and conversations.

mod doubles;
mod recipe;

pub(super) use doubles::{Doubles, REMEMBERED};
pub(super) use recipe::recipe;

use super::args::Args;
use super::ledger::{Ledger, Taken};
use super::plan::{Ending, Plan, Planned, PutIn, PutInAt, Seeds, What};
use super::providers::Provider;
use crate::config::Config;
use crate::scratch::Scratch;
use anyhow::Context;
use std::time::Duration;
use twinwire_engine::{Engine, setup};
use twinwire_store::channels::{self, StoredChannel};

/// The agent's first words in every conversation.
const GREETING: &str = "How can we help?";
/// Of whom a double lets texts come while its list is being read. Somebody whom the agents know, as all the others.
const PASSER_BY: &str = "+15005550199";

/// A channel at both ends.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) number: String,
    /// The place of its provider among the doubles.
    provider: usize,
    /// Front's id of it.
    pub(super) inbox: String,
    /// Twinwire's.
    pub(super) channel: StoredChannel,
}

/// A customer and the number that they write to.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) line: usize,
    pub(super) phone: String,
}

impl Conversation {
    /// Whether it is that of somebody whose texts a double makes up.
    pub(super) fn is_passer_by(&self) -> bool {
        self.phone == PASSER_BY
    }
}

/// Everything that a run plays with.
pub(super) struct Stage {
    pub(super) doubles: Doubles,
    pub(super) engine: Engine,
    pub(super) lines: Vec<Line>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) ledger: Ledger,
    faults: f64,
    /// Of Front and of the providers.
    seeds: (Seeds, Vec<Seeds>),
}

impl Stage {
    /// Makes and connects the channels, by what is usual for the vendors. The workers run already.
    pub(super) async fn set(
        config: &Config,
        args: &Args,
        plan: &Plan,
        scratch: &Scratch,
        doubles: Doubles,
        public_url: &str,
    ) -> anyhow::Result<Self> {
        let engine = scratch.database.engine(&settings(config, &doubles), public_url)?;
        let mut lines = Vec::new();
        for at in 0..args.channels as usize {
            lines.push(line(&engine, &doubles, at, public_url).await?);
        }
        let conversation =
            |at: usize| Conversation { line: at % lines.len(), phone: format!("+1212{:07}", 2_000_000 + at) };
        let mut conversations: Vec<Conversation> =
            (0..args.conversations as usize).map(conversation).collect();
        // Every double lets them write to its first number, and the first lines are one of each provider.
        let passer_by = |line: usize| Conversation { line, phone: PASSER_BY.to_owned() };
        conversations.extend((0..doubles.providers.len()).map(passer_by));
        let ledger = Ledger::new(conversations.len());
        let seeds = (plan.seeds_of_front, plan.seeds_of_providers.clone());
        Ok(Self { doubles, engine, lines, conversations, ledger, faults: args.faults, seeds })
    }

    /// The agents begin every conversation, so that its id at Front is known and Front can be asked what is in it.
    pub(super) async fn begin_conversations(&self) -> anyhow::Result<()> {
        for (at, conversation) in self.conversations.iter().enumerate() {
            let inbox = &self.line(conversation).inbox;
            let order = self.doubles.front.message_request(inbox, None, &[&conversation.phone], GREETING)?;
            let sent = loop {
                let sent = self.doubles.front.post(&order).await?;
                if sent.answer.is_success() {
                    break sent;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            let taken = Taken {
                id: sent.message.id.unwrap_or_default(),
                uid: order.message_uid,
                text: GREETING.to_owned(),
                files: Vec::new(),
                ending: Ending::Delivered,
                at_home: true,
            };
            self.ledger.take(at, taken);
        }
        Ok(())
    }

    /// From now on the vendors misbehave.
    pub(super) fn let_loose(&self) {
        let (front, providers) = &self.seeds;
        self.doubles.let_loose(self.faults, *front, providers);
    }

    /// The provider of a line.
    pub(super) fn provider(&self, line: &Line) -> &Provider {
        &self.doubles.providers[line.provider]
    }

    /// What is planned for each provider.
    pub(super) fn planned(&self, messages: &[Planned]) -> PutInAt {
        let none = self.doubles.providers.iter().map(|provider| (provider.title(), PutIn::default()));
        let mut all: PutInAt = none.collect();
        for Planned { what, .. } in messages {
            let line = match what {
                What::Agent { to, .. } => self.line(&self.conversations[to[0]]),
                What::Customer { from: at, .. } | What::Application { to: at, .. } => {
                    self.line(&self.conversations[*at])
                }
                What::Stranger { which } => self.line_of_stranger(*which),
            };
            all.entry(self.provider(line).title()).or_default().count(what);
        }
        all
    }

    /// Where a stranger writes.
    pub(super) fn line_of_stranger(&self, which: usize) -> &Line {
        &self.lines[which % self.lines.len()]
    }

    pub(super) fn line(&self, conversation: &Conversation) -> &Line {
        &self.lines[conversation.line]
    }
}

/// The user's settings, with the doubles in place of the vendors.
fn settings(config: &Config, doubles: &Doubles) -> Config {
    Config { connectors: doubles.settings(), ..config.clone() }
}

/// The channel at a place of the list: of each provider in turn.
async fn line(engine: &Engine, doubles: &Doubles, at: usize, public_url: &str) -> anyhow::Result<Line> {
    let provider = at % doubles.providers.len();
    let (front, at_provider) = (&doubles.front, &doubles.providers[provider]);
    let (number, pair) = (format!("+1201555{at:04}"), at_provider.pair());
    at_provider.sms.add_number(&number);
    let api_key = setup::install(engine, &pair, &at_provider.answers(&number)).await?.api_key;
    front.set_server_url(&format!("{public_url}/v1/install/{pair}/authorization"));
    let inbox = front.connect(&api_key).await.context("Front could not connect a channel")?.id;
    let channel = channels::by_api_key(engine.pool(), &channels::hash(&api_key))
        .await?
        .context("a channel is not there")?;
    let inbound = channel.channel.provider_url(public_url, at_provider.name(), "inbound");
    at_provider.sms.set_webhook(&number, &inbound);
    Ok(Line { number, provider, inbox, channel })
}
