//! File locks between processes. They end with the process, so a crash leaves none behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use crate::context::Context;
use crate::error::io;

/// Opens a lock file, without locking it.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(io("open", path))
}

/// An exclusive lock, given up when dropped.
#[derive(Debug)]
pub(crate) struct Exclusive<'a>(&'a File);

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        // Unlock by name: closing alone would leave the lock to a child that is just being spawned.
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "cannot unlock");
        }
    }
}

/// Takes the lock as soon as it is free, and tells people once if it is not free at first.
pub(crate) fn wait<'a>(
    file: &'a File,
    path: &Path,
    waiting: &str,
    context: &Context,
) -> Result<Exclusive<'a>, Error> {
    let mut told = false;
    while !try_exclusive(file, path)? {
        if !told {
            context.say(waiting);
            told = true;
        }
        context.pause(50)?;
    }
    Ok(Exclusive(file))
}

/// Takes the lock within the time limit.
pub(crate) fn wait_at_most<'a>(file: &'a File, path: &Path, limit: Duration) -> Result<Exclusive<'a>, Error> {
    let deadline = Instant::now() + limit;
    while !try_exclusive(file, path)? {
        if Instant::now() > deadline {
            return Err(Error::Busy(path.to_path_buf()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Exclusive(file))
}

/// Takes the lock if nobody else holds it.
pub(crate) fn try_exclusive(file: &File, path: &Path) -> Result<bool, Error> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(io("lock", path)(error)),
    }
}
