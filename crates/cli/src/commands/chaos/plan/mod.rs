//! Everything that chance decides, drawn from the seed before anything starts.

mod extras;
mod lives;
mod messages;

pub(super) use extras::LONGEST;
pub(super) use lives::{End, Life, Stall};
pub(super) use messages::{Ending, Planned, PutIn, PutInAt, What};

use super::args::Args;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;
use twinwire_postgres::Crash;

/// How long the workers leave an unknown outcome before they look it up. Everything that a double puts off (half a second
/// at most) and the latest start of a call (a third of this) lie well below it, as they do in earnest with a minute.
pub(super) const SETTLING: Duration = Duration::from_secs(8);
/// The workers' lease.
pub(super) const LEASE: Duration = Duration::from_secs(2);
/// How often the workers poll.
pub(super) const POLL: Duration = Duration::from_secs(3);
/// A vendor is away as a whole once in so long.
const OUTAGE_EVERY: Duration = Duration::from_secs(12);

/// A run is given up when it takes so many times as long as it should.
pub(super) const OVERTIME: u32 = 4;

/// One of the vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    Front,
    /// The one at this place of the providers.
    Provider(usize),
}

/// Seeds of a double.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seeds {
    pub(super) ids: u64,
    pub(super) faults: u64,
}

/// How a vendor is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// 503 to everybody.
    Down,
    /// Nobody listens.
    Shut,
    /// 401 to everybody.
    Refusing,
}

/// A time in which a vendor is away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) at: Duration,
    pub(super) vendor: Vendor,
    pub(super) how: Away,
    pub(super) lasts: Duration,
}

/// A crash of the database.
#[derive(Clone, Copy, Debug)]
pub(super) struct DatabaseCrash {
    /// When so much of all messages has been put in, from 0 to 1.
    pub(super) at: f64,
    pub(super) how: Crash,
    pub(super) down: Duration,
}

/// The plan of a run. Times count from the moment at which all is ready; traffic that waits for a kill shifts what is
/// still to come of it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) messages: Vec<Planned>,
    /// The lives of each worker's place, one after the other.
    pub(super) lives: Vec<Vec<Life>>,
    pub(super) outages: Vec<Outage>,
    pub(super) crashes: Vec<DatabaseCrash>,
    /// How long all of it may take, roughly.
    pub(super) length: Duration,
    pub(super) seeds_of_front: Seeds,
    pub(super) seeds_of_providers: Vec<Seeds>,
}

impl Plan {
    /// Each part has a stream of its own, so that more messages do not change the kills.
    pub(super) fn draw(args: &Args, providers: usize, seed: u64) -> Self {
        let mut root = StdRng::seed_from_u64(seed);
        let mut part = || StdRng::seed_from_u64(root.random());
        let (mut messages, mut lives, mut outages, mut crashes, mut seeds, mut extras) =
            (part(), part(), part(), part(), part(), part());
        let lasts = Duration::from_secs_f64(f64::from(args.messages) / args.rate);
        let lives = lives::draw(args, lasts, &mut lives);
        let longest = lives.iter().map(|lives| lives.iter().map(Life::longest).sum::<Duration>()).max();
        let length = lasts.max(longest.unwrap_or_default());
        let mut messages = messages::draw(args, &mut messages);
        extras::add(args, &mut messages, &mut extras);
        let mut double = || Seeds { ids: seeds.random(), faults: seeds.random() };
        Self {
            messages,
            lives,
            // For as long as the run can take; it ends them.
            outages: if args.faults > 0.0 {
                draw_outages(length * OVERTIME, providers, &mut outages)
            } else {
                Vec::new()
            },
            crashes: draw_crashes(args.crashes(), &mut crashes),
            length,
            seeds_of_front: double(),
            seeds_of_providers: (0..providers).map(|_| double()).collect(),
        }
    }
}

/// One in each stretch of time, so that they never overlap; each vendor is as likely as any other.
fn draw_outages(lasts: Duration, providers: usize, chance: &mut StdRng) -> Vec<Outage> {
    let mut all = Vec::new();
    let mut from = Duration::from_secs(2);
    while from + Duration::from_secs(4) < lasts {
        let at = from + between(chance, 0, 8_000);
        // Front has the last place.
        let vendor = Some(chance.random_range(0..=providers)).filter(|at| *at < providers);
        let vendor = vendor.map_or(Vendor::Front, Vendor::Provider);
        let how = [Away::Down, Away::Shut, Away::Refusing][chance.random_range(0..3)];
        let longest = if how == Away::Refusing { 2_000 } else { 3_000 };
        all.push(Outage { at, vendor, how, lasts: between(chance, 1_000, longest) });
        from += OUTAGE_EVERY;
    }
    all
}

/// One in each stretch of the run, in turn by a kill and by an immediate shutdown.
fn draw_crashes(count: u32, chance: &mut StdRng) -> Vec<DatabaseCrash> {
    let draw = |nth: u32| DatabaseCrash {
        at: (f64::from(nth) + chance.random_range(0.2..0.8)) / f64::from(count),
        how: if nth.is_multiple_of(2) { Crash::Kill } else { Crash::Immediate },
        down: between(chance, 0, 1_500),
    };
    (0..count).map(draw).collect()
}

/// Evenly between so many milliseconds.
fn between(chance: &mut StdRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(chance.random_range(from..to))
}
