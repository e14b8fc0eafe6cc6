//! Who may ask what: bearer tokens with a scope. A handler takes a [`May`] of the scope that it needs.

use super::ROOT;
use super::problem::Problem;
use crate::App;
use crate::guesses::Client;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::StatusCode;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::marker::PhantomData;
use subtle::ConstantTimeEq;
use twinwire_store::admin_tokens::{self, Scope};
use twinwire_store::dashboard_sessions::Stem;

/// How the text of every token begins, so that one that leaked is known for what it is.
const PREFIX: &str = "twt_";
/// Longest text that is taken for a token.
const LONGEST: usize = 512;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// How the record names them: the token's name, `api` for `TWINWIRE_ADMIN_TOKEN`, `command` for the command line.
    pub name: String,
    /// What they may.
    pub scope: Scope,
}

/// Marks a request that was made inside this process, by whoever runs it: the command line, which holds the database and
/// the key anyway. It is an extension of the request, and nothing that comes over the network can set one.
#[derive(Clone, Copy, Debug)]
pub struct Inside;

/// Marks a request that a page of the dashboard makes inside this process, for whoever is signed in to it.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn(pub(crate) Caller);

/// A scope that a handler can ask for.
pub trait Asks: Send {
    /// The scope.
    const SCOPE: Scope;
}

/// Reading the metrics.
#[derive(Clone, Copy, Debug)]
pub struct Metrics;
/// Looking.
#[derive(Clone, Copy, Debug)]
pub struct Read;
/// An operator's daily work.
#[derive(Clone, Copy, Debug)]
pub struct Operate;
/// Everything.
#[derive(Clone, Copy, Debug)]
pub struct Admin;

impl Asks for Metrics {
    const SCOPE: Scope = Scope::Metrics;
}

impl Asks for Read {
    const SCOPE: Scope = Scope::Read;
}

impl Asks for Operate {
    const SCOPE: Scope = Scope::Operate;
}

impl Asks for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// That the caller may do what needs the scope `S`. A handler with this in its signature answers nobody else.
#[derive(Clone, Debug)]
pub struct May<S> {
    /// Who it is.
    pub caller: Caller,
    scope: PhantomData<S>,
}

impl<S> May<S> {
    /// That the caller may also do what needs a wider scope: for a part of an answer that not everybody is given.
    pub(crate) fn also(&self, needs: Scope) -> Result<(), Problem> {
        if self.caller.scope < needs { Err(too_narrow(self.caller.scope, needs)) } else { Ok(()) }
    }
}

impl<S> May<S> {
    /// That the caller may be told what people wrote, which is noted.
    pub(super) fn reads_texts(&self) -> Result<(), Problem> {
        self.also(Scope::Operate)?;
        tracing::info!(by = self.caller.name, "an operator is told what people wrote");
        Ok(())
    }
}

impl<S: Asks> FromRequestParts<App> for May<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = caller(parts, app).await?;
        let may = Self { caller, scope: PhantomData };
        may.also(S::SCOPE)?;
        if S::SCOPE > Scope::Read {
            // The pattern of the path and not the path: a message may be named by an id with a phone number in it.
            let path = parts.extensions.get::<MatchedPath>().map_or(ROOT, MatchedPath::as_str);
            tracing::info!(by = may.caller.name, method = %parts.method, path, "an operator's request");
        }
        Ok(may)
    }
}

async fn caller(parts: &Parts, app: &App) -> Result<Caller, Problem> {
    if parts.extensions.get::<Inside>().is_some() {
        return Ok(Caller { name: "command".to_owned(), scope: Scope::Admin });
    }
    if let Some(SignedIn(caller)) = parts.extensions.get::<SignedIn>() {
        return Ok(caller.clone());
    }
    let given = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).and_then(bearer);
    let Some(given) = given else { return Err(unknown()) };
    let whose = whose(app, Client::of(parts, app), given).await?;
    Ok(whose.ok_or_else(unknown)?.0)
}

/// Whose token it is, and what a session that begins with it stems from; none where it is nobody's. Mistakes count.
///
/// # Errors
/// Also when too many wrong tokens came from there: then this one is not looked at.
pub(crate) async fn whose(app: &App, client: Client, token: &str) -> Result<Option<(Caller, Stem)>, Problem> {
    if let Some(wait) = client.0.and_then(|client| app.guesses.shut(client)) {
        let seconds = wait.as_secs() + 1;
        let words = format!("Too many wrong tokens came from your address. Ask again in {seconds} seconds.");
        return Err(Problem::later(wait, words).hint(
            "Where a reverse proxy asks for everybody, TWINWIRE_TRUSTED_PROXIES tells whom to believe.",
        ));
    }
    let known = known(app, token.trim()).await?;
    if let (None, Some(client)) = (&known, client.0) {
        app.guesses.wrong(client);
    }
    Ok(known)
}

async fn known(app: &App, given: &str) -> Result<Option<(Caller, Stem)>, Problem> {
    if given.is_empty() || given.len() > LONGEST {
        return Ok(None);
    }
    let hash = hash(given);
    // Hashes are compared, and in constant time, so that neither the token's text nor its length shows.
    if let Some(own) = &app.admin_token
        && bool::from(self::hash(own.expose_secret()).ct_eq(&hash))
    {
        return Ok(Some((own_caller(), Stem::Own(own_mac(app, own)))));
    }
    if !given.starts_with(PREFIX) {
        return Ok(None);
    }
    let found = admin_tokens::by_hash(app.engine.pool(), &hash).await?;
    let Some(token) = found.filter(|token| token.hash.as_slice().ct_eq(&hash).into()) else {
        return Ok(None);
    };
    admin_tokens::used(app.engine.pool(), &token, app.engine.now()).await?;
    Ok(Some((caller_of(&token.name, token.scope), Stem::Token(token.id))))
}

/// Whoever has the token of the settings.
pub(crate) fn own_caller() -> Caller {
    Caller { name: "api".to_owned(), scope: Scope::Admin }
}

/// Whoever has a token of the table.
pub(crate) fn caller_of(name: &str, scope: Scope) -> Caller {
    Caller { name: format!("token {name}"), scope }
}

/// The token of the settings as sessions know it: by a keyed hash, since it may be one that people can guess.
pub(crate) fn own_mac(app: &App, token: &SecretString) -> [u8; 32] {
    let mut mac = app.engine.key().derived("sessions of the server's own token");
    mac.update(token.expose_secret().as_bytes());
    mac.finalize().into_bytes().into()
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST).then_some(token)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "The admin token is missing or wrong; it is TWINWIRE_ADMIN_TOKEN of the server, or one that `twinwire tokens \
         create` has made.",
    )
    .hint("Programs send it as `Authorization: Bearer …`; the command line takes it from TWINWIRE_TOKEN.")
}

fn too_narrow(has: Scope, needs: Scope) -> Problem {
    let (has, needs) = (has.word(), needs.word());
    Problem::new(StatusCode::FORBIDDEN, format!("This needs a token of scope {needs}; this one has {has}."))
        .hint(format!("On the server: twinwire tokens create <name> --scope {needs}"))
}

/// A new token: its text, which is shown once, and its hash, which is kept.
pub(super) fn make() -> (SecretString, [u8; 32]) {
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let hash = hash(&text);
    (text.into(), hash)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_of_some_length_is_looked_at() {
        for (value, token) in [
            ("Bearer twt_a", Some("twt_a")),
            ("bearer  twt_a ", Some("twt_a")),
            ("Basic twt_a", None),
            ("Bearer ", None),
            ("Bearer", None),
            ("twt_a", None),
        ] {
            assert_eq!(bearer(value), token, "{value}");
        }
        assert_eq!(bearer(&format!("Bearer {}", "x".repeat(LONGEST + 1))), None);
    }

    #[test]
    fn every_token_is_another_and_its_hash_is_its_own() {
        let ((one, its), (two, _)) = (make(), make());
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert!(one.expose_secret().starts_with(PREFIX) && one.expose_secret().len() == PREFIX.len() + 43);
        assert_eq!(hash(one.expose_secret()), its);
    }

    #[test]
    fn a_wider_scope_includes_the_narrower_ones() {
        let scopes = [Scope::Metrics, Scope::Read, Scope::Operate, Scope::Admin];
        assert!(scopes.is_sorted_by(|one, other| one < other));
    }
}
