//! Twilio's error codes as data, `fixtures/errors.json`: code, class, when it comes, and what it means.
//!
//! Twilio splits and re-defines its codes over time and advises against branching on them (its changelog, read 2026-11), so
//! that one which is not in the table is judged by the HTTP status. Classes and words are ours.

use crate::codes::Codes;
use std::sync::LazyLock;

/// All that are known.
pub(super) static CODES: LazyLock<Codes> =
    LazyLock::new(|| Codes::read(include_str!("fixtures/errors.json")));
