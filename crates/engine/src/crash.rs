//! Named points at which a test or a chaos run lets the process die as by `kill -9`, or stand still.
//!
//! `TWINWIRE_CRASH_AT=after_begin` dies at the first pass, `after_begin:3` at the third. `TWINWIRE_STALL_AT` stops the
//! whole process there, as a machine that swaps or is suspended would, until somebody sends it SIGCONT. Nothing happens
//! without them.

use nix::sys::signal::{Signal, raise};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The points, in the order in which a message passes them.
pub const POINTS: [&str; 7] = [
    "ingest_before_commit",
    "before_begin",
    "after_begin",
    "before_wire",
    "after_call",
    "before_apply",
    "poll_page_before_commit",
];

/// What is to happen, where, and at which pass.
struct Trap {
    point: String,
    pass: u32,
    passes: AtomicU32,
}

impl Trap {
    fn set(variable: &str) -> Option<Self> {
        let asked = std::env::var(variable).ok()?;
        let (point, pass) = asked.split_once(':').unwrap_or((&asked, "1"));
        Some(Self { point: point.to_owned(), pass: pass.parse().ok()?, passes: AtomicU32::new(0) })
    }

    fn springs(&self, name: &str) -> bool {
        self.point == name && self.passes.fetch_add(1, Ordering::SeqCst) + 1 == self.pass
    }
}

static DEATH: OnceLock<Option<Trap>> = OnceLock::new();
static STALL: OnceLock<Option<Trap>> = OnceLock::new();

/// What is written to standard error before a death, with the name of the point: nothing else dies with these words.
pub const LAST_WORDS: &str = "twinwire: dies at ";

/// A point that so many messages pass together: each is a pass, in whatever company it came.
pub fn points(name: &str, messages: usize) {
    for _ in 0..messages {
        point(name);
    }
}

/// Dies or stands still here if this is the point and the pass that was asked for.
pub fn point(name: &str) {
    let death = DEATH.get_or_init(|| Trap::set("TWINWIRE_CRASH_AT"));
    if death.as_ref().is_some_and(|trap| trap.springs(name)) {
        writeln!(std::io::stderr(), "{LAST_WORDS}{name}").ok();
        // No destructor runs, no buffer is flushed, no connection is closed in order.
        std::process::abort();
    }
    let stall = STALL.get_or_init(|| Trap::set("TWINWIRE_STALL_AT"));
    if stall.as_ref().is_some_and(|trap| trap.springs(name)) {
        raise(Signal::SIGSTOP).ok();
    }
}
