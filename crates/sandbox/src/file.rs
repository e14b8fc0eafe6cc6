//! Files of messages, and what can be wrong with one.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

/// The bytes of a file. Printed as their number, for nobody can read them in a failed test.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FileBytes(pub(crate) Bytes);

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What is wrong with one file, whenever it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// 404 for good.
    Gone,
    /// This many bytes more come than the file has, and no `Content-Length` says so.
    LargerBy(usize),
    /// Bytes without an end and without a `Content-Length`, as fast as they are read.
    Endless,
    /// The connection ends in the middle of the `Content-Length` that was announced.
    CutShort,
    /// It is served as another content type than the message says.
    TypedAs(String),
    /// The API redirects to this address.
    RedirectTo(String),
    /// The API redirects to the storage as usual, and the storage to this address.
    StorageRedirectsTo(String),
    /// The API redirects to the same address again.
    RedirectLoop,
}

/// A file that a customer or an agent sends.
#[derive(Clone, Debug)]
pub struct MediaFile {
    /// Its name; text messages lose it on the way.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// What is in it.
    pub bytes: FileBytes,
    /// Set when an agent has put the file into the text: the content id by which the text names it.
    pub cid: Option<String>,
    /// What is wrong with it.
    pub fault: Option<FileFault>,
}

impl MediaFile {
    /// A file with which nothing is wrong.
    pub fn new(filename: &str, content_type: &str, bytes: impl Into<Bytes>) -> MediaFile {
        MediaFile {
            filename: filename.to_owned(),
            content_type: content_type.to_owned(),
            bytes: FileBytes(bytes.into()),
            cid: None,
            fault: None,
        }
    }

    /// The same file, and something is wrong with it.
    #[must_use]
    pub fn but(mut self, fault: FileFault) -> MediaFile {
        self.fault = Some(fault);
        self
    }

    /// The same file, put into the text of an agent's message under this content id.
    #[must_use]
    pub fn inline(mut self, cid: &str) -> MediaFile {
        self.cid = Some(cid.to_owned());
        self
    }
}
