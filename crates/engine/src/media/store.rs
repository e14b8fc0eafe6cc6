//! Where files are kept.

use crate::{Error, Result};
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use nix::unistd::{User, geteuid};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, OnceLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Megabytes of files that a process holds in memory at a time.
const ROOM: u32 = 64;

/// The store of files; a cheap handle.
#[derive(Clone)]
pub struct Media {
    store: Arc<OnceLock<Arc<dyn ObjectStore>>>,
    room: Arc<Semaphore>,
    place: String,
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Media({})", self.place)
    }
}

/// A file that is read.
pub struct Body {
    /// Its bytes.
    pub size: u64,
    /// They themselves, as they come.
    pub stream: BoxStream<'static, object_store::Result<Bytes>>,
}

/// The owner of a folder, or of where it would be made, who would be shut out of what is made there now: root's folders
/// are closed to the service that the folder belongs to. None where the same user works here.
fn owner_shut_out(folder: &std::path::Path, is_root: bool) -> Option<String> {
    let owner = folder.ancestors().find_map(|place| std::fs::metadata(place).ok())?.uid();
    if !is_root || owner == 0 {
        return None;
    }
    let name = User::from_uid(owner.into()).ok().flatten().map(|user| user.name);
    Some(name.unwrap_or_else(|| format!("#{owner}")))
}

impl Media {
    /// A store: a folder, which is made where it is needed, or `s3://bucket/prefix` with the credentials of the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT` …). It is opened once it is used.
    pub fn at(place: impl Into<String>) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self { store: Arc::default(), room, place: place.into() }
    }

    /// Opens it, so that what is wrong with it is known at once.
    ///
    /// # Errors
    /// [`Error::Media`], in words for the operator.
    pub fn open(&self) -> Result<&dyn ObjectStore> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = self.opened()?;
        Ok(self.store.get_or_init(|| store))
    }

    fn opened(&self) -> Result<Arc<dyn ObjectStore>> {
        let place = self.place.as_str();
        let wrong = |why: String| Error::Media(format!("TWINWIRE_MEDIA ({place}): {why}"));
        Ok(if place.starts_with("s3://") {
            bucket(place, AmazonS3Builder::from_env()).map_err(wrong)?
        } else if place.contains("://") && !place.starts_with("file://") {
            return Err(wrong("files are kept in a folder or at s3://bucket/prefix".to_owned()));
        } else {
            let folder = place.strip_prefix("file://").unwrap_or(place);
            if let Some(owner) = owner_shut_out(std::path::Path::new(folder), geteuid().is_root()) {
                return Err(wrong(format!(
                    "the folder belongs to {owner}, who could not write to what root makes in it; run this as that user: \
                     sudo -u {owner} twinwire …"
                )));
            }
            std::fs::create_dir_all(folder).map_err(|why| wrong(why.to_string()))?;
            let local = LocalFileSystem::new_with_prefix(folder).map_err(|why| wrong(why.to_string()))?;
            Arc::new(local.with_fsync(true).with_automatic_cleanup(true))
        })
    }

    /// Room for so many bytes, for as long as the permit lives: a mass of large files must not fill the memory.
    pub(crate) async fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let megabytes = u32::try_from(bytes.div_ceil(1_000_000)).unwrap_or(ROOM).clamp(1, ROOM);
        // The semaphore is never closed.
        self.room.clone().acquire_many_owned(megabytes).await.ok()
    }

    /// Keeps a file. The same key again is written over.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<()> {
        self.open()?.put(&path(key)?, PutPayload::from(bytes)).await.map_err(|error| trouble(&error))?;
        Ok(())
    }

    /// A file's bytes; none when it is not there.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let got = match self.open()?.get(&path(key)?).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(trouble(&error)),
        };
        Ok(Some(got.bytes().await.map_err(|error| trouble(&error))?.into()))
    }

    /// A file to be read as it comes; none when it is not there.
    pub async fn read(&self, key: &str) -> Result<Option<Body>> {
        match self.open()?.get(&path(key)?).await {
            Ok(got) => Ok(Some(Body { size: got.meta.size, stream: got.into_stream() })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }

    /// Deletes a file and what was made of it; one that is not there is gone already.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let (store, path) = (self.open()?, path(key)?);
        // What was made smaller lies beside it, as `{key}-{most}`.
        let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
        let folder = Path::parse(folder).map_err(|error| trouble(&error))?;
        let made = format!("{name}-");
        let beside: Vec<Path> = store
            .list(Some(&folder))
            .map_ok(|meta| meta.location)
            .try_filter(|location| {
                let is = location.filename().is_some_and(|name| name.starts_with(&made));
                std::future::ready(is)
            })
            .try_collect()
            .await
            .map_err(|error| trouble(&error))?;
        for path in beside.iter().chain([&path]) {
            match store.delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(trouble(&error)),
            }
        }
        Ok(())
    }

    /// How large a file is; none when it is not there.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        match self.open()?.head(&path(key)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }
}

/// A bucket, or what stands in it below a prefix.
fn bucket(place: &str, builder: AmazonS3Builder) -> std::result::Result<Arc<dyn ObjectStore>, String> {
    let url = ::url::Url::parse(place).map_err(|why| why.to_string())?;
    let s3 = builder.with_url(place).build().map_err(|why| why.to_string())?;
    let prefix = Path::from_url_path(url.path()).map_err(|why| why.to_string())?;
    Ok(if prefix.as_ref().is_empty() { Arc::new(s3) } else { Arc::new(PrefixStore::new(s3, prefix)) })
}

fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(|error| trouble(&error))
}

fn trouble(error: &dyn fmt::Display) -> Error {
    Error::Media(format!("the store of files: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::to_bytes;
    use axum::extract::Request;
    use axum::http::{Method, StatusCode};
    use axum::response::IntoResponse;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    #[tokio::test]
    async fn a_file_is_there_once_it_is_kept_and_can_be_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        keeps_and_gives(&Media::at(folder.path().join("deep/er").to_str().unwrap())).await;
    }

    /// A bucket that keeps what is put, and says where it was put.
    async fn s3() -> (String, Arc<Mutex<BTreeMap<String, Bytes>>>) {
        let kept = Arc::new(Mutex::new(BTreeMap::<String, Bytes>::new()));
        let of_requests = kept.clone();
        let answer = move |request: Request| {
            let kept = of_requests.clone();
            async move {
                let (parts, body) = request.into_parts();
                let name = parts.uri.path().to_owned();
                assert!(parts.headers["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256"));
                if parts.method == Method::PUT {
                    let body = to_bytes(body, usize::MAX).await.unwrap();
                    kept.lock().unwrap().insert(name, body);
                    return ([("etag", "\"1\"")], Bytes::new()).into_response();
                }
                let Some(body) = kept.lock().unwrap().get(&name).cloned() else {
                    return StatusCode::NOT_FOUND.into_response();
                };
                let dated = "Sat, 21 Nov 2026 10:00:00 GMT";
                ([("etag", "\"1\""), ("last-modified", dated)], body).into_response()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        (url, kept)
    }

    #[tokio::test]
    async fn s3_keeps_files_as_a_folder_does_below_its_prefix() {
        let (url, kept) = s3().await;
        let builder = AmazonS3Builder::new()
            .with_endpoint(url)
            .with_allow_http(true)
            .with_region("eu-central-1")
            .with_access_key_id("key")
            .with_secret_access_key("hush");
        let place = "s3://files/some/where";
        let media = Media::at(place);
        assert!(media.store.set(bucket(place, builder).unwrap()).is_ok());
        keeps_and_gives(&media).await;
        let names: Vec<String> = kept.lock().unwrap().keys().cloned().collect();
        assert_eq!(names, ["/files/some/where/a/b/0"]);
    }

    async fn keeps_and_gives(media: &Media) {
        assert_eq!(media.get("a/b/0").await.unwrap(), None);
        assert_eq!(media.size("a/b/0").await.unwrap(), None);
        for bytes in [&b"one"[..], b"another"] {
            media.put("a/b/0", bytes.to_vec()).await.unwrap();
            assert_eq!(media.get("a/b/0").await.unwrap().as_deref(), Some(bytes));
            assert_eq!(media.size("a/b/0").await.unwrap(), Some(bytes.len() as u64));
        }
    }

    #[test]
    fn root_leaves_nothing_behind_in_a_folder_of_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, new) = (folder.path(), folder.path().join("media/deep"));
        assert_eq!(owner_shut_out(mine, false), None);
        if !geteuid().is_root() {
            return;
        }
        assert_eq!(owner_shut_out(&new, true), None, "root's own");
        std::os::unix::fs::chown(mine, Some(65_532), None).unwrap();
        assert_eq!(owner_shut_out(mine, true), Some("#65532".to_owned()));
        let refused = Media::at(new.to_str().unwrap()).open().err().unwrap().to_string();
        assert!(refused.contains("sudo -u #65532 twinwire"), "{refused}");
        assert!(!new.exists());
    }

    #[tokio::test]
    async fn a_key_does_not_lead_out_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let media = Media::at(folder.path().to_str().unwrap());
        for key in ["../x", "a/../../x", "/a//b"] {
            assert!(media.put(key, vec![1]).await.is_err(), "{key}");
        }
    }

    #[test]
    fn a_place_that_is_none_is_refused_in_words() {
        let refused = Media::at("ftp://files").open().err().unwrap().to_string();
        assert!(
            refused.contains("TWINWIRE_MEDIA (ftp://files)") && refused.contains("s3://bucket"),
            "{refused}"
        );
        assert!(Media::at("/dev/null/x").open().is_err());
    }

    #[tokio::test]
    async fn memory_is_given_out_for_as_long_as_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let media = Media::at(folder.path().to_str().unwrap());
        let large = media.room(60_000_000).await.unwrap();
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(20), media.room(5_000_000)).await.is_err()
        );
        drop(large);
        // More than there is at all is all there is.
        assert!(media.room(u64::MAX).await.is_some());
    }
}
