//! What happened to a message and what happens next, in words for an operator. Pure: the facts come from the tables.

mod facts;
mod next;
mod story;
mod times;

pub use facts::{files, part};
pub use next::{Next, Place, Situation, Worked, next, told};
pub use story::{News, came, news, noted, tried};
pub use times::clock;
pub(crate) use times::lasted;

use serde::Serialize;

/// A value's word, as it stands in the tables.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
