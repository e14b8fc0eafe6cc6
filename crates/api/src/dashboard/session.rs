//! Who is signed in. A session stems from a token of the admin API and ends with it; the database knows its hash alone.

use crate::admin::auth::{Caller, caller_of, own_caller, own_mac};
use crate::admin::problem::Problem;
use crate::{App, web};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hmac::Mac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use twinwire_store::dashboard_sessions::{self, Stem};

/// How long a session lasts, whatever is done in it: a working day.
const LASTS: TimeDelta = TimeDelta::hours(12);

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// SHA-256 of what the browser shows.
    pub(super) hash: [u8; 32],
    /// Who it is, and what they may.
    pub(super) caller: Caller,
    /// What their forms carry, which no other site knows.
    pub(super) form: String,
    stem: Stem,
}

impl Session {
    /// By the cookie.
    pub(super) async fn of(app: &App, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(shown) = web::cookie(headers, name(app)).filter(|shown| !shown.is_empty()) else {
            return Ok(None);
        };
        let hash: [u8; 32] = Sha256::digest(shown).into();
        let own = app.admin_token.as_ref().map(|token| own_mac(app, token));
        let (pool, now) = (app.engine.pool(), app.engine.now());
        let own_bytes = own.as_ref().map(<[u8; 32]>::as_slice);
        let Some(found) = dashboard_sessions::find(pool, &hash, own_bytes, now).await? else {
            return Ok(None);
        };
        let (caller, stem) = match (found.token, own) {
            (Some((id, name, scope)), _) => (caller_of(&name, scope), Stem::Token(id)),
            (None, Some(own)) => (own_caller(), Stem::Own(own)),
            (None, None) => return Ok(None),
        };
        dashboard_sessions::used(pool, &hash, now).await?;
        Ok(Some(Self { hash, caller, form: form(app, shown), stem }))
    }

    /// Whether a form is theirs.
    pub(super) fn sent(&self, form: &str) -> bool {
        self.form.as_bytes().ct_eq(form.as_bytes()).into()
    }

    /// Ends it, or every one that stems from the same token. Gives the cookie that takes its place.
    pub(super) async fn end(&self, app: &App, everywhere: bool) -> Result<String, Problem> {
        if everywhere {
            dashboard_sessions::end_all(app.engine.pool(), &self.stem).await?;
        } else {
            dashboard_sessions::end(app.engine.pool(), &self.hash).await?;
        }
        Ok(cookie(app, "", TimeDelta::zero()))
    }
}

/// Begins one. Gives the cookie.
pub(super) async fn begin(app: &App, stem: &Stem) -> Result<String, Problem> {
    let shown = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let now = app.engine.now();
    let hash = Sha256::digest(&shown);
    dashboard_sessions::insert(app.engine.pool(), &hash, stem, now, now + LASTS).await?;
    Ok(cookie(app, &shown, LASTS))
}

/// Behind https the name itself says that nobody but this very host has set it.
fn name(app: &App) -> &'static str {
    if is_https(app) { "__Host-twinwire" } else { "twinwire" }
}

fn is_https(app: &App) -> bool {
    app.engine.public_url().starts_with("https://")
}

fn cookie(app: &App, shown: &str, lasts: TimeDelta) -> String {
    let secure = if is_https(app) { "; Secure" } else { "" };
    let (name, seconds) = (name(app), lasts.num_seconds());
    format!("{name}={shown}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

fn form(app: &App, shown: &str) -> String {
    let mut mac = app.engine.key().derived("forms of the dashboard");
    mac.update(shown.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}
