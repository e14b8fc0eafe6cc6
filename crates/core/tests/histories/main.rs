//! Whole histories of the core against two simulated vendors that misbehave.
//!
//! Every history is drawn from a seed: several messages in both directions in two conversations, with the same few
//! texts again and again, and other apps that send them too. Calls are refused, throttled, time out before and after
//! they took effect, and the process dies at every point; callbacks and notices get lost, doubled and reordered. After
//! that the world calms down, and [`verdict`] says whether the two sides ended in step.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failing test may say so loudly"
)]

mod shell;
mod verdict;
mod world;

use shell::{Safeguards, Setup, Shell};
use std::time::Duration;
use twinwire_core::caps::{Caps, LookUp, Worse};

const fn caps(look_up: LookUp, worse: Worse) -> Caps {
    let settling = Duration::from_secs(60);
    Caps { look_up, worse, settling, longest_text: None, keeps_opt_outs: false, shows_standing: false }
}

const LISTS: Caps = caps(LookUp::Always, Worse::Twice);
const KNOWN_THREAD: Caps = caps(LookUp::KnownThread, Worse::Never);
const BLIND_TWICE_IS_WORSE: Caps = caps(LookUp::Never, Worse::Twice);
const BLIND_NEVER_IS_WORSE: Caps = caps(LookUp::Never, Worse::Never);

const ALL_ON: Safeguards =
    Safeguards { keeps_doubt: true, looks_up: true, binds_echoes: true, keeps_turn: true };
const USUAL: Setup = Setup { provider: LISTS, helpdesk: KNOWN_THREAD, safeguards: ALL_ON };

fn history(seed: u64, setup: Setup) -> Result<Shell, String> {
    let mut shell = Shell::new(seed, setup);
    shell.live();
    verdict::of(&shell).map(|()| shell)
}

/// Runs the histories of many seeds; a violation names its seed. Returns what they were about, to show that they were
/// about something.
fn histories(first: u64, count: u64, setup: Setup) -> Totals {
    let mut totals = Totals::default();
    for seed in first..first + count {
        match history(seed, setup) {
            Ok(shell) => totals.add(&shell),
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    println!("{count} histories: {totals:?}");
    totals
}

#[derive(Debug, Default)]
struct Totals {
    rows: usize,
    calls: u64,
    crashes: u64,
    uncertain: usize,
    parked: usize,
    echoes: usize,
    blind: u32,
    noted: usize,
}

impl Totals {
    fn add(&mut self, shell: &Shell) {
        use twinwire_core::model::{BoundBy, Parked, Told};
        let count = |test: &dyn Fn(&twinwire_core::model::Message) -> bool| {
            shell.rows.iter().filter(|row| test(row)).count()
        };
        self.rows += shell.rows.len();
        self.calls += shell.calls;
        self.crashes += shell.crashes;
        self.uncertain += count(&|row| row.parked == Some(Parked::Uncertain));
        self.parked += count(&|row| row.parked.is_some());
        self.echoes += count(&|row| row.bound_by == Some(BoundBy::Echo));
        self.noted += count(&|row| row.helpdesk_status == Some(Told::Noted));
        self.blind += shell.blind.values().sum::<u32>();
    }
}

#[test]
fn with_a_look_up_on_both_sides_they_end_in_step() {
    let totals = histories(1, 16_000, USUAL);
    assert!(
        totals.crashes > 0 && totals.echoes > 0 && totals.noted > 0 && totals.uncertain > 0,
        "{totals:?}"
    );
}

#[test]
fn without_a_look_up_and_twice_worse_nothing_is_delivered_twice() {
    let setup = Setup { provider: BLIND_TWICE_IS_WORSE, helpdesk: BLIND_TWICE_IS_WORSE, ..USUAL };
    let totals = histories(1_000_001, 6_000, setup);
    assert!(totals.uncertain > 0 && totals.blind == 0, "{totals:?}");
}

#[test]
fn without_a_look_up_and_never_worse_nothing_is_lost() {
    let setup = Setup { provider: BLIND_NEVER_IS_WORSE, helpdesk: BLIND_NEVER_IS_WORSE, ..USUAL };
    let totals = histories(2_000_001, 6_000, setup);
    assert!(totals.blind > 0, "{totals:?}");
}

#[test]
fn a_history_is_the_same_each_time() {
    let ends = |seed| history(seed, USUAL).unwrap().rows;
    for seed in 1..=20 {
        assert_eq!(ends(seed), ends(seed), "seed {seed}");
    }
}

/// The first seed whose history breaks.
fn breaks(safeguards: Safeguards) -> String {
    let setup = Setup { safeguards, ..USUAL };
    let broken =
        (1..=2_000).find_map(|seed| history(seed, setup).err().map(|why| format!("seed {seed}: {why}")));
    let broken = broken.expect("the safeguard makes no difference in 2000 histories");
    println!("{broken}");
    broken
}

#[test]
fn without_keeping_the_doubt_at_begin_the_history_breaks() {
    let broken = breaks(Safeguards { keeps_doubt: false, ..ALL_ON });
    assert!(broken.contains("twice"), "{broken}");
}

#[test]
fn without_looking_up_the_history_breaks() {
    let broken = breaks(Safeguards { looks_up: false, ..ALL_ON });
    assert!(broken.contains("twice") || broken.contains("and it was delivered"), "{broken}");
}

#[test]
fn without_binding_echoes_the_history_breaks() {
    let broken = breaks(Safeguards { binds_echoes: false, ..ALL_ON });
    assert!(broken.contains("own message was imported") || broken.contains("twice"), "{broken}");
}

#[test]
fn without_keeping_the_turn_the_history_breaks() {
    let broken = breaks(Safeguards { keeps_turn: false, ..ALL_ON });
    assert!(broken.contains("order"), "{broken}");
}
