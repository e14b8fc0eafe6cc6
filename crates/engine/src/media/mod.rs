//! Files of messages: kept by us, between the vendor that has them and the one that gets them.
//!
//! * [`store`] — where they are kept: a folder, or S3.
//! * [`url`] — addresses of ours at which a provider fetches a file, signed and for a while.
//! * [`kind`] — what a file is, and what it is called.
//! * [`attach`] — the files of a message made ready for the side that it goes to.
//! * [`picture`] — images made smaller.

pub mod attach;
pub mod kind;
mod picture;
mod store;
pub mod url;

pub use store::{Body, Media};

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Most bytes of one file that is fetched: what Front takes, in either direction.
pub const LARGEST: u64 = 25_000_000;

/// Where a file of a message is kept. Our ids of messages hold numbers of people, which have no place in a path.
pub fn key(channel: &str, external_id: &str, nth: usize) -> String {
    let mut name = String::new();
    for byte in &Sha256::digest(external_id)[..16] {
        // Writing to a string cannot fail.
        write!(name, "{byte:02x}").unwrap_or_default();
    }
    format!("{channel}/{name}/{nth}")
}
