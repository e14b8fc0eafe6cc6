//! The one place that sends. Requests are values made by connectors; replies are values judged by them.

mod body;
mod download;
mod network;

use crate::Error;
use body::Timely;
pub use body::{Late, Latest, Window};
pub(crate) use download::is_public;
pub use download::{Downloaded, Downloader, Rules};
use network::Public;
pub(crate) use network::check_open;
use reqwest::redirect;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use twinwire_core::http::{Answer, Method, Reply, Request};

/// Longest answer that is read, in bytes. A page of a thousand messages stays well below.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Longest time for a connection to stand. Shorter than the time in which a call has to start: a network that is slow is
/// known as such, and not taken for a process that stood still.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the kernel goes on sending what nobody acknowledges. Otherwise a request could arrive minutes later, after
/// we have looked for it in vain.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// Bytes that are read of an answer of which only the status counts.
const STATUS_ONLY: usize = 16 * 1024;

/// Sends requests.
#[derive(Clone, Debug)]
pub struct Sender {
    client: reqwest::Client,
    /// Bytes of an answer that are read.
    most: usize,
    /// Whether an answer that has more is none, or is cut.
    whole: bool,
}

impl Sender {
    /// A sender to vendors. Redirects are not followed: credentials go to the address they were made for and nowhere else.
    pub fn new() -> Result<Self, Error> {
        let client = builder().build().map_err(|error| Error::Client(error.to_string()))?;
        Ok(Self { client, most: LONGEST_ANSWER, whole: true })
    }

    /// A sender to addresses that somebody wrote, of whose answers only the status counts. What such an address leads to has
    /// to be public, unless `private` networks are allowed. A proxy would look names up by itself, so none is used.
    pub fn open(private: bool) -> Result<Self, Error> {
        let builder = builder().no_proxy();
        let builder = if private { builder } else { builder.dns_resolver(Arc::new(Public)) };
        let client = builder.build().map_err(|error| Error::Client(error.to_string()))?;
        Ok(Self { client, most: STATUS_ONLY, whole: false })
    }

    /// Sends one request and waits for the whole answer.
    ///
    /// # Errors
    /// [`Late`], when it was not sent because it could not go out by `latest`.
    pub async fn send(&self, request: Request, latest: Option<Latest>) -> Result<Reply, Late> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut building = self.client.request(method, &request.url).timeout(request.timeout);
        for (name, value) in request.headers {
            building = building.header(name, value);
        }
        let mut held_back = None;
        match latest {
            Some(latest) if !request.body.is_empty() => {
                let (body, late) = Timely::new(request.body.into(), latest);
                building = building.body(reqwest::Body::wrap(body));
                held_back = Some(late);
            }
            _ if request.body.is_empty() => {}
            _ => building = building.body(request.body),
        }
        match building.send().await {
            Ok(response) => Ok(self.read(response).await),
            Err(error) => {
                match held_back.and_then(|held| *held.lock().unwrap_or_else(PoisonError::into_inner)) {
                    Some(late) => Err(late),
                    None if error.is_connect() || error.is_builder() => Ok(Reply::NotSent(words(&error))),
                    None => Ok(Reply::NoAnswer(words(&error))),
                }
            }
        }
    }

    async fn read(&self, mut response: reqwest::Response) -> Reply {
        let status = response.status().as_u16();
        let headers = read_headers(&response);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.most => body.extend_from_slice(&chunk),
                Ok(Some(_)) if self.whole => return Reply::NoAnswer("the answer is too long".to_owned()),
                Ok(_) => return Reply::Answer(Answer { status, headers, body }),
                Err(error) => return Reply::NoAnswer(words(&error)),
            }
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .tcp_user_timeout(GIVEN_UP)
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("twinwire/", env!("CARGO_PKG_VERSION")))
}

fn read_headers(response: &reqwest::Response) -> Vec<(String, String)> {
    let headers = response.headers().iter();
    headers
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// The kind of an error, without its URL: that holds ids and numbers.
fn words(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the request could not be made"
    } else {
        "the connection broke"
    };
    kind.to_owned()
}
