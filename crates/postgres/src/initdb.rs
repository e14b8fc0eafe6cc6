//! Makes the cluster, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::cluster::{self, Cluster};
use crate::connection::{self, Connection};
use crate::context::Context;
use crate::error::io;
use crate::run::{self, Finished};
use crate::user;

/// Makes the data folder. A crash on the way leaves a folder `data.new-...`, and the next start begins again.
pub(crate) fn initialise(cluster: &Cluster, bin: &Path, context: &Context) -> Result<Connection, Error> {
    context.say("Preparing a private Postgres (once) ...");
    remove_empty(&cluster.data())?;
    let connection = Connection::new()?;
    let (unfinished, finished) =
        with_password_file(cluster, &connection, || run_initdb(cluster, bin, context))?;
    if !finished.success {
        return Err(Error::Program { program: "initdb", output: run::tail(&finished.text, 10) });
    }
    // The password must be on disk before the data counts as complete.
    connection.save(cluster)?;
    fs::rename(&unfinished, cluster.data()).map_err(io("rename", &unfinished))?;
    connection::sync_folder(cluster.dir())?;
    Ok(connection)
}

/// A folder with content may be somebody's data on a disk that is not mounted right.
fn remove_empty(data: &Path) -> Result<(), Error> {
    if !data.exists() {
        return Ok(());
    }
    fs::remove_dir(data).map_err(|_| Error::NotACluster(data.to_path_buf()))
}

/// The password goes through a file that only the Postgres user can read, for it must not be an argument.
fn with_password_file<T>(
    cluster: &Cluster,
    connection: &Connection,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let file = cluster.password_file();
    connection::write_secret(&file, connection.password.as_bytes())?;
    let owned = cluster.account.as_ref().map_or(Ok(()), |account| account.own(&file));
    let result = owned.and_then(|()| work());
    cluster::remove(&file)?;
    result
}

fn run_initdb(cluster: &Cluster, bin: &Path, context: &Context) -> Result<(PathBuf, Finished), Error> {
    let (data, finished) = run_with_locale(cluster, bin, "C.UTF-8", context)?;
    if finished.success || !finished.text.contains("locale") {
        return Ok((data, finished));
    }
    // Older systems have no C.UTF-8.
    tracing::debug!("no locale C.UTF-8, falling back to C");
    run_with_locale(cluster, bin, "C", context)
}

fn run_with_locale(
    cluster: &Cluster,
    bin: &Path,
    locale: &str,
    context: &Context,
) -> Result<(PathBuf, Finished), Error> {
    let data = cluster.unfinished();
    fs::create_dir(&data).map_err(io("create", &data))?;
    cluster::set_mode(&data, 0o700)?;
    if let Some(account) = &cluster.account {
        account.own(&data)?;
    }
    let mut command = user::command(bin.join("initdb"), cluster.account.as_ref());
    command.args(["-U", "twinwire", "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]);
    command.arg(format!("--locale={locale}")).arg("--pwfile").arg(cluster.password_file());
    command.arg("-D").arg(&data);
    Ok((data, run::run(&mut command, Duration::from_mins(5), context)?))
}
