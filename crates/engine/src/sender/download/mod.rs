//! Fetching a file from an address that came from outside.
//!
//! The first request is the connector's: with credentials it goes to where the vendor's API is configured to be, which the
//! connector made sure of. Everything else is an address that somebody wrote: it is called without credentials, over TLS,
//! at a host that the vendor's connector names, and only if that host is in no private network. Redirects are followed
//! here and nowhere else, by the same rule.

use crate::Error;
use crate::sender::network::Public;
use crate::sender::{CONNECT, GIVEN_UP, read_headers, words};
use reqwest::redirect;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use twinwire_core::http::{Answer, Reply, Request};
use url::{Host, Url};

/// Redirects that are followed.
const HOPS: usize = 3;
/// A whole download, redirects and all.
const LONGEST: Duration = Duration::from_secs(60);
/// Bytes of an answer that is no file.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// What a download may do.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Hosts, beside the API's own: a name, or the end of one with a dot before it.
    pub hosts: &'static [&'static str],
    /// Most bytes.
    pub most: u64,
}

/// What came of a download.
#[derive(Debug)]
pub enum Downloaded {
    /// The file.
    File {
        /// Its type, as it was served.
        content_type: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// It has more bytes than are wanted.
    TooLarge,
    /// Its address leads where nothing is fetched from; the words are for people.
    Forbidden(String),
    /// The vendor's own answer, for its connector to judge.
    Judge(Reply),
    /// What the vendor's storage answered.
    Storage(u16),
}

/// Fetches files.
#[derive(Clone, Debug)]
pub struct Downloader {
    /// Goes to configured addresses.
    own: reqwest::Client,
    /// Goes to public ones only.
    open: reqwest::Client,
    /// Everything is public, and TLS is not asked for: in tests and demonstrations, whose vendors are on this machine.
    private: bool,
}

impl Downloader {
    /// A downloader. `private` lets it go to private networks.
    pub fn new(private: bool) -> Result<Self, Error> {
        let build = || {
            reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT)
                .tcp_user_timeout(GIVEN_UP)
                .pool_idle_timeout(Duration::from_secs(20))
                .no_proxy()
                .user_agent(concat!("twinwire/", env!("CARGO_PKG_VERSION")))
        };
        let client = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| Error::Client(error.to_string()))
        };
        let open = if private { client(build())? } else { client(build().dns_resolver(Arc::new(Public)))? };
        Ok(Self { own: client(build())?, open, private })
    }

    /// Fetches what `request` asks for.
    pub async fn fetch(&self, request: &Request, rules: &Rules) -> Downloaded {
        match timeout(LONGEST, self.follow(request, rules)).await {
            Ok(downloaded) => downloaded,
            Err(_) => Downloaded::Judge(Reply::NoAnswer("timed out".to_owned())),
        }
    }

    async fn follow(&self, request: &Request, rules: &Rules) -> Downloaded {
        let Ok(mut url) = Url::parse(&request.url) else {
            return Downloaded::Forbidden("its address cannot be read".to_owned());
        };
        let credentials = request.headers.iter().any(|(name, _)| *name == "authorization");
        let mut own = credentials;
        for hop in 0..=HOPS {
            if !own && let Err(why) = self.check(&url, rules) {
                return Downloaded::Forbidden(why);
            }
            let client = if own { &self.own } else { &self.open };
            let mut asking = client.get(url.clone());
            for (name, value) in request.headers.iter().filter(|(name, _)| own || *name == "accept") {
                asking = asking.header(*name, value);
            }
            let response = match asking.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() => {
                    return Downloaded::Judge(Reply::NotSent(words(&error)));
                }
                Err(error) => return Downloaded::Judge(Reply::NoAnswer(words(&error))),
            };
            let leads = response.status().is_redirection().then(|| location(&url, &response)).flatten();
            match leads {
                Some(next) => url = next,
                None => return answer(response, hop == 0 && credentials, rules.most).await,
            }
            // Where it leads to is for anybody to see, and our credentials are not.
            own = false;
        }
        Downloaded::Forbidden("its address leads on and on".to_owned())
    }

    /// Whether an address from outside may be called.
    fn check(&self, url: &Url, rules: &Rules) -> Result<(), String> {
        if self.private {
            return Ok(());
        }
        if url.scheme() != "https" || url.port().is_some() {
            return Err("its address is not one over TLS at the usual port".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address has credentials in it".to_owned());
        }
        let named = match url.host() {
            Some(Host::Domain(host)) => rules.hosts.iter().any(|allowed| is_host(host, allowed)),
            // No vendor names a number, and the names that are looked up are checked where they lead.
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
        };
        if named {
            Ok(())
        } else {
            Err(format!(
                "its address leads to {}, where nothing is fetched from",
                url.host_str().unwrap_or("nowhere")
            ))
        }
    }
}

fn is_host(host: &str, allowed: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == allowed.trim_start_matches('.') && !allowed.starts_with('.')
        || (allowed.starts_with('.') && host.len() > allowed.len() && host.ends_with(allowed))
}

fn location(url: &Url, response: &reqwest::Response) -> Option<Url> {
    let location = response.headers().get(reqwest::header::LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

async fn answer(mut response: reqwest::Response, own: bool, most: u64) -> Downloaded {
    let status = response.status();
    if !status.is_success() {
        if !own {
            return Downloaded::Storage(status.as_u16());
        }
        let (status, headers) = (status.as_u16(), read_headers(&response));
        let body = refusal(response).await;
        return Downloaded::Judge(Reply::Answer(Answer { status, headers, body }));
    }
    if response.content_length().is_some_and(|length| length > most) {
        return Downloaded::TooLarge;
    }
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                if (bytes.len() + chunk.len()) as u64 > most {
                    return Downloaded::TooLarge;
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(None) => return Downloaded::File { content_type, bytes },
            Err(error) => return Downloaded::Judge(Reply::NoAnswer(words(&error))),
        }
    }
}

/// The beginning of what an answer says that is no file.
async fn refusal(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_REFUSAL {
            body.truncate(LONGEST_REFUSAL);
            break;
        }
    }
    body
}

/// Whether an address is one that the whole Internet can reach.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let private = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified();
            let special = v4.is_multicast() || v4.is_broadcast() || v4.is_documentation();
            // Carriers' own, protocol assignments, benchmarks, this network, and what is reserved.
            let reserved =
                matches!((a, b, c), (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) | (0 | 240.., _, _));
            !(private || special || reserved)
        }
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            // An IPv4 address in the clothes of another: mapped, translated, 6to4.
            let inner = match parts {
                [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some((parts[6], parts[7])),
                [0x2002, high, low, ..] => Some((high, low)),
                _ => None,
            };
            if let Some((high, low)) = inner {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                return is_public(IpAddr::V4([a, b, c, d].into()));
            }
            // What is given out to the Internet is 2000::/3, of which Teredo and documentation are not for this.
            let global = (0x2000..=0x3fff).contains(&parts[0]);
            let special = parts[0] == 0x2001 && (parts[1] == 0 || parts[1] == 0xdb8);
            global && !special
        }
    }
}

#[cfg(test)]
mod tests;
