//! Who may see a set-up's page: whoever has its cookie, which is given for the admin token or for a link, once.

use crate::{App, web};
use axum::http::HeaderMap;
use subtle::ConstantTimeEq;
use twinwire_engine::setup::{SetupError, visit};

const COOKIE: &str = "twinwire_setup";

/// Somebody at the page.
pub(super) struct Visitor {
    cookie: String,
    /// The set-up that they may go on with.
    pub(super) setup: String,
}

impl Visitor {
    /// By the cookie.
    pub(super) async fn of(app: &App, pair: &str, headers: &HeaderMap) -> Result<Option<Self>, SetupError> {
        let Some(cookie) = web::cookie(headers, COOKIE) else { return Ok(None) };
        let setup = visit::of_visitor(&app.engine, pair, cookie).await?;
        Ok(setup.map(|setup| Self { cookie: cookie.to_owned(), setup }))
    }

    /// What their forms carry, which no other site knows.
    pub(super) fn form_token(&self, app: &App) -> String {
        visit::form_token(&app.engine, &self.cookie)
    }

    /// Whether a form is theirs.
    pub(super) fn sent(&self, app: &App, token: &str) -> bool {
        self.form_token(app).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// The cookie that is set. It goes back to this page's folder alone, and with no request that another site causes.
pub(super) fn set_cookie(app: &App, visitor: &str) -> String {
    let secure = if app.engine.public_url().starts_with("https://") { "; Secure" } else { "" };
    format!("{COOKIE}={visitor}; HttpOnly; SameSite=Strict; Max-Age=86400{secure}")
}
