//! Bytes into choices.

use chrono::{DateTime, TimeDelta, Utc};

/// The line of options, and what comes after it.
pub(crate) fn split(data: &[u8]) -> (Input<'_>, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (Input(&data[..end]), data.get(end + 1..).unwrap_or_default())
}

/// The first `N` lines, each without its end, and what comes after them.
pub(crate) fn lines<const N: usize>(data: &[u8]) -> ([String; N], &[u8]) {
    let mut rest = data;
    let lines = std::array::from_fn(|_| {
        let (line, after) = split(rest);
        rest = after;
        String::from_utf8_lossy(line.0).into_owned()
    });
    (lines, rest)
}

/// Choices, one byte each. What is not there any more is zero.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl Input<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte; digits stand for what they say, so that seeds can be written by hand.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first.wrapping_sub(b'0')
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// Sometimes nothing.
    pub(crate) fn maybe<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let at = usize::from(self.byte()) % (of.len() + 1);
        at.checked_sub(1).map(|at| of[at])
    }

    pub(crate) fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A time around `now`, near or far.
    pub(crate) fn time(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        let unit = self.pick(&[1, 60, 3600]);
        now + TimeDelta::seconds((i64::from(self.byte()) - 128) * unit)
    }
}
