//! Pictures on the page: taken from a person, and shown out of what the doubles have.

use super::Shared;
use crate::commands::demo::cast::Cast;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageReader;
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use twinwire_core::media::fit::size;
use twinwire_sandbox::MediaFile;
use twinwire_sandbox::front::Message;
use twinwire_sandbox::signalwire::SmsMessage;

/// Most bytes of a picture, since all of them are held in memory. The page says so as well.
const LARGEST: usize = 10_000_000;
/// Most bytes of a request with one, as text, and everything else that is in it.
pub(super) const LONGEST_REQUEST: usize = LARGEST / 3 * 4 + 100_000;
/// What a browser shows as a picture. Nothing else is given to it.
const SHOWN: [&str; 6] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"];

/// A picture that a person sends.
#[derive(Deserialize)]
pub(super) struct Picked {
    name: String,
    #[serde(rename = "type")]
    content_type: String,
    /// In base64.
    data: String,
}

impl Picked {
    /// The file that it is; the error is for the person.
    pub(super) fn file(&self) -> Result<MediaFile, &'static str> {
        let bytes = STANDARD.decode(&self.data).map_err(|_| "The picture did not come through whole.")?;
        if bytes.len() > LARGEST {
            return Err("That picture is too large: 10 MB at most.");
        }
        if bytes.is_empty() || !self.content_type.starts_with("image/") {
            return Err("That is no picture.");
        }
        Ok(MediaFile::new(&self.name, &self.content_type, bytes))
    }
}

/// Which double has a file.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum At {
    Front,
    Phone,
}

/// What the page is told of a file.
#[derive(Serialize)]
pub(super) struct Shown {
    name: String,
    what: String,
    /// Where the page gets it; none when it is nothing that a browser shows.
    src: Option<String>,
    /// Width and height, where they can be told.
    shape: Option<(u32, u32)>,
}

impl Shown {
    fn new(at: &'static str, message: &str, nth: usize, file: &File<'_>) -> Self {
        let kind = file.content_type.strip_prefix("image/").unwrap_or(file.content_type);
        let kind = kind.split('+').next().unwrap_or(kind);
        let reader = ImageReader::new(Cursor::new(file.bytes)).with_guessed_format().ok();
        Self {
            name: file.name.to_owned(),
            what: format!("{}, {}", kind.to_uppercase(), size(file.bytes.len() as u64)),
            src: SHOWN.contains(&file.content_type).then(|| format!("/files/{at}/{message}/{nth}")),
            shape: reader.and_then(|reader| reader.into_dimensions().ok()),
        }
    }

    /// The files of a message in Front.
    pub(super) fn in_front(message: &Message) -> Vec<Self> {
        let files = front_files(message).enumerate();
        files.map(|(nth, file)| Self::new("front", &message.message_uid, nth, &file)).collect()
    }

    /// The files of a message on a phone.
    pub(super) fn on_phone(message: &SmsMessage) -> Vec<Self> {
        let files = phone_files(message).enumerate();
        files.map(|(nth, file)| Self::new("phone", &message.sid, nth, &file)).collect()
    }
}

struct File<'a> {
    name: &'a str,
    content_type: &'a str,
    bytes: &'a [u8],
}

fn front_files(message: &Message) -> impl Iterator<Item = File<'_>> {
    message.attachments.iter().map(|file| File {
        name: &file.filename,
        content_type: &file.content_type,
        bytes: &file.bytes,
    })
}

fn phone_files(message: &SmsMessage) -> impl Iterator<Item = File<'_>> {
    // Texts have no names for their files.
    message.media.iter().map(|file| File {
        name: "picture",
        content_type: file.content_type.as_str(),
        bytes: &file.bytes,
    })
}

/// `GET /files/{at}/{message}/{nth}`
pub(super) async fn serve(
    State(shared): State<Shared>,
    Path((at, message, nth)): Path<(At, String, usize)>,
) -> Response {
    let found = found(&shared.cast, at, &message, nth).filter(|(kind, _)| SHOWN.contains(&kind.as_str()));
    let Some((content_type, bytes)) = found else { return StatusCode::NOT_FOUND.into_response() };
    // A file never becomes another one.
    let headers =
        [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "private, max-age=86400".to_owned())];
    (headers, bytes).into_response()
}

fn found(cast: &Cast, at: At, message: &str, nth: usize) -> Option<(String, Vec<u8>)> {
    let owned = |file: File<'_>| (file.content_type.to_owned(), file.bytes.to_vec());
    match at {
        At::Front => {
            let all = cast.front.all_messages(&cast.inbox);
            front_files(all.iter().find(|known| known.message_uid == message)?).nth(nth).map(owned)
        }
        At::Phone => phone_files(&cast.signalwire.message(message)?).nth(nth).map(owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(content_type: &str, data: &str) -> Picked {
        Picked { name: "a".to_owned(), content_type: content_type.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn only_a_picture_that_is_not_too_large_is_taken() {
        assert_eq!(&*picked("image/png", "AAEC").file().unwrap().bytes, [0, 1, 2]);
        let large = STANDARD.encode(vec![0; LARGEST + 1]);
        assert!(large.len() < LONGEST_REQUEST, "it is told and not cut off");
        for wrong in [
            picked("image/png", &large),
            picked("image/png", ""),
            picked("image/png", "A*"),
            picked("text/html", "AAEC"),
        ] {
            assert!(wrong.file().is_err());
        }
    }
}
