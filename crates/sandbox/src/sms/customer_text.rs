//! What a customer sends.

use chrono::{DateTime, Utc};

use crate::file::MediaFile;

/// A customer's message to a number of the account.
#[derive(Clone, Debug)]
pub struct CustomerText {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) body: String,
    pub(super) at: DateTime<Utc>,
    pub(super) files: Vec<MediaFile>,
    pub(super) text_in_a_part: bool,
    pub(super) layout: bool,
}

impl CustomerText {
    /// A text without files, sent now.
    pub fn new(from: &str, to: &str, body: &str) -> CustomerText {
        CustomerText {
            from: from.to_owned(),
            to: to.to_owned(),
            body: body.to_owned(),
            at: Utc::now(),
            files: Vec::new(),
            text_in_a_part: false,
            layout: false,
        }
    }

    /// The same with this date.
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> CustomerText {
        self.at = at;
        self
    }

    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, file: MediaFile) -> CustomerText {
        self.files.push(file);
        self
    }

    /// `SignalWire` only: the body is null, and the text is one of the files, of type `text/plain`.
    #[must_use]
    pub fn text_in_a_part(mut self) -> CustomerText {
        self.text_in_a_part = true;
        self
    }

    /// `SignalWire` only: the phone's layout is the first of the files, of type `application/smil`.
    #[must_use]
    pub fn with_layout(mut self) -> CustomerText {
        self.layout = true;
        self
    }

    /// The files as the vendor has them.
    pub(super) fn parts(&self, passes_parts: bool) -> Vec<MediaFile> {
        let layout = "<smil><head><layout/></head><body><par/></body></smil>";
        let layout =
            (passes_parts && self.layout).then(|| MediaFile::new("0.smil", "application/smil", layout));
        let text = (passes_parts && self.text_in_a_part && !self.body.is_empty())
            .then(|| MediaFile::new("text_0.txt", "text/plain", self.body.clone()));
        layout.into_iter().chain(text).chain(self.files.iter().cloned()).collect()
    }
}
