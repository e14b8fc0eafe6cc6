//! The files of messages: kept with their bytes, and given to the channel whose message they are on.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;

use super::Front;
use super::model::Attachment;
use super::read::visible;
use super::routes::Call;
use crate::core::{Refusal, refused};
use crate::file::{FileFault, MediaFile};
use crate::locked;
use crate::storage::Way;

impl Front {
    /// Sets what is wrong with a file (by its `fil_…` id) from now on, or that nothing is any more. False when there is no
    /// such file.
    pub fn spoil_file(&self, file: &str, fault: Option<FileFault>) -> bool {
        self.inner.storage.spoil(file, fault)
    }

    /// How many requests the storage refused because they came with an `Authorization` header.
    pub fn storage_refused(&self) -> usize {
        self.inner.storage.refused()
    }

    /// The base URL of the storage, another origin than the API's.
    pub fn storage_url(&self) -> String {
        self.inner.storage.url()
    }

    /// Takes files into the storage, as those of a message with this contact and text.
    pub(super) fn keep_files(&self, contact: &str, text: &str, files: Vec<MediaFile>) -> Vec<Attachment> {
        let keep = |file: MediaFile| {
            let id = self.core().ids.front("fil_");
            let MediaFile { filename, content_type, bytes, cid, .. } = file.clone();
            let stored_url = self.inner.storage.keep(&id, file, (contact.to_owned(), text.to_owned()));
            Attachment { id, filename, content_type, size: bytes.len(), bytes, cid, stored_url }
        };
        files.into_iter().map(keep).collect()
    }

    /// The redirect to the bytes, or the bytes.
    pub(super) fn download(&self, channel: &str, call: &Call) -> Result<Response, Refusal> {
        let (id, file) = (call.segment(1), call.segment(3));
        {
            let now = Utc::now().timestamp_millis();
            let state = locked(&self.inner.state);
            let known = state.messages.iter().filter(|message| visible(message, now));
            let message = known.into_iter().find(|message| message.id.as_deref() == Some(id));
            let message = message.ok_or_else(|| refused(404, 0, "Message not found"))?;
            if message.channel_id != channel {
                return Err(refused(401, 0, "Invalid token: another channel's"));
            }
            if !message.attachments.iter().any(|known| known.id == file) {
                return Err(refused(404, 0, "Attachment not found"));
            }
        }
        let itself = self.inner.options.gives_files_itself;
        let way = if itself { Way::Itself } else { Way::Redirects(StatusCode::FOUND) };
        self.inner.storage.answer_for(file, &format!("/messages/{id}/download/{file}"), way)
    }
}
