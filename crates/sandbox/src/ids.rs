//! Identifiers that look like the vendors': a counter, scrambled with the double's seed.

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Ids {
    seed: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Ids {
        Ids { seed, next: AtomicU64::new(1) }
    }

    /// One step of splitmix64: different for every call, the same for the same seed.
    fn scrambled(&self) -> u64 {
        let step = self.next.fetch_add(1, Ordering::Relaxed);
        let mut z = self.seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A Front resource id: a prefix and base 36.
    pub(crate) fn front(&self, prefix: &str) -> String {
        let mut rest = self.scrambled();
        let mut id = prefix.to_owned();
        while rest > 0 {
            let digit = u32::try_from(rest % 36).unwrap_or_default();
            id.extend(char::from_digit(digit, 36));
            rest /= 36;
        }
        id
    }

    /// 32 hexadecimal digits: a Front message uid, a Twilio id behind its two letters.
    pub(crate) fn uid(&self) -> String {
        format!("{:016x}{:016x}", self.scrambled(), self.scrambled())
    }

    /// A `SignalWire` sid: a version 4 UUID.
    pub(crate) fn uuid(&self) -> String {
        let (a, b) = (self.scrambled(), self.scrambled());
        let (high, mid, low) = (a >> 32, (a >> 16) & 0xffff, a & 0xfff);
        let (variant, node) = (0x8000 | ((b >> 48) & 0x3fff), b & 0xffff_ffff_ffff);
        format!("{high:08x}-{mid:04x}-4{low:03x}-{variant:04x}-{node:012x}")
    }
}
