//! The signature that two vendors put on their webhooks: base64 of HMAC-SHA1 over the called URL and the fields of the
//! form.
//!
//! The URL is taken byte for byte. A URL parser would lower-case the host, add a slash or re-encode a character, and a
//! genuine request would be refused.

use crate::form;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use twinwire_core::connector::Unverified;
use twinwire_core::http::Hook;

const BODY_HASH: &str = "bodySHA256";

/// Names and values of a form, put together as the vendor signs them.
pub(crate) type Signed = fn(Vec<(String, String)>) -> String;

/// Checks the signature `given` with a hook that carries a body.
pub(crate) fn check(hook: &Hook<'_>, key: &str, given: &str, signed: Signed) -> Result<(), Unverified> {
    let url = called(hook.url);
    let (fields, body_is_signed) = if form::is_form(hook) {
        (signed(form::fields(hook.body)), Choice::from(1))
    } else {
        // The signature covers the URL alone, and the URL the hash of the body: one without the other is
        // nothing.
        let hash = body_hash(&url).ok_or(Unverified::Missing)?;
        (String::new(), hex(&Sha256::digest(hook.body)).as_bytes().ct_eq(hash.as_bytes()))
    };
    believed(is_signed(&url, key, &fields, given) & body_is_signed)
}

/// Checks the signature `given` with a hook that carries everything in its URL.
pub(crate) fn check_url(hook: &Hook<'_>, key: &str, given: &str) -> Result<(), Unverified> {
    believed(is_signed(&called(hook.url), key, "", given))
}

fn believed(signed: Choice) -> Result<(), Unverified> {
    if bool::from(signed) { Ok(()) } else { Err(Unverified::Invalid) }
}

fn is_signed(url: &str, key: &str, fields: &str, given: &str) -> Choice {
    candidates(url).iter().fold(Choice::from(0), |matched, url| matched | matches(key, url, fields, given))
}

fn matches(key: &str, url: &str, fields: &str, given: &str) -> Choice {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else { return Choice::from(0) };
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes()).as_bytes().ct_eq(given.as_bytes())
}

/// The URL without what never goes over the wire: user, password and fragment.
fn called(url: &str) -> String {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let (scheme, authority, rest) = split(url);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}{host}{rest}")
}

/// The ways in which the vendor may have written the port: as it is, left out, or the scheme's own put in.
fn candidates(url: &str) -> Vec<String> {
    let (scheme, authority, rest) = split(url);
    let mut all = vec![url.to_owned()];
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            all.push(format!("{scheme}{host}{rest}"));
        }
        _ => {
            let port = if scheme.eq_ignore_ascii_case("http://") { 80 } else { 443 };
            all.push(format!("{scheme}{authority}:{port}{rest}"));
        }
    }
    all
}

/// `https://`, `host:port`, and all that follows.
fn split(url: &str) -> (&str, &str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(start);
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    (scheme, authority, rest)
}

fn body_hash(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == BODY_HASH)
        .map(|(_, hash)| hash.into_owned())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
