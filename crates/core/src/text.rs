//! Texts: what Postgres cannot hold, and when two texts are the same message.

use crate::segments;
use serde_json::Value;

/// Takes out NUL characters, which neither `text` nor `jsonb` can hold.
pub fn clean(text: &str) -> String {
    text.replace('\0', "")
}

/// Takes NUL characters out of every string and key of a payload.
pub fn clean_json(value: Value) -> Value {
    // Hardly any payload has one, and to look costs less than to make it anew.
    if is_clean(&value) { value } else { cleaned(value) }
}

fn is_clean(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter().all(is_clean),
        Value::Object(fields) => fields.iter().all(|(key, item)| !key.contains('\0') && is_clean(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(cleaned).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, item)| (clean(&key), cleaned(item))).collect())
        }
        other => other,
    }
}

/// Whether a text seen at a provider can be the one that we sent.
///
/// Providers change bodies: trial accounts put a line in front, smart encoding replaces typographic characters, white
/// space at the ends gets lost.
pub fn same_text(sent: &str, seen: &str) -> bool {
    let (sent, seen) = (plain(sent), plain(seen));
    // A trial prefix ends in a space; a short text must not match the tail of any longer one.
    seen == sent
        || (!sent.is_empty()
            && seen.to_lowercase().contains("trial account")
            && seen.ends_with(&format!(" {sent}")))
}

/// The text with typographic characters as smart encoding writes them, and single spaces.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match segments::plain(c) {
            _ if c.is_whitespace() => out.push(' '),
            Some(plain) => out.push_str(plain),
            None => out.push(c),
        }
    }
    out.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The first `count` characters.
pub fn first_chars(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_survives_what_providers_do_to_it() {
        for (sent, seen) in [
            ("Hello", "Hello"),
            ("It\u{2019}s \u{201C}ready\u{201D} \u{2014} soon\u{2026}", "It's \"ready\" - soon..."),
            ("line one\nline two ", "line one\r\nline two"),
            ("Hi", "Sent from your SignalWire trial account - Hi"),
            ("", ""),
        ] {
            assert!(same_text(sent, seen), "{sent:?} is {seen:?}");
        }
    }

    #[test]
    fn different_texts_stay_different() {
        for (sent, seen) in [
            ("Hi", "Oh Hi"),
            ("ok", "OK"),
            ("", "trial account "),
            ("1 2", "12"),
            ("yes", "trial account eyes"),
        ] {
            assert!(!same_text(sent, seen), "{sent:?} is not {seen:?}");
        }
    }

    #[test]
    fn nul_characters_are_taken_out_everywhere() {
        assert_eq!(clean("a\0b"), "ab");
        assert_eq!(clean_json(json!({"k\u{0}": ["\u{0}x", 1]})), json!({"k": ["x", 1]}));
    }
}
