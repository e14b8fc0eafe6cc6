//! Where a run keeps the files of its messages: a folder of its own, gone at its end.

use crate::config::Config;
use crate::scratch::{self, Scratch};
use std::path::{Path, PathBuf};

/// The folder of a run. It is made when the first file comes.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder of the run whose database this is; those that killed runs left are removed.
    pub(super) async fn open(config: &Config, scratch: &Scratch) -> Self {
        let all = config.data_dir.join("demo").join("media");
        if let Err(error) = sweep(&all, scratch).await {
            tracing::debug!(%error, "the folders of earlier demos were not looked through");
        }
        Self(all.join(scratch.name()))
    }

    /// As the setting says it.
    pub(super) fn place(&self) -> String {
        self.0.display().to_string()
    }

    /// Removes it.
    pub(super) async fn close(self) {
        remove(&self.0).await;
    }
}

async fn sweep(all: &Path, scratch: &Scratch) -> anyhow::Result<()> {
    if !tokio::fs::try_exists(all).await? {
        return Ok(());
    }
    let used: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database").fetch_all(&scratch.database.pool).await?;
    let mut folders = tokio::fs::read_dir(all).await?;
    while let Some(folder) = folders.next_entry().await? {
        let name = folder.file_name();
        let Some(name) = name.to_str() else { continue };
        if !used.iter().any(|used| used == name) && scratch::is_leftover_of("demo", name) {
            remove(&folder.path()).await;
        }
    }
    Ok(())
}

async fn remove(folder: &Path) {
    if let Err(error) = tokio::fs::remove_dir_all(folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "the demo's files were not removed");
    }
}
