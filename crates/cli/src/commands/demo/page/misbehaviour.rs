//! What goes wrong with the next message, as chosen on the page.

use crate::commands::demo::cast::Cast;
use crate::commands::demo::script::{LANDLINE, REFUSED, UNKNOWN};
use crate::commands::demo::{LOOK_EVERY, PATIENCE};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use twinwire_sandbox::signalwire::Fate;
use twinwire_sandbox::{Fault, Operation, Rule, SignalWire};

/// How long SignalWire leaves a request open that it will not answer.
const HANGS: Duration = Duration::from_millis(1500);

/// Something that can go wrong once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// The webhook of a customer's text never comes.
    LoseWebhook,
    /// SignalWire refuses an agent's message.
    Refuse,
    /// SignalWire takes it, and it does not arrive.
    FailLater,
    /// SignalWire takes it, and never answers.
    TimeOut,
}

/// The trouble that waits for its message.
#[derive(Clone)]
pub(super) struct Misbehaviour {
    signalwire: SignalWire,
    next: Arc<Mutex<Trouble>>,
}

impl Misbehaviour {
    pub(super) fn new(cast: &Cast) -> Self {
        Self { signalwire: cast.signalwire.clone(), next: Arc::default() }
    }

    /// Chooses what goes wrong next; only one thing at a time.
    pub(super) fn choose(&self, trouble: Trouble) {
        let faults = self.signalwire.faults();
        faults.clear();
        match trouble {
            Trouble::None | Trouble::FailLater => {}
            Trouble::LoseWebhook => faults.add(Rule::new(Fault::Lost).on(Operation::InboundWebhook)),
            Trouble::Refuse => {
                let refusal = Fault::Refuse { status: REFUSED, code: LANDLINE.0, message: LANDLINE.1.into() };
                faults.add(Rule::new(refusal).on(Operation::SendMessage));
            }
            Trouble::TimeOut => {
                faults.add(Rule::new(Fault::TimeoutAfter(HANGS)).on(Operation::SendMessage));
            }
        }
        *self.lock() = trouble;
    }

    /// What still waits for its message.
    pub(super) fn waiting(&self) -> Trouble {
        let mut next = self.lock();
        if *next != Trouble::FailLater && self.signalwire.faults().waiting() == 0 {
            *next = Trouble::None;
        }
        *next
    }

    /// Before an agent's message to this number: a late failure is the fate of a number, not a fault.
    pub(super) fn befall(&self, contact: &str) {
        if self.waiting() != Trouble::FailLater {
            return;
        }
        *self.lock() = Trouble::None;
        let late =
            Fate::FailLater { code: UNKNOWN.0, message: UNKNOWN.1.into(), status: "undelivered".into() };
        let (before, began) = (self.signalwire.outbound_to(contact).len(), Instant::now());
        self.signalwire.script(contact, late);
        let (signalwire, contact) = (self.signalwire.clone(), contact.to_owned());
        tokio::spawn(async move {
            while signalwire.outbound_to(&contact).len() == before && began.elapsed() < PATIENCE {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            signalwire.script(&contact, Fate::Deliver);
        });
    }

    fn lock(&self) -> MutexGuard<'_, Trouble> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
