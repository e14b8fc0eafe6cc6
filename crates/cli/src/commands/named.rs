//! Messages as operators name them, and how they are shown to them.

use crate::{Failure, output};
use sqlx::PgPool;
use twinwire_core::explain::Next;
use twinwire_store::story::{self, Found};

/// Messages of one name at most: one helpdesk message to more people than that is not looked at one by one.
const MOST: i64 = 100;
/// How an operator finds a message.
const FIND: &str = "  twinwire sql \"select seq, occurred_at, direction, helpdesk_message_id,
    provider_message_id from messages where external_conversation_id = '+1…'
    order by occurred_at desc limit 20\"";
/// Columns of a terminal.
pub(crate) const WIDTH: usize = 80;

/// Every message of a name.
pub(crate) async fn all(pool: &PgPool, name: &str) -> Result<Vec<Found>, Failure> {
    if name.trim().is_empty() {
        return Err(Failure::Usage("the message's id is empty".to_owned()));
    }
    let found = story::find(pool, name.trim(), MOST).await?;
    if found.is_empty() { Err(unknown(pool, name.trim()).await?) } else { Ok(found) }
}

/// The one message of a name.
pub(crate) async fn one(pool: &PgPool, name: &str) -> Result<Found, Failure> {
    let mut found = all(pool, name).await?;
    if found.len() > 1 {
        let list: Vec<String> = found.iter().map(|one| one.seq.to_string()).collect();
        return Err(Failure::Usage(format!(
            "{name} is {} messages, one to each recipient or part: name one of {}; `twinwire why {name}` shows them",
            found.len(),
            list.join(", ")
        )));
    }
    // There is at least one, or it would have been unknown.
    found.pop().ok_or_else(|| Failure::Failed(anyhow::anyhow!("the message is gone")))
}

async fn unknown(pool: &PgPool, name: &str) -> Result<Failure, Failure> {
    let there = match story::at_provider(pool, name).await? {
        Some(true) => {
            " The provider has it, and it may be a send of unknown outcome: it waits until that is settled."
        }
        Some(false) => " The provider has it, but it is no message of a channel.",
        None => "",
    };
    let words = format!(
        "no message is named {name}: it is none of our ids, none of the helpdesk's, none of the provider's and no \
         number of a message.{there} Find it by the customer's number:"
    );
    // What complains puts a word of its own before the first line.
    let words = wrapped(&words, "error: ", "").join("\n");
    Ok(Failure::Failed(anyhow::anyhow!("{}\n{FIND}", words.trim_start_matches("error: "))))
}

/// Prints what happens next, for people.
pub(crate) fn say_next(next: &Next) {
    for line in next_lines(next) {
        output::say(&line);
    }
}

/// What happens next in lines.
pub(crate) fn next_lines(next: &Next) -> Vec<String> {
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
