//! Messages as they are shown to operators: in lines of a terminal, without numbers where they are not asked for.

use crate::output;
use twinwire_api::admin::messages::view::NextView;

/// Columns of a terminal.
pub(crate) const WIDTH: usize = 80;

/// Prints what happens next, for people.
pub(crate) fn say_next(next: &NextView) {
    for line in next_lines(next) {
        output::say(&line);
    }
}

/// What happens next in lines.
pub(crate) fn next_lines(next: &NextView) -> Vec<String> {
    let words = next.words.iter().flat_map(|words| wrapped(words, "  ", "  "));
    words.chain(next.commands.iter().map(|command| format!("    {command}"))).collect()
}

/// Breaks words into lines of a terminal, `first` before the first one and `rest` before the others. A word that is
/// longer than a line is broken: only strangers' words are.
pub(crate) fn wrapped(text: &str, first: &str, rest: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), first.to_owned());
    let mut empty = true;
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        while !word.is_empty() {
            let used = line.chars().count() + usize::from(!empty);
            if used + word.chars().count() <= WIDTH {
                if !empty {
                    line.push(' ');
                }
                line.push_str(&word);
                empty = false;
                break;
            }
            if empty {
                let fits = WIDTH.saturating_sub(used).max(1);
                line.extend(word.chars().take(fits));
                word = word.chars().skip(fits).collect();
            }
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            empty = true;
        }
    }
    if !empty || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// A text without phone numbers: of each only the last two digits stay.
pub(crate) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('+') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        if digits < 7 {
            out.push('+');
            rest = after;
            continue;
        }
        out.push('…');
        out.push_str(&after[digits - 2..digits]);
        rest = &after[digits..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, masked, wrapped};

    #[test]
    fn numbers_are_shortened_and_nothing_else() {
        for (text, shown) in [
            ("msg_1-+12025550147", "msg_1-…47"),
            ("from +12015550123 to +12025550147.", "from …23 to …47."),
            ("1 + 2 = 3, +123456", "1 + 2 = 3, +123456"),
            ("c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13", "c1f0a6d2-3b44-4f7a-8e21-9a5b7c6d0e13"),
            ("", ""),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn no_line_is_longer_than_a_terminal_is_wide() {
        for text in ["", "word", &"word ".repeat(50), &"x".repeat(300), &format!("a {} b", "é".repeat(100))]
        {
            let lines = wrapped(text, "  first ", "        ");
            assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
            assert_eq!(letters(&lines.concat()), letters(text) + "first".len());
        }
    }
}
