//! The vendor fetches the files of a message that it was asked to send: all of them, or the message fails.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::Utc;
use reqwest::{Client, Method, Response, StatusCode, header, redirect};

use super::Sms;
use super::dialect::Wrong;
use super::model::{Media, SmsMessage};
use crate::file::MediaFile;
use crate::locked;
use crate::misbehaviour::{Fault, Operation, Stage};

/// How often a vendor lets itself be sent elsewhere (`SignalWire`'s messaging reference, read 2026-11; assumed for Twilio).
const MOST_REDIRECTS: usize = 3;

/// How long one file may take; nobody documents it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a vendor takes as a file, and the failures that come of anything else.
pub(crate) struct MediaRules {
    /// Looks with `HEAD` before it fetches.
    pub(crate) looks_first: bool,
    /// The media types that it takes.
    pub(crate) kinds: &'static [&'static str],
    /// The largest file of a type, in bytes.
    pub(crate) largest: fn(&str) -> usize,
    /// The most bytes of a message, its text included.
    pub(crate) total: usize,
    pub(crate) not_there: Wrong,
    pub(crate) redirects: Wrong,
    pub(crate) too_large: Wrong,
    pub(crate) kind: Wrong,
}

/// A failure with what exactly it was.
type Failure = (Wrong, String);

/// A client of its own: it follows redirects, and has no credentials to give.
fn client() -> Option<Client> {
    let client = Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(redirect::Policy::limited(MOST_REDIRECTS))
        .connect_timeout(Duration::from_secs(2))
        .timeout(PATIENCE);
    client.build().ok()
}

impl Sms {
    /// Fetches the files of a message and puts them beside it; says with which code the message fails otherwise.
    pub(super) async fn collect(&self, message: &SmsMessage) -> Result<(), Wrong> {
        let strange =
            self.core().faults.take(Stage::Callback, Operation::CollectMedia, &message.to, &message.body);
        if let Some(Fault::Delay(wait)) = strange {
            tokio::time::sleep(wait).await;
        }
        let more = if let Some(Fault::Duplicate(more)) = strange { more } else { 0 };
        let mut outcome = self.fetched(message).await;
        for _ in 0..more {
            outcome = self.fetched(message).await;
        }
        let kept = outcome.map(|files| self.keep_media(message, files));
        {
            let mut state = locked(&self.inner.state);
            let known = state.message_mut(&message.sid);
            match (&kept, known) {
                (Ok(media), Some(known)) => known.media.clone_from(media),
                (Err((_, problem)), Some(known)) => known.media_problem = Some(problem.clone()),
                _ => {}
            }
        }
        self.core().changed("message", &message.sid);
        kept.map(|_| ()).map_err(|(wrong, _)| wrong)
    }

    async fn fetched(&self, message: &SmsMessage) -> Result<Vec<MediaFile>, Failure> {
        let rules = &self.inner.dialect.media;
        let mut left = rules.total.saturating_sub(message.body.len());
        let mut files = Vec::new();
        for link in &message.media_urls {
            let file = self.fetch(link, left).await?;
            left = left.saturating_sub(file.bytes.len());
            files.push(file);
        }
        Ok(files)
    }

    async fn fetch(&self, link: &str, left: usize) -> Result<MediaFile, Failure> {
        let rules = &self.inner.dialect.media;
        if rules.looks_first {
            kind_of(rules, link, &self.ask(Method::HEAD, link).await?)?;
        }
        let response = self.ask(Method::GET, link).await?;
        let kind = kind_of(rules, link, &response)?;
        let most = (rules.largest)(essence(&kind)).min(left);
        let bytes = whole(rules, link, response, most).await?;
        let name = link.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        Ok(MediaFile::new(name, &kind, bytes))
    }

    async fn ask(&self, method: Method, link: &str) -> Result<Response, Failure> {
        let rules = &self.inner.dialect.media;
        let lost = |problem: String| (rules.not_there, format!("{link}: {problem}"));
        let mut url = url::Url::parse(link).map_err(|error| lost(error.to_string()))?;
        // An address may carry a name and a password; they are not used.
        if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
            return Err(lost("no host".to_owned()));
        }
        let client = self.inner.collector.get_or_init(client).as_ref();
        let client = client.ok_or_else(|| lost("no client".to_owned()))?;
        let response = client.request(method, url).send().await;
        let response = response.map_err(|error| {
            if error.is_redirect() {
                (rules.redirects, format!("{link}: too many redirects"))
            } else {
                lost(error.to_string())
            }
        })?;
        if response.status() == StatusCode::OK {
            Ok(response)
        } else {
            Err(lost(response.status().to_string()))
        }
    }

    /// Takes files into the storage, as those of this message.
    pub(super) fn keep_media(&self, message: &SmsMessage, files: Vec<MediaFile>) -> Vec<Media> {
        let links = message.media_urls.iter().map(Some).chain(std::iter::repeat(None));
        let keep = |(file, link): (MediaFile, Option<&String>)| {
            let sid = (self.inner.dialect.media_sid)(&self.core().ids);
            let about = (message.contact().to_owned(), message.body.clone());
            let (content_type, bytes) = (file.content_type.clone(), file.bytes.clone());
            let stored_url = self.inner.storage.keep(&sid, file, about);
            let url = link.cloned().unwrap_or_else(|| self.media_url(&message.sid, &sid));
            Media { url, sid, content_type, size: bytes.len(), stored_url, bytes, date_created: Utc::now() }
        };
        files.into_iter().zip(links).map(keep).collect()
    }
}

/// A media type without its parameters.
fn essence(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

fn kind_of(rules: &MediaRules, link: &str, response: &Response) -> Result<String, Failure> {
    let header = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = header.unwrap_or_default();
    let taken = rules.kinds.iter().any(|known| known.eq_ignore_ascii_case(essence(kind)));
    if taken { Ok(kind.to_owned()) } else { Err((rules.kind, format!("{link}: type {kind:?}"))) }
}

/// The bytes of an answer, of which no more than `most` are read.
async fn whole(
    rules: &MediaRules,
    link: &str,
    mut response: Response,
    most: usize,
) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::new();
    loop {
        let more = response.chunk().await;
        match more.map_err(|error| (rules.not_there, format!("{link}: {error}")))? {
            Some(chunk) if bytes.len() + chunk.len() > most => {
                return Err((rules.too_large, format!("{link}: more than {most} bytes")));
            }
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => return Ok(bytes.freeze()),
        }
    }
}
