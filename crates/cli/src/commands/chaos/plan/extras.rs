//! What some messages have beside a short text: files, or a text that is too long for one message of a provider.

use super::super::args::Args;
use super::super::files::File;
use super::messages::{Ending, Planned, What};
use rand::RngExt;
use rand::rngs::StdRng;
use std::fmt::Write;

/// Every so many messages of agents one is long.
const LONG_EVERY: usize = 40;
/// How those end, in turn.
const LONG_ENDINGS: [Ending; 4] = [Ending::Delivered, Ending::Refused, Ending::Delivered, Ending::FailsLater];
/// What a provider takes in one message.
pub(in super::super) const LONGEST: usize = 1_600;

/// Gives messages their files and some agents more to say.
pub(super) fn add(args: &Args, messages: &mut [Planned], chance: &mut StdRng) {
    // The first one comes early, so that a short run has one.
    let mut agents = LONG_EVERY - chance.random_range(1..=LONG_EVERY / 2);
    for (nth, planned) in messages.iter_mut().enumerate() {
        let has_files = chance.random_bool(args.files);
        match &mut planned.what {
            What::Agent { text, files, ending, .. } => {
                *files = some(has_files, nth, chance);
                agents += 1;
                if agents.is_multiple_of(LONG_EVERY) {
                    let turn = agents / LONG_EVERY - 1;
                    let short = text.replace(ending.mark(), "");
                    *ending = LONG_ENDINGS[turn % LONG_ENDINGS.len()];
                    *text = lengthened(&short, *ending, turn, chance);
                }
            }
            What::Customer { files, text_in_a_part, .. } => {
                *files = some(has_files, nth, chance);
                *text_in_a_part = chance.random_bool(args.files);
            }
            What::Application { .. } | What::Stranger { .. } => {}
        }
    }
}

fn some(any: bool, nth: usize, chance: &mut StdRng) -> Vec<File> {
    let count = if any { chance.random_range(1..=2) } else { 0 };
    (1..=count).map(|file| File::draw(&format!("file {file} of message {nth}"), chance)).collect()
}

/// A text for two or three messages. The mark of its ending stands in the first of them or in the last, and nowhere near
/// a place where it is cut.
fn lengthened(short: &str, ending: Ending, turn: usize, chance: &mut StdRng) -> String {
    let whole_ones = chance.random_range(1..=2);
    let length = whole_ones * LONGEST + chance.random_range(200..1_300);
    let marks =
        if (turn / LONG_ENDINGS.len()).is_multiple_of(2) { [ending.mark(), ""] } else { ["", ending.mark()] };
    let mut text = format!("{short}{} at length:", marks[0]);
    for word in 0.. {
        if text.len() >= length {
            break;
        }
        // Writing to a string cannot fail.
        write!(text, " word{word}").unwrap_or_default();
    }
    text + marks[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_long_text_has_its_mark_once() {
        let mut chance = StdRng::seed_from_u64(1);
        for turn in 0..8 {
            let text = lengthened("#1 from an agent", Ending::Refused, turn, &mut chance);
            assert!((1_700..4_700).contains(&text.len()), "{}", text.len());
            assert_eq!(text.matches(Ending::Refused.mark()).count(), 1, "{text}");
            assert_eq!(text.ends_with(Ending::Refused.mark()), turn >= 4, "{text}");
        }
    }
}
