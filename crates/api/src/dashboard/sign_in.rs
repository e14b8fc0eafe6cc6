//! Signing in with a token of the admin API, and signing out.

use super::desk::{Acting, Desk, Shown, Sorry};
use super::session;
use crate::admin::auth;
use crate::guesses::Client;
use crate::web::{self, is_foreign, page};
use askama::Template;
use axum::extract::{Form, FromRequestParts, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{RequestExt, response};
use serde::Deserialize;
use twinwire_store::admin_tokens::Scope;

/// The page before all others.
#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
struct SignIn<'a> {
    /// Where it leads.
    next: &'a str,
    wrong: Option<&'a str>,
}

/// Somebody who signs in.
#[derive(Deserialize)]
struct Entering {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// Where it is to lead.
#[derive(Deserialize)]
pub(super) struct Leads {
    #[serde(default)]
    next: String,
}

/// How somebody signs out.
#[derive(Deserialize)]
pub(super) struct Leaving {
    everywhere: Option<String>,
}

/// The page, for whoever is not signed in.
pub(super) fn page_of(status: StatusCode, next: &str, wrong: Option<&str>) -> Response {
    page(status, &SignIn { next: safe(next), wrong })
}

/// `GET /sign-in`
pub(super) async fn show(Query(leads): Query<Leads>) -> Response {
    page_of(StatusCode::OK, &leads.next, None)
}

/// `POST /sign-in`
pub(super) async fn act(State(desk): State<Desk>, request: Request) -> Result<Response, response::Response> {
    if is_foreign(request.headers()) {
        return Err(Sorry::forbidden("This form came from another site.").into_response());
    }
    let (mut parts, body) = request.into_parts();
    let Ok(client) = Client::from_request_parts(&mut parts, &desk.app).await;
    let form: Result<Form<Entering>, _> = Request::from_parts(parts, body).extract().await;
    let Ok(Form(entering)) = form else {
        return Err(page_of(StatusCode::BAD_REQUEST, "/", Some("The form did not arrive whole.")));
    };
    let next = safe(&entering.next);
    let whose = match auth::whose(&desk.app, client, &entering.token).await {
        Ok(whose) => whose,
        Err(problem) => {
            let mut response = page_of(problem.status(), next, Some(problem.words()));
            if let Some(seconds) = problem.seconds() {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            return Err(response);
        }
    };
    let Some((caller, stem)) = whose else {
        return Err(page_of(StatusCode::UNAUTHORIZED, next, Some("That is no token of this server.")));
    };
    if caller.scope < Scope::Read {
        let words = "This token reads /metrics alone: sign in with one of scope read, operate or admin.";
        return Err(page_of(StatusCode::FORBIDDEN, next, Some(words)));
    }
    let begun = session::begin(&desk.app, &stem).await.map_err(|problem| Sorry(problem).into_response())?;
    tracing::info!(by = caller.name, scope = caller.scope.word(), "signed in to the dashboard");
    let mut response = web::onward(next);
    web::set_cookie(&mut response, &begun);
    Ok(response)
}

/// `POST /sign-out`
pub(super) async fn leave(acting: Acting<Leaving>) -> Shown {
    let Acting { signed, what } = acting;
    let everywhere = what.everywhere.is_some();
    let cookie = signed.session.end(&signed.desk.app, everywhere).await?;
    tracing::info!(by = signed.caller.name, everywhere, "signed out of the dashboard");
    let mut response = web::onward("/");
    web::set_cookie(&mut response, &cookie);
    Ok(response)
}

/// An address of ours; anything else leads to the first page.
fn safe(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r', '\t']);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn signing_in_leads_to_pages_of_ours_alone() {
        for ours in ["/", "/messages?state=parked", "/channels/chn_a"] {
            assert_eq!(safe(ours), ours);
        }
        for other in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "\\", "/\t/evil.example"]
        {
            assert_eq!(safe(other), "/", "{other:?}");
        }
    }
}
