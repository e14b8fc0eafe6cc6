//! Whether everything that was put in is where it should be: once, in order, and every failure told.
//!
//! It is read from what the doubles hold, not from what Twinwire says of itself; the database is asked only for what is not
//! settled and why a message was put aside.

mod conversation;
mod rows;
mod world;

use super::args::Args;
use super::stage::Stage;
use super::tally::Counts;
use super::traffic::stranger;
use rows::Rows;
use serde::Serialize;
use std::collections::BTreeMap;
use world::World;

/// Examples that are named of each kind of offence.
const NAMED: usize = 10;

/// Things that are not as they should be.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Offences {
    pub(super) count: usize,
    /// The first ones, a sentence each.
    pub(super) examples: Vec<String>,
}

impl Offences {
    fn add(&mut self, count: usize, example: impl FnOnce() -> String) {
        if count > 0 && self.examples.len() < NAMED {
            self.examples.push(example());
        }
        self.count += count;
    }
}

/// What was put in, by who wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct PutIn {
    /// By agents, one for each recipient.
    pub(super) agents: usize,
    pub(super) customers: usize,
    pub(super) applications: usize,
    pub(super) strangers: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Findings {
    pub(super) put_in: PutIn,
    pub(super) lost: Offences,
    pub(super) duplicated: Offences,
    pub(super) out_of_order: Offences,
    pub(super) wrongly_told: Offences,
    pub(super) unsettled: Offences,
    /// Failures that the agent was told of, once each, as it should be.
    pub(super) told: usize,
    /// Messages put aside, by reason.
    pub(super) parked: BTreeMap<String, usize>,
    /// Customers' texts that changed places within one second of the provider's clock, where nothing is promised.
    pub(super) order_left_open: usize,
    /// Texts of strangers that showed twice: Front could not be asked.
    pub(super) first_texts_shown_again: usize,
}

/// What is left of a run that failed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Evidence {
    pub(super) folder: String,
    pub(super) database: String,
}

/// The verdict.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) passed: bool,
    pub(super) seed: u64,
    /// The command that does the same again.
    pub(super) command: String,
    #[serde(flatten)]
    pub(super) findings: Findings,
    #[serde(flatten)]
    pub(super) counts: Counts,
    pub(super) kills: usize,
    pub(super) stalls: usize,
    pub(super) faults_struck: usize,
    /// From the first message until the last was taken and the last worker killed.
    pub(super) seconds_of_chaos: f64,
    /// From then until nothing moved any more.
    pub(super) seconds_to_settle: f64,
    pub(super) evidence: Option<Evidence>,
}

impl Findings {
    pub(super) fn offences(&self) -> [(&'static str, &Offences); 5] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("out of order", &self.out_of_order),
            ("wrongly told", &self.wrongly_told),
            ("unsettled", &self.unsettled),
        ]
    }

    pub(super) fn are_none(&self) -> bool {
        self.offences().iter().all(|(_, offences)| offences.count == 0)
    }
}

/// Compares what both doubles hold with what was put in.
pub(super) async fn find(args: &Args, stage: &Stage) -> anyhow::Result<Findings> {
    let rows = Rows::read(stage.engine.pool()).await?;
    let world = World::look(stage);
    let mut found = Findings::default();
    for at in 0..stage.conversations.len() {
        conversation::compare(at, stage, &world, &rows, &mut found);
    }
    for which in 0..args.strangers as usize {
        compare_stranger(which, stage, &world, &mut found);
    }
    rows.report(&mut found);
    Ok(found)
}

/// The first text of a conversation: never lost, and at most shown again under the same id.
fn compare_stranger(which: usize, stage: &Stage, world: &World, found: &mut Findings) {
    let line = &stage.lines[which % stage.lines.len()];
    let phone = stranger(which);
    found.put_in.strangers += 1;
    let shown = world.in_front(&line.inbox, &phone);
    found.lost.add(usize::from(shown.is_empty()), || format!("stranger {which}'s first text"));
    let ids: Vec<_> = shown.iter().map(|message| &message.external_id).collect();
    if ids.windows(2).all(|pair| pair[0] == pair[1]) {
        found.first_texts_shown_again += shown.len().saturating_sub(1);
    } else {
        found.duplicated.add(shown.len() - 1, || format!("stranger {which}'s first text, by two ids"));
    }
}
