//! SignalWire's error codes as data, `fixtures/errors.json`: code, class, when it comes, and what it means.
//!
//! The numbers are those of a better known vendor and often mean something else there. Classes and words are
//! ours.

use crate::codes::Codes;
use std::sync::LazyLock;

/// All that are known.
pub(super) static CODES: LazyLock<Codes> =
    LazyLock::new(|| Codes::read(include_str!("fixtures/errors.json")));
