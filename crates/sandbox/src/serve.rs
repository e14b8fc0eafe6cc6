//! The HTTP server of a double, with connections that a handler can cut.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

/// Everything a double does besides answering; ends with [`Background::stop`].
#[derive(Clone, Default)]
pub(crate) struct Background {
    pub(crate) stopped: CancellationToken,
    tasks: TaskTracker,
    /// How many of the tasks only serve: they are never done.
    servers: Arc<AtomicUsize>,
    shut: watch::Sender<bool>,
}

impl Background {
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.stopped.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Waits until nothing is left to do besides answering.
    pub(crate) async fn quiet(&self) {
        while self.tasks.len() > self.servers.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sleeps, or returns at once when the double is being stopped.
    pub(crate) async fn pause(&self, how_long: Duration) {
        tokio::select! {
            () = self.stopped.cancelled() => {}
            () = tokio::time::sleep(how_long) => {}
        }
    }

    /// Nobody listens while the door is shut; connections that stand go on.
    pub(crate) fn shut(&self, shut: bool) {
        self.shut.send_replace(shut);
    }

    pub(crate) async fn stop(&self) {
        self.stopped.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Serves until stopped; the task that serves is tracked like any other but ends by itself.
    pub(crate) fn serve(&self, listener: TcpListener, router: Router) {
        let (stopped, shut) = (self.stopped.clone(), self.shut.subscribe());
        self.servers.fetch_add(1, Ordering::SeqCst);
        self.tasks.spawn(async move {
            let Ok(address) = listener.local_addr() else { return };
            let service = router.into_make_service_with_connect_info::<Cut>();
            let server = axum::serve(Doors { listener: Some(listener), address, shut }, service);
            let served = server.with_graceful_shutdown(stopped.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::warn!(%error, "a sandbox server ended");
            }
        });
    }
}

/// The switch with which a handler cuts its own connection.
#[derive(Clone, Default)]
pub(crate) struct Cut {
    token: CancellationToken,
    reset: Arc<AtomicBool>,
}

impl Cut {
    /// Closes the connection without an answer; never returns to a caller who could still answer.
    pub(crate) async fn close(&self) {
        self.token.cancel();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }

    /// The same with a TCP reset in place of an orderly end.
    pub(crate) async fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        self.close().await;
    }
}

impl Connected<IncomingStream<'_, Doors>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Cut {
        stream.io().cut.clone()
    }
}

/// Where connections come in. While it is shut there is no listener, so that they are refused.
pub(crate) struct Doors {
    listener: Option<TcpListener>,
    address: SocketAddr,
    shut: watch::Receiver<bool>,
}

impl Doors {
    /// The listener, once the door is open.
    async fn open(&mut self) -> io::Result<&TcpListener> {
        if *self.shut.borrow_and_update() {
            self.listener = None;
            // Nobody is left to open it where the sender is gone.
            drop(self.shut.wait_for(|shut| !shut).await);
        }
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => TcpListener::bind(self.address).await?,
        };
        Ok(self.listener.insert(listener))
    }

    async fn next(&mut self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        let mut shut = self.shut.clone();
        let listener = self.open().await?;
        tokio::select! {
            accepted = listener.accept() => accepted.map(Some),
            Ok(_) = shut.wait_for(|shut| *shut) => Ok(None),
        }
    }
}

impl Listener for Doors {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.next().await {
                Ok(Some((stream, from))) => return (Line::new(stream), from),
                Ok(None) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection that fails from the moment its [`Cut`] is used.
pub(crate) struct Line {
    stream: TcpStream,
    cut: Cut,
    cutting: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Line {
    fn new(stream: TcpStream) -> Line {
        let cut = Cut::default();
        let cutting = Box::pin(cut.token.clone().cancelled_owned());
        Line { stream, cut, cutting }
    }

    fn is_cut(&mut self) -> Option<io::Error> {
        if !self.cut.token.is_cancelled() {
            return None;
        }
        if self.cut.reset.load(Ordering::SeqCst)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a sandbox connection ends without a reset");
        }
        Some(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Polled for its waker: a cut must wake a connection that waits for its handler.
        let cutting = self.cutting.as_mut().poll(cx);
        if cutting.is_ready()
            && let Some(error) = self.is_cut()
        {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(error) = self.is_cut() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
