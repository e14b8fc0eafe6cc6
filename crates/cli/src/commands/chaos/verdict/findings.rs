//! What was found, and the verdict.

use super::super::plan::{PutIn, PutInAt};
use super::super::tally::Counts;
use serde::Serialize;
use std::collections::BTreeMap;

/// Examples that are named of each kind of offence.
const NAMED: usize = 10;

/// Things that are not as they should be.
#[derive(Clone, Debug, Default, Serialize)]
pub(in super::super) struct Offences {
    pub(in super::super) count: usize,
    /// The first ones, a sentence each.
    pub(in super::super) examples: Vec<String>,
}

impl Offences {
    pub(in super::super) fn add(&mut self, count: usize, example: impl FnOnce() -> String) {
        if count > 0 && self.examples.len() < NAMED {
            self.examples.push(example());
        }
        self.count += count;
    }
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub(in super::super) struct Findings {
    pub(in super::super) put_in: PutIn,
    /// The same for each provider.
    pub(in super::super) put_in_at: PutInAt,
    pub(in super::super) lost: Offences,
    pub(in super::super) duplicated: Offences,
    pub(in super::super) out_of_order: Offences,
    pub(in super::super) wrongly_told: Offences,
    pub(in super::super) put_aside: Offences,
    pub(in super::super) unsettled: Offences,
    /// Workers that ended by themselves, complaints of the vendors, a plan that was not kept.
    pub(in super::super) broken: Offences,
    /// What was asked for and did not come, so that the run does not show it.
    pub(in super::super) not_shown: Vec<String>,
    /// Messages, among those, that failed because the provider could not fetch their files.
    pub(in super::super) files_not_fetched: usize,
    /// Customers' messages that came with a line in place of a file that could not be had.
    pub(in super::super) arrived_without_a_file: usize,
    /// Customers' messages whose text came as a file.
    pub(in super::super) texts_in_a_part: usize,
    /// Failures that the agent was told of, once each, as it should be.
    pub(in super::super) told: usize,
    /// Messages put aside, by reason.
    pub(in super::super) parked: BTreeMap<String, usize>,
    /// Agents' messages that nobody can tell from another application's equal text to the same person.
    pub(in super::super) left_to_the_operator: usize,
    /// Customers' texts that changed places within one second of the provider's clock, where nothing is promised.
    pub(in super::super) order_left_open: usize,
    /// Texts of strangers that showed twice: Front could not be asked.
    pub(in super::super) first_texts_shown_again: usize,
}

/// What is left of a run that failed.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct Evidence {
    pub(in super::super) folder: String,
    pub(in super::super) database: String,
}

/// The verdict.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct Verdict {
    pub(in super::super) passed: bool,
    pub(in super::super) seed: u64,
    /// The command that does the same again.
    pub(in super::super) command: String,
    #[serde(flatten)]
    pub(in super::super) findings: Findings,
    #[serde(flatten)]
    pub(in super::super) counts: Counts,
    pub(in super::super) kills: usize,
    pub(in super::super) stalls: usize,
    pub(in super::super) faults_struck: usize,
    /// The same for each vendor.
    pub(in super::super) faults_struck_at: BTreeMap<&'static str, usize>,
    /// The same for each thing that is done with files.
    pub(in super::super) faults_struck_on_files: BTreeMap<&'static str, usize>,
    /// From the first message until the last was taken and the last worker killed.
    pub(in super::super) seconds_of_chaos: f64,
    /// From then until nothing moved any more.
    pub(in super::super) seconds_to_settle: f64,
    pub(in super::super) evidence: Option<Evidence>,
}

impl Findings {
    /// What was put in at a provider, to be counted.
    pub(super) fn put_in_at(&mut self, provider: &'static str) -> &mut PutIn {
        self.put_in_at.entry(provider).or_default()
    }

    pub(in super::super) fn offences(&self) -> [(&'static str, &Offences); 7] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("out of order", &self.out_of_order),
            ("wrongly told", &self.wrongly_told),
            ("put aside", &self.put_aside),
            ("unsettled", &self.unsettled),
            ("broken", &self.broken),
        ]
    }

    /// Nothing is wrong, and everything that was asked for took place.
    pub(in super::super) fn are_none(&self) -> bool {
        self.not_shown.is_empty() && self.is_clean()
    }

    /// Nothing is wrong of what took place.
    pub(in super::super) fn is_clean(&self) -> bool {
        self.offences().iter().all(|(_, offences)| offences.count == 0)
    }
}
