//! Enums as the words that stand in the tables: the same words as their serde names.

use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The word for a value.
pub(crate) fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable_word(&other),
    }
}

fn unreachable_word(other: &impl std::fmt::Debug) -> String {
    debug_assert!(false, "only enums without fields stand in columns, not {other:?}");
    String::new()
}

/// The word for a value that may be missing.
pub(crate) fn word_of<T: Serialize>(value: Option<T>) -> Option<String> {
    value.map(word)
}

/// The value of a word.
pub(crate) fn value<T: DeserializeOwned>(column: &'static str, word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|_| Error::Word { column, value: word.to_owned() })
}

/// The value of a word that may be missing.
pub(crate) fn value_of<T: DeserializeOwned>(column: &'static str, word: Option<&str>) -> Result<Option<T>> {
    word.map(|word| value(column, word)).transpose()
}
