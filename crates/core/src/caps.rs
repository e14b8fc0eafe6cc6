//! What a vendor's side can do, as data: the planner asks nothing else about a vendor.

use std::time::Duration;

/// Whether a side can be asked if a delivery of unknown outcome happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// It lists its messages.
    Always,
    /// Only for a conversation whose id at that side is known.
    KnownThread,
    /// It cannot be asked.
    Never,
}

/// Where a side cannot be asked: which end of an uncertain delivery is worse for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// The same message twice: park it and ask the operator.
    Twice,
    /// The message not at all: deliver again.
    Never,
}

/// What a side can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// See [`LookUp`].
    pub look_up: LookUp,
    /// See [`Worse`].
    pub worse: Worse,
    /// How long after the begin of an uncertain delivery a look-up is trusted: longer than our request's time-out
    /// plus the time after which the vendor shows what it accepted.
    pub settling: Duration,
    /// Longest text that the side takes in one message, in characters.
    pub longest_text: Option<usize>,
    /// Whether it keeps a list of its own of who opted out, and refuses what goes to them. Where not, the engine does.
    pub keeps_opt_outs: bool,
    /// Whether it can show its users that a channel does not work at present.
    pub shows_standing: bool,
}
