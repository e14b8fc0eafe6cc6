//! The safeguards by name, so that a proof can leave one out and show what it is for.
//!
//! A server always has all of them: nothing in the settings or the environment of `serve` takes one away. Only a chaos
//! run's own workers and the tests can.

use std::fmt;
use std::str::FromStr;

/// One safeguard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Safeguard {
    /// An unsafe act of unknown outcome is looked up before anything is tried again.
    Doubt,
    /// A process that lost its lease writes nothing any more.
    Fence,
    /// A message seen at the provider that can be our own send of unknown outcome is that send.
    Echo,
    /// One process at a time works a channel.
    Lease,
    /// A call that was held up between its begin and its start is not made any more.
    Start,
}

impl Safeguard {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Doubt, Self::Fence, Self::Echo, Self::Lease, Self::Start];

    /// Its name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Doubt => "doubt",
            Self::Fence => "fence",
            Self::Echo => "echo",
            Self::Lease => "lease",
            Self::Start => "start",
        }
    }
}

impl fmt::Display for Safeguard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Safeguard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
            format!("the safeguards are {}", names.join(", "))
        })
    }
}
