//! HTTP as values: what a vendor sent us, what we would send a vendor, and what came back. No I/O.

use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;
use std::time::Duration;

/// Methods that vendors' APIs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request to a vendor. Its `Debug` shows neither headers nor body: they carry credentials and texts.
#[derive(Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Whole URL.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Body, with its content type among the headers.
    pub body: Vec<u8>,
    /// How long to wait for the whole answer.
    pub timeout: Duration,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.method.as_str(), self.body.len())
    }
}

/// What came back from a vendor, or did not.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer.
    Answer(Answer),
    /// The request certainly never reached the vendor: no connection could be made.
    NotSent(String),
    /// The request may have been acted on, and no answer came: time-out, reset, a broken answer.
    NoAnswer(String),
}

impl Reply {
    /// How far the clock of whoever answered is ahead of ours, which says `now`. Answers carry whole seconds, so that they
    /// are half a second late on average.
    pub fn ahead(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let Self::Answer(answer) = self else { return None };
        let date = DateTime::parse_from_rfc2822(answer.header("date")?.trim()).ok()?;
        Some(date.to_utc() + TimeDelta::milliseconds(500) - now)
    }
}

/// An HTTP answer, from a vendor or to one.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

impl Answer {
    /// An answer with JSON in it.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    /// An answer with a text of the given content type.
    pub fn of(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether the status says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The wait that the answer asks for, when it names one in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?
            .trim()
            .parse::<f64>()
            .ok()
            .and_then(|s| Duration::try_from_secs_f64(s).ok())
    }
}

/// A request that a vendor made to us, as received. Verified before anything in it is believed.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    /// Which of the vendor's hooks: the last fixed part of the path (`authorization`, `message`, `inbound`, `status`).
    pub name: &'a str,
    /// GET, POST, DELETE …
    pub method: &'a str,
    /// The URL that the vendor called: the configured public base with the path and query exactly as received.
    pub url: &'a str,
    /// Header names in lower case, and values.
    pub headers: &'a [(String, String)],
    /// Body, byte for byte.
    pub body: &'a [u8],
}

impl fmt::Debug for Hook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.name, self.body.len())
    }
}

impl Hook<'_> {
    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(self.headers, name)
    }

    /// The part of the URL after `?`, as received.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
