//! Callbacks: sent once, twice, late, out of order or not at all.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;

use crate::core::{Core, remember};
use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};
use crate::outgoing::{Answer, Delivery, SignedRequest, post};

/// A held callback goes out by itself when nothing overtakes it for this long.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// A callback to be sent.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) operation: Operation,
    pub(crate) about: String,
    pub(crate) handle: String,
    pub(crate) text: String,
    pub(crate) request: SignedRequest,
    pub(crate) attempts: usize,
    pub(crate) timeout: Duration,
    /// What is wrong with an answer, if anything.
    pub(crate) judge: fn(&Answer) -> Option<String>,
}

impl Core {
    /// Sends a callback, or does with it what the faults say. Returns when it has been dealt with,
    /// except where it is to be late.
    pub(crate) async fn dispatch(self: &Arc<Self>, out: Outgoing) -> Vec<Answer> {
        match self.faults.take(Stage::Callback, out.operation, &out.handle, &out.text) {
            Some(Fault::Lost) => {
                self.delivered(&out, Vec::new());
                Vec::new()
            }
            Some(Fault::Delay(wait)) => {
                let core = Arc::clone(self);
                self.background.spawn(async move {
                    tokio::time::sleep(wait).await;
                    core.deliver(out).await;
                });
                Vec::new()
            }
            Some(Fault::Reordered) => {
                self.hold(out);
                Vec::new()
            }
            Some(Fault::Duplicate(more)) => {
                let mut answers = Vec::new();
                for _ in 0..=more {
                    answers.extend(self.deliver(out.clone()).await);
                }
                self.release().await;
                answers
            }
            _ => {
                let answers = self.deliver(out).await;
                self.release().await;
                answers
            }
        }
    }

    /// Sends a callback now, again while the answer is not 2xx and attempts are left.
    pub(crate) async fn deliver(&self, out: Outgoing) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::new();
        while answers.len() < out.attempts.max(1) && !answers.last().is_some_and(Answer::is_success) {
            if !answers.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let answer = post(&self.client, &out.request, out.timeout).await;
            if let Some(complaint) = (out.judge)(&answer) {
                self.complain(format!("{}: {complaint}", out.about));
            }
            answers.push(answer);
        }
        self.delivered(&out, answers.clone());
        answers
    }

    fn delivered(&self, out: &Outgoing, answers: Vec<Answer>) {
        let delivery = Delivery {
            operation: out.operation,
            about: out.about.clone(),
            request: out.request.clone(),
            answers,
            at: Utc::now(),
        };
        if out.operation == Operation::InboundWebhook && delivery.answers.iter().any(Answer::is_success) {
            locked(&self.taken).entry(out.about.clone()).or_insert(delivery.at);
        }
        remember(&self.deliveries, delivery, self.remembers);
        self.changed("callback", &out.about);
    }

    fn hold(self: &Arc<Self>, out: Outgoing) {
        let ticket = rand::random::<u64>();
        locked(&self.held).push((ticket, out));
        let core = Arc::clone(self);
        self.background.spawn(async move {
            tokio::time::sleep(LONGEST_HOLD).await;
            let late = {
                let mut held = locked(&core.held);
                let at = held.iter().position(|(known, _)| *known == ticket);
                at.map(|at| held.remove(at))
            };
            if let Some((_, out)) = late {
                core.deliver(out).await;
            }
        });
    }

    async fn release(&self) {
        let held = std::mem::take(&mut *locked(&self.held));
        for (_, out) in held {
            self.deliver(out).await;
        }
    }
}
