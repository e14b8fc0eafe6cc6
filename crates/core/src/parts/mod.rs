//! A text that is too long for one message of the provider goes out as several, in order.
//!
//! Each part is a row of its own, so that each is sent, looked up and told about like any message. All of them have the
//! helpdesk's one id, and the helpdesk knows the message by the id of the first.

use crate::observe::Ordered;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// Parts that one text is sent in at most. A longer one was hardly meant for a phone.
pub const MOST: usize = 10;
/// Room for the number that stands before each part.
const NUMBER: usize = "(10/10) ".len();

/// Which part of a helpdesk's message a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    /// Counted from one.
    pub nth: u32,
    /// Of so many.
    pub of: u32,
}

impl Part {
    /// A message that is whole.
    pub const WHOLE: Self = Self { nth: 1, of: 1 };

    /// Whether it follows another part.
    pub fn follows(self) -> bool {
        self.nth > 1
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// Our id of a part. The first has the id of the whole.
fn id(whole: &str, part: Part) -> String {
    if part.follows() { format!("{whole}.{}", part.nth) } else { whole.to_owned() }
}

/// Our id of the whole, by which the helpdesk knows it.
pub fn whole_id(external_id: &str, part: Part) -> &str {
    let suffix = format!(".{}", part.nth);
    external_id.strip_suffix(&suffix).filter(|_| part.follows()).unwrap_or(external_id)
}

/// The orders that one order becomes where a message takes `longest` characters. Files go with the first. A text that
/// would need more than [`MOST`] parts stays whole, and is refused as too long.
pub fn split(order: Ordered, longest: usize) -> Vec<Ordered> {
    if order.body.chars().count() <= longest || longest <= NUMBER {
        return vec![order];
    }
    // Nothing that long is cut at all: it comes from outside, and may be as long as it likes.
    if order.body.chars().count() > MOST * longest {
        return vec![order];
    }
    let texts = cut(&order.body, longest - NUMBER);
    if texts.len() > MOST {
        return vec![order];
    }
    let of = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    let made = |(nth, text): (u32, &str)| {
        let part = Part { nth, of };
        let files = if part.follows() { Vec::new() } else { order.files.clone() };
        let names = order.second_choice.clone().map(|mut names| {
            names.external_id = id(&names.external_id, part);
            names
        });
        Ordered {
            external_id: id(&order.external_id, part),
            second_choice: names,
            body: format!("({nth}/{of}) {text}"),
            part,
            files,
            ..order.clone()
        }
    };
    (1..).zip(texts).map(made).collect()
}

/// Cuts a text where words end, or, where a word is longer than that, between two characters as people see them.
fn cut(text: &str, longest: usize) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = text.trim();
    while rest.chars().count() > longest {
        let at = place(rest, longest);
        let (before, after) = rest.split_at(at);
        texts.push(before.trim_end());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        texts.push(rest);
    }
    texts
}

/// Where to cut: behind the last word that ends within `longest` characters.
fn place(text: &str, longest: usize) -> usize {
    let mut room = longest;
    let mut end = 0;
    for grapheme in text.graphemes(true) {
        let width = grapheme.chars().count();
        if width > room {
            break;
        }
        room -= width;
        end += grapheme.len();
    }
    // One grapheme that is longer than a whole message: nothing is left but to cut it.
    if end == 0 {
        return text.char_indices().nth(longest).map_or(text.len(), |(at, _)| at);
    }
    if text[end..].starts_with(char::is_whitespace) {
        return end;
    }
    match text[..end].rfind(char::is_whitespace) {
        Some(space) if !text[..space].trim().is_empty() => space,
        _ => end,
    }
}

#[cfg(test)]
mod tests;
