//! The body of a request that must not go out late.
//!
//! HTTP asks for a body once the connection stands and its first bytes are about to be written, so this is the last
//! moment at which our side can look at the clock. A vendor takes up no request whose body never comes.

use crate::crash;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Bytes that are handed over at a time. A standstill between two pieces is seen; one piece is gone in no time.
const PIECE: usize = 64 * 1024;

/// Until when a request may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first bytes.
    pub start_by: DateTime<Utc>,
    /// Its last ones.
    pub end_by: DateTime<Utc>,
}

/// The same, by which clock.
#[derive(Clone)]
pub struct Latest {
    /// Until then.
    pub window: Window,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// The request was not sent, or not to its end, and so was not made: it would have gone out too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Late {
    /// None of it went out.
    #[error("this process stood still before the call, which was not made")]
    Start,
    /// It was broken off.
    #[error("the upload took too long and was broken off")]
    End,
}

/// Whether a body was held back.
pub(super) type Held = Arc<Mutex<Option<Late>>>;

/// A body that is held back when it is too late.
pub(super) struct Timely {
    bytes: Bytes,
    started: bool,
    latest: Latest,
    late: Held,
}

impl Timely {
    /// The body, and whether it was held back.
    pub(super) fn new(bytes: Bytes, latest: Latest) -> (Self, Held) {
        let late = Held::default();
        (Self { bytes, started: false, latest, late: late.clone() }, late)
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = Late;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Late>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        crash::point("before_wire");
        let Window { start_by, end_by } = self.latest.window;
        let (by, late) = if self.started { (end_by, Late::End) } else { (start_by, Late::Start) };
        if (self.latest.clock)() > by {
            *self.late.lock().unwrap_or_else(PoisonError::into_inner) = Some(late);
            return Poll::Ready(Some(Err(late)));
        }
        self.started = true;
        let piece = self.bytes.len().min(PIECE);
        let piece = self.bytes.split_to(piece);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::Sender;
    use chrono::TimeDelta;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use twinwire_core::http::{Method, Reply, Request};

    fn request(url: String) -> Request {
        let (method, timeout) = (Method::Post, Duration::from_secs(5));
        Request { method, url, headers: Vec::new(), body: b"Body=Hello".to_vec(), timeout }
    }

    fn latest(seconds: i64) -> Latest {
        let at = Utc::now() + TimeDelta::seconds(seconds);
        Latest { window: Window { start_by: at, end_by: at }, clock: Arc::new(Utc::now) }
    }

    /// A server that answers 200, and what it was sent.
    async fn sent(seconds: i64) -> (Result<Reply, Late>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"Body=Hello") && stream.read_buf(&mut heard).await.unwrap_or(0) > 0 {}
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok();
            String::from_utf8(heard).unwrap()
        });
        let reply = Sender::new().unwrap().send(request(url), Some(latest(seconds))).await;
        (reply, server.await.unwrap())
    }

    #[tokio::test]
    async fn in_time_it_goes_out_with_its_length() {
        let (reply, heard) = sent(5).await;
        assert!(matches!(reply, Ok(Reply::Answer(answer)) if answer.status == 200));
        assert!(heard.to_lowercase().contains("content-length: 10\r\n"), "{heard}");
        assert!(heard.ends_with("\r\n\r\nBody=Hello"), "{heard}");
    }

    #[tokio::test]
    async fn too_late_it_stays_here_although_the_connection_stands() {
        let (reply, heard) = sent(-1).await;
        assert!(matches!(reply, Err(Late::Start)));
        assert!(!heard.contains("Body=Hello"), "{heard}");
    }

    #[tokio::test]
    async fn an_upload_that_a_standstill_cut_in_two_does_not_come_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while stream.read_buf(&mut heard).await.unwrap_or(0) > 0 {}
            heard.len()
        });
        // The clock stands well at the first piece, and an hour later at every other one.
        let (asked, now) = (Arc::new(AtomicBool::new(false)), Utc::now());
        let clock = move || now + TimeDelta::hours(i64::from(asked.swap(true, Ordering::SeqCst)));
        let end_by = now + TimeDelta::seconds(40);
        let latest = Latest { window: Window { start_by: now, end_by }, clock: Arc::new(clock) };
        let mut large = request(url);
        large.body = vec![b'x'; 10 * PIECE];
        assert!(matches!(Sender::new().unwrap().send(large, Some(latest)).await, Err(Late::End)));
        assert!(server.await.unwrap() < 10 * PIECE);
    }
}
