//! Who uses the server: each user holds a shared lock, and the last one to leave stops it.

use std::fs::File;
use std::time::Duration;

use crate::Error;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::error::io;
use crate::lock::{self, Exclusive};
use crate::process;

/// How long to wait for another process that is just starting or stopping the server.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// One user's share in the server.
pub(crate) struct Hold {
    pub(crate) cluster: Cluster,
    /// Both files stay open, so that they can be locked even when the folder is gone.
    start: File,
    users: File,
    /// The server's process, once it is known.
    pub(crate) pid: Option<i32>,
}

impl Hold {
    pub(crate) fn new(cluster: Cluster) -> Result<Self, Error> {
        let (start, users) = (lock::open(&cluster.start_lock())?, lock::open(&cluster.users_lock())?);
        Ok(Self { cluster, start, users, pid: None })
    }

    /// Keeps others from starting and stopping the server.
    pub(crate) fn lock(&self, context: &Context) -> Result<Exclusive<'_>, Error> {
        let waiting = "Waiting for another Twinwire process that starts or stops Postgres ...";
        lock::wait(&self.start, &self.cluster.start_lock(), waiting, context)
    }

    /// Becomes a user, and tells whether there is no other. Needs the start lock.
    pub(crate) fn join(&self) -> Result<bool, Error> {
        let path = self.cluster.users_lock();
        let alone = lock::try_exclusive(&self.users, &path)?;
        self.users.lock_shared().map_err(io("lock", &path))?;
        Ok(alone)
    }

    /// Gives the share back; the last user stops the server.
    pub(crate) fn release(&self) -> Result<(), Error> {
        let guard = lock::wait_at_most(&self.start, &self.cluster.start_lock(), STOP_LIMIT);
        self.leave(guard.is_ok())?;
        guard.map(drop)
    }

    /// Needs the start lock to stop the server: nobody may join in between.
    pub(crate) fn leave(&self, may_stop: bool) -> Result<(), Error> {
        let path = self.cluster.users_lock();
        self.users.unlock().map_err(io("unlock", &path))?;
        if !may_stop || !lock::try_exclusive(&self.users, &path)? {
            return Ok(());
        }
        let stopped = process::stop(&self.cluster, self.pid);
        self.users.unlock().map_err(io("unlock", &path))?;
        stopped
    }
}
