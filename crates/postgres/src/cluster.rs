//! The folder `<data_dir>/postgres/` and what lies in it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::Error;
use crate::error::io as io_error;
use crate::user::{self, Account};

/// The folder in the data directory.
const FOLDER: &str = "postgres";
/// What is in it of Postgres itself.
const DATA: &str = "data";
/// How the names of unfinished data folders begin.
const UNFINISHED: &str = "data.new";

/// Whether a data directory holds a cluster already. Makes nothing. What is there and cannot be read, or is no cluster,
/// counts as well: [`start`](crate::start) says what is wrong with it.
pub fn is_there(data_dir: &Path) -> bool {
    match fs::read_dir(data_dir.join(FOLDER).join(DATA)) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// The folder of one private Postgres.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    dir: PathBuf,
    /// Who runs the programs of Postgres, if not the user of this process.
    pub(crate) account: Option<Account>,
}

impl Cluster {
    /// Makes the folder if needed, and checks that Postgres can get into it.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Error> {
        let root = geteuid().is_root();
        // The Postgres user passes through these folders, but may not list them.
        let mode = if root { 0o711 } else { 0o700 };
        if !data_dir.exists() {
            fs::create_dir_all(data_dir).map_err(io_error("create", data_dir))?;
            set_mode(data_dir, mode)?;
        }
        // One spelling of the path, so that a server is recognised by it later.
        let dir = fs::canonicalize(data_dir).map_err(io_error("find", data_dir))?.join(FOLDER);
        fs::create_dir_all(&dir).map_err(io_error("create", &dir))?;
        if fs::metadata(&dir).map_err(io_error("read", &dir))?.uid() == geteuid().as_raw() {
            set_mode(&dir, mode)?;
        }
        let account = user::account(&dir.join(DATA))?;
        let cluster = Self { dir, account };
        cluster.settle()?;
        Ok(cluster)
    }

    /// Under root: the way into the folder must be open, and the data must not be root's.
    fn settle(&self) -> Result<(), Error> {
        let Some(account) = &self.account else { return Ok(()) };
        account.reach(&self.dir)?;
        // A restored backup usually belongs to root.
        if fs::metadata(self.data()).is_ok_and(|meta| meta.uid() == 0) {
            account.own(&self.data())?;
        }
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What Postgres calls PGDATA. It exists only when complete.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join(DATA)
    }

    /// Removes what initdb left when Twinwire was killed on the way. Such an initdb may even be running
    /// still, which is why each has a folder of its own; what resists now goes at the next start.
    pub(crate) fn sweep(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.dir).map_err(io_error("list", &self.dir))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED)
                && let Err(error) = remove(&entry.path())
            {
                tracing::debug!(%error, "left for the next start");
            }
        }
        Ok(())
    }

    /// A new folder where initdb works until it is done.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.dir.join(format!("{UNFINISHED}-{:08x}", rand::random::<u32>()))
    }

    /// Hands the password to initdb, for that moment only.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.dir.join("password.tmp")
    }

    pub(crate) fn connection(&self) -> PathBuf {
        self.dir.join("connection.json")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    pub(crate) fn start_lock(&self) -> PathBuf {
        self.dir.join("start.lock")
    }

    pub(crate) fn users_lock(&self) -> PathBuf {
        self.dir.join("users.lock")
    }

    /// The major version that wrote the data; `None` before initdb.
    pub(crate) fn version(&self) -> Result<Option<u32>, Error> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| Error::NotACluster(self.data())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    /// Gives a file to the owner of the folder, so that root leaves no file an ordinary user cannot use.
    pub(crate) fn hand_over(&self, path: &Path) -> Result<(), Error> {
        let meta = fs::metadata(&self.dir).map_err(io_error("read", &self.dir))?;
        if geteuid().is_root() && meta.uid() != 0 {
            chown(path, Some(meta.uid()), Some(meta.gid())).map_err(io_error("hand over", path))?;
        }
        Ok(())
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io_error("set the mode of", path))
}

/// Removes a file or folder that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}
