//! Whether a customer wants to be texted: the words by which people opt out of texts and in again.
//!
//! Carriers and providers act on these words (CTIA Messaging Principles; Twilio's list, read 2026-11), so they mean the
//! same here, everyday words as some of them are.

use serde::{Deserialize, Serialize};

/// What a customer said about being texted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// No more texts.
    Stop,
    /// Texts again.
    Start,
    /// Who is this, and how do I stop it.
    Help,
}

/// The words, each as the whole of a text. REVOKE and OPTOUT came in April 2025.
const WORDS: [(Word, &[&str]); 3] = [
    (Word::Stop, &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]),
    (Word::Start, &["START", "YES", "UNSTOP"]),
    (Word::Help, &["HELP", "INFO"]),
];

/// The word that a text is as a whole, in whatever case and with whatever space around it. A text that only holds such a
/// word says something else.
pub fn word(text: &str) -> Option<Word> {
    let text = text.trim();
    let is = |word: &&&str| text.eq_ignore_ascii_case(word);
    WORDS.iter().find(|(_, words)| words.iter().any(|word| is(&word))).map(|(word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_counts_in_any_case_and_with_space_around_it() {
        for (texts, is) in [
            (
                &[
                    "STOP",
                    "stop",
                    " Stop \n",
                    "StopAll",
                    "unsubscribe",
                    "CANCEL",
                    "end",
                    "quit",
                    "revoke",
                    "OptOut",
                ][..],
                Some(Word::Stop),
            ),
            (&["START", "yes", "\tunstop"][..], Some(Word::Start)),
            (&["help", "INFO "][..], Some(Word::Help)),
            (
                &["", "Stop it", "STOP.", "please stop", "stopp", "no", "yes please", "opt out", "the end"][..],
                None,
            ),
        ] {
            for text in texts {
                assert_eq!(word(text), is, "{text:?}");
            }
        }
    }
}
