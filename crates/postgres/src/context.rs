//! What every step of a start needs: the way to give up, the runtime for connections, the progress line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::Error;

/// Shared by the steps of one start.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    cancelled: Arc<AtomicBool>,
    pub(crate) runtime: Handle,
    pub(crate) notify: fn(&str),
}

impl Context {
    /// Must be made inside a Tokio runtime.
    pub(crate) fn new(notify: fn(&str)) -> Self {
        Self { cancelled: Arc::default(), runtime: Handle::current(), notify }
    }

    pub(crate) fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Arc::clone(&self.cancelled))
    }

    /// Tells people, and the log.
    pub(crate) fn say(&self, line: &str) {
        tracing::debug!("{line}");
        (self.notify)(line);
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Waits a moment, unless the caller gave up.
    pub(crate) fn pause(&self, millis: u64) -> Result<(), Error> {
        self.check()?;
        thread::sleep(Duration::from_millis(millis));
        Ok(())
    }
}

/// Cancels the start when dropped.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
