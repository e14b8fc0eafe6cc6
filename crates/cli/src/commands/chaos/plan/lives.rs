//! How each worker lives, stands still and dies.

use super::super::args::Args;
use super::{LEASE, SETTLING, between};
use rand::RngExt;
use rand::rngs::StdRng;
use std::time::Duration;
use twinwire_engine::crash::POINTS;

/// What a start costs, roughly: a life is that much shorter.
const START: Duration = Duration::from_millis(600);
/// Shortest life.
const SHORTEST: Duration = Duration::from_millis(300);
/// How long a point may take to come up. A page of the list comes by seldom: each poll is made by one of the workers.
const WITHIN: Duration = Duration::from_secs(5);
const WITHIN_POLLS: Duration = Duration::from_secs(12);
const POLLING: &str = "poll_page_before_commit";
/// Every so many lives that end by a plain kill one stands still.
const STALL_EVERY: usize = 2;
/// Where workers stand still, in turn. A send that is held up between its begin and its start is the worst, for somebody
/// else may have looked it up in vain and sent it.
const STALL_AT: [&str; 8] = [
    "before_wire",
    "after_begin",
    "before_apply",
    "before_wire",
    "ingest_before_commit",
    "after_call",
    "before_begin",
    POLLING,
];

/// How a life ends.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum End {
    /// By SIGKILL after so long.
    Killed(Duration),
    /// By itself at the nth pass of a point; by SIGKILL if it does not come up.
    Dies { point: &'static str, pass: u32, within: Duration },
}

/// How a worker is merely slow: for longer than its lease, and two times of three at a point for longer than the
/// settling time, so that somebody else has looked up what it had begun.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Stall {
    /// It is stopped after so long, for so long.
    AtRandom { after: Duration, lasts: Duration },
    /// It stops itself at the nth pass of a point.
    At { point: &'static str, pass: u32, within: Duration, lasts: Duration },
}

/// One life of a worker.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Life {
    pub(in super::super) stall: Option<Stall>,
    pub(in super::super) end: End,
    /// How long its place stays empty then.
    pub(in super::super) pause: Duration,
}

/// The lives of every place. All of them end in a kill, and together they are as many as asked for.
pub(super) fn draw(args: &Args, lasts: Duration, chance: &mut StdRng) -> Vec<Vec<Life>> {
    let workers = args.workers as usize;
    let mut places = vec![Vec::new(); workers];
    let each = (lasts * args.workers / args.kills().max(1)).saturating_sub(START).max(SHORTEST);
    // From the worst one on: between the vendor's acceptance and our knowledge of it.
    let mut points = POINTS.iter().copied().cycle().skip(3);
    let mut stalls = STALL_AT.iter().copied().cycle();
    for nth in 0..args.kills() as usize {
        // The first life of a place is going on already: it cannot be told where to die.
        let first = nth < workers;
        let after = each.mul_f64(chance.random_range(0.3..1.5));
        let end = if first || nth.is_multiple_of(2) {
            End::Killed(after)
        } else {
            let point = points.next().unwrap_or(POINTS[0]);
            End::Dies { point, pass: pass(point, chance), within: within(point) }
        };
        // Lives with an even number end by a plain kill, so that a stall and a death do not get into each other's way.
        let stall = (!first && nth.is_multiple_of(2) && (nth / 2).is_multiple_of(STALL_EVERY))
            .then(|| stall(&mut stalls, nth, chance));
        places[nth % workers].push(Life { stall, end, pause: between(chance, 0, 400) });
    }
    places
}

fn stall(points: &mut impl Iterator<Item = &'static str>, nth: usize, chance: &mut StdRng) -> Stall {
    let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
    let short = between(chance, lease + 1_000, lease + 2_500);
    let long = SETTLING.mul_f64(chance.random_range(1.1..1.4));
    let nth = nth / 2 / STALL_EVERY;
    if nth.is_multiple_of(2) {
        return Stall::AtRandom { after: between(chance, 100, 1_500), lasts: short };
    }
    let point = points.next().unwrap_or(STALL_AT[0]);
    // Two of three: not in step with the points, so that each has both in turn.
    let lasts = if (nth / 2 + 1).is_multiple_of(3) { short } else { long };
    Stall::At { point, pass: pass(point, chance), within: within(point), lasts }
}

impl Life {
    /// How long it may take at most, its start and the empty place behind it included.
    pub(super) fn longest(&self) -> Duration {
        let stall = match self.stall {
            None => Duration::ZERO,
            Some(Stall::AtRandom { after, lasts }) => after + lasts,
            Some(Stall::At { within, lasts, .. }) => within + lasts,
        };
        let end = match self.end {
            End::Killed(after) => after,
            End::Dies { within, .. } => within,
        };
        START + stall + end + self.pause
    }
}

fn pass(point: &str, chance: &mut StdRng) -> u32 {
    if point == POLLING { 1 } else { chance.random_range(1..=3) }
}

fn within(point: &str) -> Duration {
    if point == POLLING { WITHIN_POLLS } else { WITHIN }
}
