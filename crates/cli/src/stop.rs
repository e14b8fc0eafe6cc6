//! Being told to stop: Ctrl-C, or SIGTERM from whatever runs us. Being told to read the settings again.

use crate::Failure;
use nix::sys::signal::{SigSet, SigmaskHow, Signal as Number};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that are heard.
fn heard() -> SigSet {
    SigSet::from_iter([Number::SIGINT, Number::SIGTERM, Number::SIGHUP])
}

/// Lets signals through to this thread, and so to this process: whatever started it may have kept them from it.
pub(crate) fn let_through() -> io::Result<()> {
    Ok(heard().thread_unblock()?)
}

/// Does something while signals wait; what came meanwhile comes at its end.
///
/// A signal is lost that comes between two moments of `signal`: when its default, the end of the process, is taken away, and
/// when there is somebody who hears it. On a busy machine that is long enough, and a server that did not hear a stop goes on
/// until it is killed. It waits only where no other thread takes it: threads that are there before somebody listens are to be
/// started in here, so that they, and those that they start, leave signals to the first thread. That one listens.
pub(crate) fn undisturbed<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    struct Before(SigSet);
    impl Drop for Before {
        fn drop(&mut self) {
            if let Err(error) = self.0.thread_set_mask() {
                tracing::error!(%error, "signals are not heard any more");
            }
        }
    }
    let _before = Before(heard().thread_swap_mask(SigmaskHow::SIG_BLOCK)?);
    work()
}

/// Hears both from the moment it is made, so that a stop during a slow start is not lost.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn listen() -> io::Result<Self> {
        undisturbed(|| {
            let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
            Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
        })
    }

    /// Comes when the process is told to stop.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Being told to read the settings again: SIGHUP.
pub(crate) struct Reload(Signal);

impl Reload {
    pub(crate) fn listen() -> io::Result<Self> {
        undisturbed(|| Ok(Self(signal(SignalKind::hangup())?)))
    }

    /// Comes when the process is told to.
    pub(crate) async fn asked(&mut self) {
        self.0.recv().await;
    }
}

/// How much of this process hears a stop by itself, and ends in order.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// While there is one, a stop is not the end of the command: what holds it has heard the stop as well, and ends.
#[derive(Debug)]
pub(crate) struct Held(());

impl Held {
    pub(crate) fn new() -> Self {
        HELD.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A command that a stop gives up in order: Twinwire's own Postgres must not stay behind. What holds it is waited for, until
/// a second stop.
pub(crate) async fn given_up_on_stop<T>(
    command: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut stop = Stop::listen()?;
    let mut command = pin!(command);
    let stopped = || Err(Failure::Failed(anyhow::anyhow!("stopped before the end")));
    tokio::select! {
        outcome = &mut command => return outcome,
        () = stop.asked() => {}
    }
    if HELD.load(Ordering::SeqCst) == 0 {
        return stopped();
    }
    tokio::select! {
        outcome = command => outcome,
        () = stop.asked() => stopped(),
    }
}
