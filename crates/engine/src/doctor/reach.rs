//! Whether the public address leads here: it is called with a question that only a server of this database can answer.
//!
//! A question is random, carries a mark by the installation's key, and stands in the database while it is open. The answer
//! is made with the key as well: who merely repeats what is sent knows neither.

use crate::jobs::queue;
use crate::{Engine, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use std::net::IpAddr;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use twinwire_core::doctor::Finding;
use twinwire_core::doctor::outside::{Public, Reached, public};
use twinwire_core::http::{Method, Reply, Request};
use twinwire_store::{checkup, installation};
use url::{Host, Url};

/// Where questions are answered; the question follows.
pub const PATH: &str = "/.well-known/twinwire/";
/// How long a name may take to be found, and the address to answer.
const NAME_WITHIN: Duration = Duration::from_secs(5);
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Characters of a question and of its mark.
const RANDOM: usize = 22;
const MARK: usize = 43;

/// Checks the public address.
pub(super) async fn check(engine: &Engine) -> Result<Vec<Finding>> {
    let told = installation::public_url(&mut *engine.pool().acquire().await?).await?.is_some();
    // Where nobody told it, the engine goes by where a server listens.
    let is_set = told || engine.home().is_none_or(|home| home.public_url_is_set);
    let url = is_set.then(|| engine.public_url().to_owned());
    let parsed = Url::parse(engine.public_url()).ok();
    let (is_public, resolved) = match parsed.as_ref().and_then(Url::host) {
        Some(host) => place(host).await,
        None => (false, false),
    };
    let reached = match (&url, resolved) {
        (None, _) => None,
        (Some(_), false) => Some(Reached::Unresolved),
        (Some(_), true) => Some(call(engine).await?),
    };
    let served = queue::alive(engine.pool()).await? > 0;
    Ok(public(&Public { url, is_public, reached, served }))
}

/// Whether a host leads to the Internet, and whether it leads anywhere.
async fn place(host: Host<&str>) -> (bool, bool) {
    let number = match host {
        Host::Ipv4(number) => IpAddr::V4(number),
        Host::Ipv6(number) => IpAddr::V6(number),
        Host::Domain(name) => {
            return match timeout(NAME_WITHIN, tokio::net::lookup_host((name, 443))).await {
                Ok(Ok(found)) => {
                    let found: Vec<_> = found.collect();
                    (found.iter().any(|one| crate::sender::is_public(one.ip())), !found.is_empty())
                }
                Ok(Err(_)) | Err(_) => (false, false),
            };
        }
    };
    (crate::sender::is_public(number), true)
}

async fn call(engine: &Engine) -> Result<Reached> {
    let question = question(engine);
    checkup::ask(&mut *engine.pool().acquire().await?, &question).await?;
    let request = Request {
        method: Method::Get,
        url: format!("{}{PATH}{question}", engine.public_url()),
        headers: vec![("accept", "text/plain".to_owned())],
        body: Vec::new(),
        timeout: ANSWERS_WITHIN,
    };
    let reply = engine.sender().send(request, None).await;
    checkup::answered(&mut *engine.pool().acquire().await?, &question).await?;
    Ok(match reply {
        Ok(Reply::Answer(answer)) => {
            let right = answer_to(engine, &question);
            let same = answer.body.trim_ascii().ct_eq(right.as_bytes());
            if bool::from(same) { Reached::Here } else { Reached::Elsewhere(answer.status) }
        }
        Ok(Reply::NotSent(why) | Reply::NoAnswer(why)) => Reached::Silent(why),
        Err(late) => Reached::Silent(late.to_string()),
    })
}

/// A question that nobody else can have asked.
fn question(engine: &Engine) -> String {
    let random = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
    let mark = mac(engine, "questions at the public address", &random);
    format!("{random}{mark}")
}

/// The answer to a question that this installation asks at this moment; nothing for any other.
pub async fn answer(engine: &Engine, question: &str) -> Result<Option<String>> {
    let Some((random, mark)) = question.split_at_checked(RANDOM).filter(|(_, mark)| mark.len() == MARK)
    else {
        return Ok(None);
    };
    // Only what was marked is looked up: nobody keeps the database busy with guesses.
    let right = mac(engine, "questions at the public address", random);
    if !bool::from(right.as_bytes().ct_eq(mark.as_bytes())) {
        return Ok(None);
    }
    let asked = checkup::is_asked(&mut *engine.pool().acquire().await?, question).await?;
    Ok(asked.then(|| answer_to(engine, question)))
}

fn answer_to(engine: &Engine, question: &str) -> String {
    mac(engine, "answers at the public address", question)
}

fn mac(engine: &Engine, purpose: &str, text: &str) -> String {
    let mut mac = engine.key().derived(purpose);
    mac.update(text.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}
