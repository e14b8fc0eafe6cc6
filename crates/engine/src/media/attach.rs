//! The files of a message made ready for the side that it goes to.

use super::{Media, kind, picture, url};
use crate::{Engine, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use twinwire_core::connector::{Attachment, Connector, Content};
use twinwire_core::media::Medium;
use twinwire_core::media::fit::{self, Fit, Limits, Way, Weighed};
use twinwire_core::model::{Message, Side};
use twinwire_core::outcome::Refusal;

/// What a shrunk image is.
const JPEG: &str = "image/jpeg";
/// One image at a time is open in a process: a large one takes as much memory as all files together may.
static ONE_PICTURE: Semaphore = Semaphore::const_new(1);

/// The files of a message, ready to go.
#[derive(Debug, Default)]
pub struct Ready {
    /// They themselves.
    pub files: Vec<Attachment>,
    /// The memory that they take.
    _room: Option<OwnedSemaphorePermit>,
}

/// Makes the files of `row` ready for `destination`. The inner error says why the message cannot go, ever.
///
/// # Errors
/// When the store of files cannot be read at present.
pub async fn ready(
    engine: &Engine,
    destination: &dyn Connector,
    row: &Message,
) -> Result<std::result::Result<Ready, Refusal>> {
    let kept: Vec<(usize, &Medium, &str)> =
        row.media.iter().enumerate().filter_map(|(nth, medium)| Some((nth, medium, medium.key()?))).collect();
    if kept.is_empty() {
        return Ok(Ok(Ready::default()));
    }
    let Some(limits) = destination.media(row) else {
        let why = format!("{} takes no files", destination.title());
        return Ok(if row.origin == Side::Provider { Ok(Ready::default()) } else { refuse(why) });
    };
    let weighed: Vec<Weighed> = kept.iter().map(|(nth, medium, _)| weigh(*nth, medium)).collect();
    let fits: Vec<Option<Fit>> = match row.origin {
        Side::Provider => {
            fit::some(&weighed, limits).into_iter().map(|goes| goes.then_some(Fit::AsIs)).collect()
        }
        Side::Helpdesk => match fit::all(&weighed, limits, destination.title()) {
            Ok(fits) => fits.into_iter().map(Some).collect(),
            Err(why) => return Ok(refuse(why)),
        },
    };
    let mut ready = Ready { files: Vec::new(), _room: room(engine.media(), &weighed, limits).await };
    for (((nth, medium, key), weighed), fit) in kept.into_iter().zip(&weighed).zip(fits) {
        let Some(fit) = fit else { continue };
        match one(engine, limits.way, (medium, key), weighed, fit).await? {
            Ok((content_type, content)) => {
                let name = kind::name(&medium.file, nth, &weighed.content_type);
                let name = if content_type == weighed.content_type { name } else { renamed(&name) };
                ready.files.push(Attachment { nth, name, content_type, content });
            }
            // What is lost on our side is a line in the agent's text, and no reason to lose the rest.
            Err(_) if row.origin == Side::Provider => {}
            Err(why) => return Ok(refuse(format!("{} {why}", weighed.title))),
        }
    }
    Ok(Ok(ready))
}

fn refuse(why: String) -> std::result::Result<Ready, Refusal> {
    Err(Refusal::permanent(None, why))
}

fn weigh(nth: usize, medium: &Medium) -> Weighed {
    let content_type = medium.file.content_type.clone().unwrap_or_default();
    let title = kind::name(&medium.file, nth, &content_type);
    Weighed { content_type, size: medium.file.size.unwrap_or(0), title }
}

/// Bytes are held only where they are uploaded; an image is held while it is made smaller.
async fn room(media: &Media, files: &[Weighed], limits: &Limits) -> Option<OwnedSemaphorePermit> {
    match limits.way {
        // Once as a file, and once in the body of the request.
        Way::Uploaded => media.room(2 * files.iter().map(|file| file.size).sum::<u64>()).await,
        Way::ByUrl => None,
    }
}

/// One file's type and content, or why it cannot go.
async fn one(
    engine: &Engine,
    way: Way,
    (medium, key): (&Medium, &str),
    weighed: &Weighed,
    fit: Fit,
) -> Result<std::result::Result<(String, Content), String>> {
    let media = engine.media();
    let (key, content_type) = match fit {
        Fit::AsIs => (key.to_owned(), weighed.content_type.clone()),
        Fit::Shrunk(most) => match shrunk(media, key, most).await? {
            Ok(key) => (key, JPEG.to_owned()),
            Err(why) => return Ok(Err(why)),
        },
    };
    let content = match way {
        Way::ByUrl => {
            let name = safe_name(medium, &content_type);
            Content::Url(url::of(engine.public_url(), engine.key(), &key, &content_type, &name, engine.now()))
        }
        Way::Uploaded => match media.get(&key).await? {
            Some(bytes) => Content::Bytes(bytes),
            None => return Ok(Err("is not kept any more".to_owned())),
        },
    };
    Ok(Ok((content_type, content)))
}

/// The key of an image that was made smaller. What was made once is used again.
async fn shrunk(media: &Media, key: &str, most: u64) -> Result<std::result::Result<String, String>> {
    let small = format!("{key}-{most}");
    if media.size(&small).await?.is_some() {
        return Ok(Ok(small));
    }
    let _one = ONE_PICTURE.acquire().await;
    let Some(bytes) = media.get(key).await? else {
        return Ok(Err("is not kept any more".to_owned()));
    };
    let made = spawn_blocking(move || picture::shrink(&bytes, most)).await;
    match made.unwrap_or_else(|_| Err("is not an image that can be made smaller".to_owned())) {
        Ok(jpeg) => {
            media.put(&small, jpeg).await?;
            Ok(Ok(small))
        }
        Err(why) => Ok(Err(why)),
    }
}

/// The name in an address. Phones show it, and some providers want it short and plain (Twilio: 20 characters).
fn safe_name(medium: &Medium, content_type: &str) -> String {
    let plain = twinwire_core::media::File { name: None, ..medium.file.clone() };
    kind::name(&plain, 0, content_type)
}

/// What an image is called that has become a JPEG.
fn renamed(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{stem}.jpg")
}
