//! The files of messages in the API: lists of them, what is known of one, and the bytes.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Sms;
use super::model::{Media, SmsMessage, rfc2822};
use super::routes::{Call, json_response};
use crate::core::{Refusal, refused};
use crate::file::FileFault;
use crate::locked;

/// How many files a page of a list holds; no message has as many.
const PAGE: usize = 50;

/// The list of a message's files, before the vendor's form is put around it.
pub(crate) struct MediaListed {
    pub(crate) uri: String,
    pub(crate) size: usize,
    pub(crate) media: Vec<Value>,
}

impl Sms {
    /// Sets what is wrong with a file (by its sid) from now on, or that nothing is any more. False when there is no such file.
    pub fn spoil_media(&self, media_sid: &str, fault: Option<FileFault>) -> bool {
        self.inner.storage.spoil(media_sid, fault)
    }

    /// How many requests the storage refused because they came with an `Authorization` header.
    pub fn storage_refused(&self) -> usize {
        self.inner.storage.refused()
    }

    /// The base URL of the storage, another origin than the API's.
    pub fn storage_url(&self) -> String {
        self.inner.storage.url()
    }

    /// The address of a file in the API.
    pub(super) fn media_url(&self, message: &str, media: &str) -> String {
        format!("{}{}", self.url(), self.media_path(message, media))
    }

    fn media_path(&self, message: &str, media: &str) -> String {
        let (root, account) = (self.inner.dialect.root, &self.inner.setup.account);
        format!("{root}/Accounts/{account}/Messages/{message}/Media/{media}")
    }

    fn media_of(&self, sid: &str) -> Result<SmsMessage, Refusal> {
        let message = locked(&self.inner.state).message(sid).cloned();
        message.ok_or_else(|| refused(404, 20404, "The message was not found"))
    }

    /// All files of a message, or what is known of the one that is named.
    pub(super) fn list_media(&self, call: &Call) -> Result<Response, Refusal> {
        let message = self.media_of(&call.sid)?;
        if let Some(sid) = &call.media {
            let media = message.media.iter().find(|media| media.sid == *sid);
            let media = media.ok_or_else(|| refused(404, 20404, "The file was not found"))?;
            return Ok(json_response(StatusCode::OK, &self.media_resource(&message, media)));
        }
        let suffix = if self.inner.dialect.suffix { ".json" } else { "" };
        let path = self.media_path(&message.sid, "");
        let listed = MediaListed {
            uri: format!("{}{suffix}?PageSize={PAGE}&Page=0", path.trim_end_matches('/')),
            size: PAGE,
            media: message.media.iter().map(|media| self.media_resource(&message, media)).collect(),
        };
        Ok(json_response(StatusCode::OK, &(self.inner.dialect.media_page)(&listed)))
    }

    /// In both vendors' words alike.
    fn media_resource(&self, message: &SmsMessage, media: &Media) -> Value {
        json!({
            "sid": media.sid,
            "parent_sid": message.sid,
            "account_sid": self.inner.setup.account,
            "content_type": media.content_type,
            "date_created": rfc2822(media.date_created),
            "date_updated": rfc2822(media.date_created),
            "uri": format!("{}.json", self.media_path(&message.sid, &media.sid)),
        })
    }

    /// The bytes, or the redirect to them.
    pub(super) fn fetch_media(&self, call: &Call) -> Result<Response, Refusal> {
        let message = self.media_of(&call.sid)?;
        let wanted = call.media.as_deref().unwrap_or_default();
        let media = message.media.iter().find(|media| media.sid == wanted);
        let media = media.ok_or_else(|| refused(404, 20404, "The file was not found"))?;
        self.inner.storage.answer_for(
            &media.sid,
            &self.media_path(&message.sid, &media.sid),
            self.inner.dialect.media_way,
        )
    }
}
