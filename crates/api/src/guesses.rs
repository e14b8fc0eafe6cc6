//! How many wrong admin tokens are listened to: from each address, and from all of them together. One place for the admin API,
//! for the dashboard and for the page of the set-up.
//!
//! What was wrong counts, and never what was right. An address that was wrong too often is not listened to for a while. While
//! wrong tokens come from everywhere, one mistake is enough for that; but whoever made none is always heard, so that nobody is
//! locked out by others.

use crate::App;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Mistakes that an address may make at once; then one in each of these times.
const EACH: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const EACH_EVERY: Duration = Duration::from_secs(15);
/// Mistakes from everywhere at once; then as many a second as the next one says.
const ALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
const ALL_A_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
/// How long an address is not listened to after a mistake while they come from everywhere.
const BUSY: Duration = Duration::from_secs(60);
/// Addresses that are remembered; with more, those that are past are forgotten first.
const REMEMBERED: usize = 20_000;

/// Keys with a state of their own, in a plain map.
type Keyed = RateLimiter<IpAddr, governor::state::keyed::HashMapStateStore<IpAddr>, DefaultClock>;

/// Who was wrong how often.
pub struct Guesses {
    each: Keyed,
    all: DefaultDirectRateLimiter,
    /// Until when an address is not listened to.
    shut: Mutex<HashMap<IpAddr, Instant>>,
    proxies: RwLock<Vec<IpNet>>,
}

impl Default for Guesses {
    fn default() -> Self {
        let each = Quota::with_period(EACH_EVERY).unwrap_or(Quota::per_minute(EACH)).allow_burst(EACH);
        Self {
            each: RateLimiter::hashmap(each),
            all: RateLimiter::direct(Quota::per_second(ALL_A_SECOND).allow_burst(ALL)),
            shut: Mutex::default(),
            proxies: RwLock::default(),
        }
    }
}

impl Guesses {
    /// Believes these, and nobody else, when they say for whom they ask (`X-Forwarded-For`).
    pub fn trust(&self, proxies: Vec<IpNet>) {
        *self.proxies.write().unwrap_or_else(PoisonError::into_inner) = proxies;
    }

    /// How long an address is not listened to any more; none where it is.
    pub(crate) fn shut(&self, client: IpAddr) -> Option<Duration> {
        let until = *self.map().get(&client)?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Counts a wrong token.
    pub(crate) fn wrong(&self, client: IpAddr) {
        let busy = self.all.check().is_err();
        let each = self.each.check_key(&client);
        let wait = match each {
            _ if busy => BUSY,
            Err(early) => early.wait_time_from(DefaultClock::default().now()),
            Ok(()) => return,
        };
        let mut shut = self.map();
        if shut.len() >= REMEMBERED {
            let now = Instant::now();
            shut.retain(|_, until| *until > now);
            self.each.retain_recent();
        }
        if shut.len() < REMEMBERED {
            shut.insert(client, Instant::now() + wait);
        }
        drop(shut);
        tracing::warn!(
            %client,
            seconds = wait.as_secs() + 1,
            busy,
            "too many wrong admin tokens: this address is not listened to for a while; where it is a proxy's, set \
             TWINWIRE_TRUSTED_PROXIES"
        );
    }

    fn map(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For whom a request is made: the peer; where that is a proxy of ours, the last one before it that is none.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let proxies = self.proxies.read().unwrap_or_else(PoisonError::into_inner);
        let ours = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
        let mut client = peer.to_canonical();
        if ours(&client) {
            let said: Vec<&str> =
                headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
            let hops = said.iter().rev().flat_map(|line| line.rsplit(','));
            for hop in hops {
                // What is no address was written by nobody whom we trust.
                let Some(address) = address(hop) else { break };
                client = address;
                if !ours(&client) {
                    break;
                }
            }
        }
        network(client)
    }
}

/// An address as proxies write it, some with the port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let plain = text.trim_start_matches('[').trim_end_matches(']');
    let address = plain.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

/// Whoever has an address of the sixth version has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
    }
}

/// The address for which a request is made; none where it was made inside this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

impl Client {
    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Self(peer.map(|ConnectInfo(peer)| app.guesses.client(peer.ip(), &parts.headers)))
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts, app))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_that_was_wrong_too_often_is_not_listened_to_and_the_others_are() {
        let guesses = Guesses::default();
        let (one, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        for _ in 0..EACH.get() {
            guesses.wrong(one);
            assert_eq!(guesses.shut(one), None);
        }
        guesses.wrong(one);
        assert!(guesses.shut(one).is_some_and(|left| left <= EACH_EVERY));
        assert_eq!(guesses.shut(other), None);
    }

    #[test]
    fn while_mistakes_come_from_everywhere_one_is_enough_and_who_made_none_is_heard() {
        let guesses = Guesses::default();
        for nth in 0..=ALL.get() {
            guesses.wrong(IpAddr::V4(std::net::Ipv4Addr::from_bits(nth)));
        }
        let (wrong, right) = (ip("192.0.2.1"), ip("192.0.2.2"));
        guesses.wrong(wrong);
        assert!(guesses.shut(wrong).is_some_and(|left| left > EACH_EVERY));
        assert_eq!(guesses.shut(right), None);
    }

    #[test]
    fn what_stands_in_x_forwarded_for_is_believed_of_proxies_of_ours_alone() {
        let guesses = Guesses::default();
        let client = |peer: &str, said: &[&str]| {
            let headers = said
                .iter()
                .map(|said| (axum::http::HeaderName::from_static("x-forwarded-for"), said.parse().unwrap()));
            guesses.client(ip(peer), &headers.collect()).to_string()
        };
        assert_eq!(client("10.0.0.1", &["192.0.2.7"]), "10.0.0.1", "nobody is trusted");
        guesses.trust(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:f::/64".parse().unwrap()]);
        for (peer, said, is) in [
            ("10.0.0.1", &["192.0.2.7"][..], "192.0.2.7"),
            ("::ffff:10.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("192.0.2.9", &["192.0.2.7"], "192.0.2.9"),
            // What the client itself wrote stands first.
            ("10.0.0.1", &["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["198.51.100.1", "192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            ("10.0.0.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("2001:db8:f::1", &["[2001:db8:1:2:3:4:5:6]:80"], "2001:db8:1:2::"),
        ] {
            assert_eq!(client(peer, said), is, "{peer} {said:?}");
        }
    }
}
