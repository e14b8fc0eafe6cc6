//! Named points at which a test or a chaos run lets the process die as by `kill -9`.
//!
//! `TWINWIRE_CRASH_AT=after_begin` dies at the first pass, `after_begin:3` at the third. Nothing happens without it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static PLAN: OnceLock<Option<(String, u32)>> = OnceLock::new();
static PASSES: AtomicU32 = AtomicU32::new(0);

/// Dies here if this is the point and the pass that was asked for.
pub fn point(name: &str) {
    let plan = PLAN.get_or_init(|| {
        let asked = std::env::var("TWINWIRE_CRASH_AT").ok()?;
        let (point, pass) = asked.split_once(':').unwrap_or((&asked, "1"));
        Some((point.to_owned(), pass.parse().ok()?))
    });
    if let Some((point, pass)) = plan
        && point == name
        && PASSES.fetch_add(1, Ordering::SeqCst) + 1 == *pass
    {
        // No destructor runs, no buffer is flushed, no connection is closed in order.
        std::process::abort();
    }
}
