//! Says what happens, as it happens: calm lines with the time since the start.

use crate::output;
use std::time::Instant;

/// Whom the lines are for.
pub(super) struct Narrator {
    began: Instant,
    print: fn(&str),
}

impl Narrator {
    /// Standard output is for the steps, unless a program reads it.
    pub(super) fn new(json: bool) -> Self {
        Self { began: Instant::now(), print: if json { output::complain } else { output::say } }
    }

    /// Somebody does something.
    pub(super) fn act(&self, who: &str, text: &str) {
        let seconds = self.began.elapsed().as_secs_f32();
        (self.print)(&format!("{seconds:>5.1}s  {who:<11}{text}"));
    }

    /// What came of it.
    pub(super) fn result(&self, text: &str) {
        self.act("", text);
    }

    /// A line without a time.
    pub(super) fn line(&self, text: &str) {
        (self.print)(text);
    }
}
