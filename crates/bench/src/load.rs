//! Load: connections that stay open, each with one request at a time.

use anyhow::{Context, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Makes the `n`th request.
pub(crate) type Make = Arc<dyn Fn(u64) -> anyhow::Result<Request<Full<Bytes>>> + Send + Sync>;

/// What a load came to.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Requests answered with success.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) took: Duration,
    /// How long each took, in microseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Loaded {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        let requests = u32::try_from(self.requests).unwrap_or(u32::MAX);
        f64::from(requests) / self.took.as_secs_f64()
    }

    /// A quantile of the latencies, in milliseconds.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        millis(self.latencies.value_at_quantile(quantile))
    }
}

/// Microseconds as milliseconds.
pub(crate) fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}

/// A connection.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Opens one.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request, and gives the answer's body. Anything but success is an error.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
        self.0.ready().await?;
        let answer = self.0.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After some time.
    Passed(Duration),
    /// After so many requests.
    Sent(u64),
}

/// As fast as `connections` connections go.
pub(crate) async fn run(
    address: SocketAddr,
    connections: usize,
    until: Until,
    make: &Make,
) -> anyhow::Result<Loaded> {
    let next = Arc::new(AtomicU64::new(0));
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(address).await.context("a connection of the load")?);
    }
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    for mut connection in opened {
        let (next, make) = (Arc::clone(&next), Arc::clone(make));
        tasks.spawn(async move {
            let mut latencies = histogram()?;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let over = match until {
                    Until::Passed(time) => began.elapsed() >= time,
                    Until::Sent(count) => n >= count,
                };
                if over {
                    return anyhow::Ok(latencies);
                }
                let request = make(n)?;
                let sent = Instant::now();
                connection.send(request).await?;
                latencies.record(micros(sent.elapsed()))?;
            }
        });
    }
    let mut latencies = histogram()?;
    while let Some(done) = tasks.join_next().await {
        latencies.add(done??)?;
    }
    Ok(Loaded { requests: latencies.len(), took: began.elapsed(), latencies })
}

/// An empty histogram of microseconds, up to a minute.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// Microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
