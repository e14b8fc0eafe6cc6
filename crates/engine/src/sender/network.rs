//! Names that lead into private networks lead nowhere.

use super::download::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;

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
