//! The spans of a message's life, from its webhook to the provider's last word, in whatever process they happen.
//!
//! Nothing has to be kept to tell which trace a span belongs to: its id is made from the message's own, with the
//! installation's key, so that a process that takes over, a poll and a callback of next week all find the same one, and
//! nobody can try which number an id was made from. Spans carry ids of ours and words of ours, and nothing else.

use crate::Engine;
use hmac::Mac;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;
use twinwire_core::model::{Message, log_id};

/// What the key of the ids is for.
const PURPOSE: &str = "ids of traces";

/// Takes spans that have ended. Must not wait.
pub trait Spans: Send + Sync {
    /// A span has ended.
    fn ended(&self, span: Span);
}

/// Where a span happened, seen from its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// We were called.
    Server,
    /// We called.
    Client,
    /// Neither.
    Internal,
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Span {
    /// The message's trace.
    pub trace: [u8; 16],
    /// Its own id.
    pub id: [u8; 8],
    /// What it is a part of.
    pub parent: Option<[u8; 8]>,
    /// What it is: `message`, `ingest`, `callback`, `converge`, `call` or `apply`.
    pub name: &'static str,
    /// Where it happened.
    pub kind: Kind,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// Whether it failed.
    pub failed: bool,
    /// Names and ids.
    pub attributes: Vec<(&'static str, String)>,
}

/// What a span is a part of.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    trace: [u8; 16],
    parent: [u8; 8],
    channel: Arc<str>,
    row: Arc<str>,
}

impl Within {
    /// A message, by the channel's public id and our id of it; none while nobody takes spans.
    pub(crate) fn message(engine: &Engine, channel: &str, external_id: &str) -> Option<Self> {
        engine.spans()?;
        let mut mac = engine.key().derived(PURPOSE);
        for part in [channel, external_id] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let digest = mac.finalize().into_bytes();
        let (trace, rest) = digest.split_first_chunk::<16>()?;
        let parent = rest.first_chunk::<8>()?;
        let row = log_id(external_id).into();
        Some(Self { trace: *trace, parent: *parent, channel: channel.into(), row })
    }
}

/// A span that goes on; of nothing, while nobody takes spans.
pub(crate) struct Open(Option<(Arc<dyn Spans>, Span, Within)>);

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Open").field(&self.0.as_ref().map(|(_, span, _)| span.name)).finish()
    }
}

impl Open {
    /// Begins a span.
    pub(crate) fn begin(engine: &Engine, within: Option<&Within>, name: &'static str, kind: Kind) -> Self {
        let Some((spans, within)) = engine.spans().zip(within) else { return Self(None) };
        let now = SystemTime::now();
        let span = Span {
            trace: within.trace,
            id: rand::random(),
            parent: Some(within.parent),
            name,
            kind,
            began: now,
            ended: now,
            failed: false,
            attributes: vec![
                ("twinwire.channel", within.channel.to_string()),
                ("twinwire.message", within.row.to_string()),
            ],
        };
        Self(Some((spans, span, within.clone())))
    }

    /// The span of the whole message, which all others are parts of. Whoever sees its end writes it.
    fn whole(engine: &Engine, within: Option<&Within>, began: SystemTime) -> Self {
        let mut open = Self::begin(engine, within, "message", Kind::Internal);
        if let Some((_, span, within)) = &mut open.0 {
            (span.id, span.parent, span.began) = (within.parent, None, began);
        }
        open
    }

    /// Ends the span of a whole message, which arrived or was put aside: `failed`.
    pub(crate) fn whole_ended(engine: &Engine, channel: &str, row: &Message, failed: bool) {
        let message = Within::message(engine, channel, &row.external_id);
        Self::whole(engine, message.as_ref(), row.seen_at.into()).end(failed);
    }

    /// The same, begun earlier.
    #[must_use]
    pub(crate) fn since(mut self, began: SystemTime) -> Self {
        if let Some((_, span, _)) = &mut self.0 {
            span.began = began;
        }
        self
    }

    /// The same with a word more: an id, or a word of ours.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, word: &str) -> Self {
        if let Some((_, span, _)) = &mut self.0 {
            span.attributes.push((name, word.to_owned()));
        }
        self
    }

    /// For spans that are parts of this one.
    pub(crate) fn within(&self) -> Option<Within> {
        let (_, span, within) = self.0.as_ref()?;
        Some(Within { parent: span.id, ..within.clone() })
    }

    /// Ends it.
    pub(crate) fn end(self, failed: bool) {
        if let Some((spans, mut span, _)) = self.0 {
            (span.ended, span.failed) = (SystemTime::now(), failed);
            spans.ended(span);
        }
    }
}
