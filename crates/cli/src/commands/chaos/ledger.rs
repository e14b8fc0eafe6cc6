//! What agents have put in: for each conversation the messages that Twinwire took, in the order in which it took them.

use super::files::File;
use super::plan::Ending;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message that an agent wrote, for one of its recipients.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Front's id of it.
    pub(super) id: String,
    /// Front's other id of it.
    pub(super) uid: String,
    pub(super) text: String,
    pub(super) files: Vec<File>,
    pub(super) ending: Ending,
    /// Whether this conversation is the one in which the message stands at Front; the others know only its effect.
    pub(super) at_home: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Ledger(Vec<Mutex<Vec<Taken>>>);

impl Ledger {
    pub(super) fn new(conversations: usize) -> Self {
        Self((0..conversations).map(|_| Mutex::default()).collect())
    }

    pub(super) fn take(&self, conversation: usize, taken: Taken) {
        self.of(conversation).push(taken);
    }

    /// Those of a conversation.
    pub(super) fn read(&self, conversation: usize) -> Vec<Taken> {
        self.of(conversation).clone()
    }

    fn of(&self, conversation: usize) -> MutexGuard<'_, Vec<Taken>> {
        self.0[conversation].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
