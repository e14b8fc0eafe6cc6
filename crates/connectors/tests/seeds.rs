//! The fuzzer's targets over its seeds, without the fuzzer. How to run it for longer: `docs/FUZZING.md`.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the fuzzer's own crate takes the targets from here")]
mod checks;

fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files.filter_map(|file| Some(file.ok()?.path())).collect()
}

#[test]
fn every_seed_of_every_target_holds() {
    for (name, target) in checks::TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in seeds {
            let data = fs::read(&seed).unwrap();
            assert!(catch_unwind(|| target(&data)).is_ok(), "{} breaks {name}", seed.display());
        }
    }
}

/// Cut short and with bytes changed, a seed reaches the ways out that it does not take itself.
#[test]
fn every_seed_holds_when_it_is_damaged() {
    for (name, target) in checks::TARGETS {
        for seed in seeds(name) {
            let data = fs::read(&seed).unwrap();
            for step in 1..4 {
                let at = data.len() * step / 4;
                let mut damaged = data.clone();
                if let Some(byte) = damaged.get_mut(at) {
                    *byte = byte.wrapping_mul(31).wrapping_add(7);
                }
                for input in [&data[..at], &damaged] {
                    assert!(
                        catch_unwind(|| target(input)).is_ok(),
                        "{} breaks {name}: {input:?}",
                        seed.display()
                    );
                }
            }
        }
    }
}
