//! The user Postgres runs as. It refuses root, so under root it gets a user of its own.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

use crate::Error;
use crate::error::io;

/// A user without rights, for the programs of Postgres.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    pub(crate) name: String,
}

/// Who runs Postgres on this data folder; `None` is the user of this process.
pub(crate) fn account(data: &Path) -> Result<Option<Account>, Error> {
    let owner = fs::metadata(data).ok().map(|meta| (meta.uid(), meta.gid()));
    let me = geteuid().as_raw();
    match owner {
        Some((uid, _)) if me != 0 && uid != me => {
            Err(Error::NotOwner { data: data.to_path_buf(), owner: uid })
        }
        _ if me != 0 => Ok(None),
        // Data that an ordinary user made stays that user's, so that both can go on with it.
        Some((uid, gid)) if uid != 0 => Ok(Some(Account { uid, gid, name: name_of(uid) })),
        _ => named("postgres").or_else(|| named("nobody")).map(Some).ok_or_else(|| Error::NotFound {
            reasons: vec![
                "Postgres does not run as root, and there is no user `postgres` or `nobody`".into(),
            ],
        }),
    }
}

fn named(name: &str) -> Option<Account> {
    let user = User::from_name(name).ok().flatten()?;
    Some(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw(), name: user.name })
}

fn name_of(uid: u32) -> String {
    User::from_uid(uid.into()).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// A program of Postgres, run as that user, with nothing of our environment in it.
pub(crate) fn command(program: impl AsRef<OsStr>, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    // The C locale exists everywhere; an unset one stops Postgres on macOS. The cluster has its own locale.
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC");
    // The current folder may be closed to that user.
    command.current_dir("/").stdin(Stdio::null());
    if let Some(account) = account {
        // This also drops the other groups of root.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

impl Account {
    /// Gives a file, or a folder with all it holds, to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(io("give the Postgres user", path))?;
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
            for entry in fs::read_dir(path).map_err(io("list", path))? {
                let path = entry.map_err(io("list", path))?.path();
                // A link may lead out of the folder.
                if !path.is_symlink() {
                    self.own(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Fails with the first folder on the way to `path` (or `path`, a folder) that this user cannot enter.
    pub(crate) fn reach(&self, path: &Path) -> Result<(), Error> {
        match self.barrier(path) {
            Some(folder) => Err(Error::Unreachable { folder, user: self.name.clone() }),
            None => Ok(()),
        }
    }

    /// The first folder on the way to a file or folder, or that itself, which this user may not enter or run.
    pub(crate) fn barrier(&self, path: &Path) -> Option<PathBuf> {
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        way.into_iter()
            .find(|step| !fs::metadata(step).is_ok_and(|meta| self.may_enter(&meta)))
            .map(Into::into)
    }

    fn may_enter(&self, meta: &Metadata) -> bool {
        let shift = match (meta.uid() == self.uid, meta.gid() == self.gid) {
            (true, _) => 6,
            (_, true) => 3,
            _ => 0,
        };
        (meta.mode() >> shift) & 1 == 1
    }
}
