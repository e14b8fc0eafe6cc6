//! When a double does wrong: a queue of rules, and a repeatable random mode behind it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};

/// A fault, and the requests that it meets: by default the next one of any kind.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    operation: Option<Operation>,
    recipient: Option<String>,
    body: Option<String>,
    times: usize,
}

impl Rule {
    /// This fault, once, for the next request or callback it can apply to.
    pub fn new(fault: Fault) -> Rule {
        Rule { fault, operation: None, recipient: None, body: None, times: 1 }
    }

    /// Only for this operation.
    #[must_use]
    pub fn on(mut self, operation: Operation) -> Rule {
        self.operation = Some(operation);
        self
    }

    /// Only when the message is to (for inbound messages: from) this handle.
    #[must_use]
    pub fn with(mut self, handle: &str) -> Rule {
        self.recipient = Some(handle.to_owned());
        self
    }

    /// Only when the text of the message contains this.
    #[must_use]
    pub fn saying(mut self, part: &str) -> Rule {
        self.body = Some(part.to_owned());
        self
    }

    /// For the next `times` matching requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Rule {
        self.times = times;
        self
    }

    fn meets(&self, stage: Stage, operation: Operation, handle: &str, text: &str) -> bool {
        self.times > 0
            && self.fault.fits(stage, operation)
            && self.operation.is_none_or(|wanted| wanted == operation)
            && self.recipient.as_deref().is_none_or(|wanted| wanted == handle)
            && self.body.as_deref().is_none_or(|part| text.contains(part))
    }
}

/// A fault that has struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Struck {
    /// What it struck.
    pub operation: Operation,
    /// How.
    pub fault: Fault,
}

struct Random {
    rng: StdRng,
    probability: f64,
    kinds: Vec<Fault>,
}

#[derive(Default)]
struct Inner {
    outage: Option<Fault>,
    rules: VecDeque<Rule>,
    random: Option<Random>,
    struck: Vec<Struck>,
}

/// The faults of one double. A cheap handle; clones share the queue.
#[derive(Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

impl Faults {
    /// Faults of every kind that come by chance, the same for the same seed and sequence of requests.
    pub fn random(seed: u64, probability: f64) -> Faults {
        Faults::random_among(seed, probability, Fault::all())
    }

    /// Faults of these kinds that come by chance.
    pub fn random_among(seed: u64, probability: f64, kinds: Vec<Fault>) -> Faults {
        let faults = Faults::default();
        faults.randomly(seed, probability, kinds);
        faults
    }

    /// Puts a rule at the end of the queue.
    pub fn add(&self, rule: Rule) {
        locked(&self.inner).rules.push_back(rule);
    }

    /// Switches the random mode on. Rules of the queue go first.
    pub fn randomly(&self, seed: u64, probability: f64, kinds: Vec<Fault>) {
        let probability = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
        let random = Random { rng: StdRng::seed_from_u64(seed), probability, kinds };
        locked(&self.inner).random = Some(random);
    }

    /// Every request meets this fault until it is over (`None`): a vendor that is down, or refuses everybody.
    pub fn outage(&self, fault: Option<Fault>) {
        locked(&self.inner).outage = fault;
    }

    /// Drops all rules, the random mode and an outage: from now on the double behaves.
    pub fn clear(&self) {
        let mut inner = locked(&self.inner);
        inner.outage = None;
        inner.rules.clear();
        inner.random = None;
    }

    /// How many times the rules of the queue can still strike.
    pub fn waiting(&self) -> usize {
        locked(&self.inner).rules.iter().map(|rule| rule.times).sum()
    }

    /// Everything that has struck so far, in order.
    pub fn struck(&self) -> Vec<Struck> {
        locked(&self.inner).struck.clone()
    }

    /// How many have struck so far.
    pub fn struck_count(&self) -> usize {
        locked(&self.inner).struck.len()
    }

    pub(crate) fn take(&self, stage: Stage, operation: Operation, handle: &str, text: &str) -> Option<Fault> {
        let mut inner = locked(&self.inner);
        let outage = inner.outage.clone().filter(|fault| fault.fits(stage, operation));
        let fault = outage.or_else(|| inner.next_rule(stage, operation, handle, text));
        let fault = fault.or_else(|| inner.random.as_mut()?.draw(stage, operation))?;
        inner.struck.push(Struck { operation, fault: fault.clone() });
        Some(fault)
    }
}

impl Inner {
    fn next_rule(&mut self, stage: Stage, operation: Operation, handle: &str, text: &str) -> Option<Fault> {
        let at = self.rules.iter().position(|rule| rule.meets(stage, operation, handle, text))?;
        let rule = self.rules.get_mut(at)?;
        rule.times -= 1;
        let (fault, spent) = (rule.fault.clone(), rule.times == 0);
        if spent {
            self.rules.remove(at);
        }
        Some(fault)
    }
}

impl Random {
    fn draw(&mut self, stage: Stage, operation: Operation) -> Option<Fault> {
        let kinds: Vec<&Fault> = self.kinds.iter().filter(|kind| kind.fits(stage, operation)).collect();
        if kinds.is_empty() || !self.rng.random_bool(self.probability) {
            return None;
        }
        let choice = self.rng.random_range(0..kinds.len());
        kinds.get(choice).map(|kind| (*kind).clone())
    }
}
