//! The body of a request that must not go out late.
//!
//! HTTP asks for a body once the connection stands and its first bytes are about to be written, so this is the last
//! moment at which our side can look at the clock. A vendor takes up no request whose body never comes.

use crate::crash;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Until when a request may go out, by which clock.
#[derive(Clone)]
pub struct Latest {
    /// Until then.
    pub by: DateTime<Utc>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// The request was not sent: it would have gone out too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this process stood still before the call, which was not made")]
pub struct Late;

/// A body that is held back when it is too late.
pub(super) struct Timely {
    bytes: Option<Bytes>,
    latest: Latest,
    late: Arc<AtomicBool>,
}

impl Timely {
    /// The body, and whether it was held back.
    pub(super) fn new(bytes: Bytes, latest: Latest) -> (Self, Arc<AtomicBool>) {
        let late = Arc::new(AtomicBool::new(false));
        (Self { bytes: Some(bytes), latest, late: late.clone() }, late)
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = Late;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Late>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        crash::point("before_wire");
        if (self.latest.clock)() > self.latest.by {
            self.late.store(true, Ordering::SeqCst);
            return Poll::Ready(Some(Err(Late)));
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::Sender;
    use chrono::TimeDelta;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use twinwire_core::http::{Method, Reply, Request};

    fn request(url: String) -> Request {
        let (method, timeout) = (Method::Post, Duration::from_secs(5));
        Request { method, url, headers: Vec::new(), body: b"Body=Hello".to_vec(), timeout }
    }

    fn latest(seconds: i64) -> Latest {
        Latest { by: Utc::now() + TimeDelta::seconds(seconds), clock: Arc::new(Utc::now) }
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
        assert!(matches!(reply, Err(Late)));
        assert!(!heard.contains("Body=Hello"), "{heard}");
    }
}
