//! Names that lead into private networks lead nowhere.

use super::download::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::IpAddr;
use url::{Host, Url};

/// Looks names up and gives only addresses that the whole Internet can reach. What is called is what was checked: there is
/// no second look-up in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::other("no public address").into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address that somebody wrote may be called: over TLS, without credentials in it, and not at a number of a
/// private network. Names are checked where they lead, when they are looked up.
///
/// # Errors
/// What is wrong with it, in words that go on from "the address".
pub(crate) fn check_open(url: &Url, private: bool) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("must be one such as https://example.com/events");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have credentials in it; what is sent is signed");
    }
    if private {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err("must begin with https://");
    }
    let number = match url.host() {
        Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
        Some(Host::Domain(_)) | None => None,
    };
    match number {
        Some(number) if !is_public(number) => Err("leads into a private network"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::Sender;
    use std::time::Duration;
    use twinwire_core::http::{Method, Reply, Request};

    #[test]
    fn only_public_addresses_over_tls_may_be_called() {
        let check = |url: &str, private| check_open(&Url::parse(url).unwrap(), private);
        for fine in ["https://example.com/events?a=1", "https://example.com:8443/", "https://8.8.8.8/"] {
            assert_eq!(check(fine, false), Ok(()), "{fine}");
        }
        for wrong in [
            "http://example.com/",
            "https://me:secret@example.com/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.8/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "ftp://example.com/",
            "data:text/plain,x",
        ] {
            assert!(check(wrong, false).is_err(), "{wrong}");
        }
        assert_eq!(check("http://127.0.0.1:8000/", true), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_is_not_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let request = Request {
            method: Method::Post,
            url,
            headers: Vec::new(),
            body: b"x".to_vec(),
            timeout: Duration::from_secs(5),
        };
        let reply = Sender::open(false).unwrap().send(request, None).await;
        assert!(matches!(reply, Ok(Reply::NotSent(_))), "{reply:?}");
        let called = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(called.is_err(), "it was called");
    }
}
