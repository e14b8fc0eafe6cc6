//! The set-up as a page: plain forms that work without a script. Every form is answered by going to the page again, so that
//! nothing is sent twice by reloading; what was answered is on no page.

use super::templates::{EnterPage, StepPage};
use super::visitor::{Visitor, set_cookie};
use crate::App;
use crate::admin::auth;
use crate::admin::problem::Problem;
use crate::dashboard::nothing;
use crate::guesses::Client;
use crate::web::{self, is_foreign, page};
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use twinwire_core::setting::Settings;
use twinwire_engine::setup::said::{Said, Word};
use twinwire_engine::setup::{SetupError, session, view, visit};
use twinwire_store::admin_tokens::Scope;

/// The page's address.
#[derive(Deserialize)]
pub(super) struct Address {
    link: Option<String>,
}

/// A form.
#[derive(Deserialize)]
pub(super) struct Sent {
    act: Act,
    #[serde(default)]
    form: String,
    /// The version of the step that the form was made for.
    version: Option<i64>,
    #[serde(default)]
    setting: String,
    #[serde(default)]
    value: String,
}

/// What a form does.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    /// Spends a link.
    Open,
    /// Gives the admin token.
    SignIn,
    Answer,
    Back,
    WebhookSet,
    WebhookTakeOver,
    WebhookLeave,
    Continue,
}

/// `GET /v1/install/{pair}/setup`: the step that the visitor is at. A link is not spent by looking at it: what shows
/// previews of links would spend it.
pub(super) async fn show(
    State(app): State<App>,
    Path(pair): Path<String>,
    Query(address): Query<Address>,
    headers: HeaderMap,
) -> Response {
    if app.engine.connectors().pair(&pair).is_none() {
        return nothing();
    }
    let shown = async {
        if let Some(link) = &address.link {
            if visit::knows_link(&app.engine, &pair, link).await? {
                return Ok(enter(&app, &pair, StatusCode::OK, Some(link), None));
            }
            if Visitor::of(&app, &pair, &headers).await?.is_some() {
                return Ok(again());
            }
            let words = "This link was used, or is older than half an hour. `twinwire setup --web` prints another one.";
            return Ok(enter(&app, &pair, StatusCode::GONE, None, Some(words)));
        }
        match Visitor::of(&app, &pair, &headers).await? {
            Some(visitor) => step(&app, &visitor, None).await,
            None => Ok(enter(&app, &pair, StatusCode::UNAUTHORIZED, None, None)),
        }
    };
    let shown: Result<Response, Problem> = shown.await;
    shown.unwrap_or_else(|error| trouble(&app, &pair, &error))
}

/// `POST /v1/install/{pair}/setup`: a form of the page.
pub(super) async fn act(
    State(app): State<App>,
    Path(pair): Path<String>,
    client: Client,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    if app.engine.connectors().pair(&pair).is_none() {
        return nothing();
    }
    if is_foreign(&headers) {
        return enter(&app, &pair, StatusCode::FORBIDDEN, None, Some("This form came from another site."));
    }
    let acted = match sent.act {
        Act::Open => open(&app, &pair, &sent.value).await,
        Act::SignIn => sign_in(&app, &pair, client, &sent.value).await,
        _ => go_on(&app, &pair, &headers, sent).await,
    };
    acted.unwrap_or_else(|error| trouble(&app, &pair, &error))
}

async fn open(app: &App, pair: &str, link: &str) -> Result<Response, Problem> {
    match visit::spend_link(&app.engine, pair, link).await? {
        Some(visitor) => Ok(entered(app, &visitor)),
        None => {
            let words = "This link was used, or is older than half an hour. `twinwire setup --web` prints another one.";
            Ok(enter(app, pair, StatusCode::GONE, None, Some(words)))
        }
    }
}

async fn sign_in(app: &App, pair: &str, client: Client, token: &str) -> Result<Response, Problem> {
    let whose = auth::whose(app, client, token).await?;
    if whose.is_none_or(|(caller, _)| caller.scope < Scope::Admin) {
        return Ok(enter(app, pair, StatusCode::UNAUTHORIZED, None, Some("That is not the admin token.")));
    }
    let begun = session::begin(&app.engine, pair, &Settings::default(), None).await?;
    Ok(entered(app, &visit::visit(&app.engine, &begun).await?))
}

async fn go_on(app: &App, pair: &str, headers: &HeaderMap, sent: Sent) -> Result<Response, Problem> {
    let Some(visitor) = Visitor::of(app, pair, headers).await? else {
        return Ok(enter(app, pair, StatusCode::UNAUTHORIZED, None, None));
    };
    if !visitor.sent(app, &sent.form) {
        let words = "This form was not the latest one of this page. Here is where the set-up stands.";
        return step(app, &visitor, Some((StatusCode::FORBIDDEN, words))).await;
    }
    let said = match sent.act {
        Act::Answer => Said::AnswerTo(sent.setting, sent.value),
        Act::Back => Said::Back(sent.setting),
        Act::WebhookSet => Said::Webhook(Word::Set),
        Act::WebhookTakeOver => Said::Webhook(Word::TakeOver),
        Act::WebhookLeave => Said::Webhook(Word::Leave),
        Act::Continue | Act::Open | Act::SignIn => Said::Continue,
    };
    // A form without a version is of no page of ours: it is taken for one that is over.
    let saw = Some(sent.version.unwrap_or(-1));
    match session::say(&app.engine, &visitor.setup, saw, said).await {
        Ok(_) => Ok(again()),
        Err(error @ SetupError::Engine(_)) => Err(error.into()),
        // Another window was faster, say: the page shows where it stands, and what was wrong.
        Err(error) => {
            let problem = Problem::from(error);
            step(app, &visitor, Some((problem.status(), problem.words()))).await
        }
    }
}

async fn step(app: &App, visitor: &Visitor, wrong: Option<(StatusCode, &str)>) -> Result<Response, Problem> {
    let session = session::look(&app.engine, &visitor.setup).await?;
    let view = view::of(&app.engine, &session).await?;
    let (code, wrong) = wrong.map_or((StatusCode::OK, None), |(code, words)| (code, Some(words)));
    let form_token = visitor.form_token(app);
    Ok(page(code, &StepPage { names: session.names(), view: &view, form_token: &form_token, wrong }))
}

/// The page before a set-up.
fn enter(app: &App, pair: &str, code: StatusCode, link: Option<&str>, wrong: Option<&str>) -> Response {
    let names = app.engine.connectors().pair(pair).map(|(one, other)| (one.title(), other.title()));
    let names = names.unwrap_or_default();
    page(code, &EnterPage { names, pair, link, token: app.admin_token.is_some(), wrong })
}

fn trouble(app: &App, pair: &str, problem: &Problem) -> Response {
    enter(app, pair, problem.status(), None, Some(problem.words()))
}

/// To the page again.
fn again() -> Response {
    web::onward("setup")
}

fn entered(app: &App, visitor: &str) -> Response {
    let mut response = again();
    web::set_cookie(&mut response, &set_cookie(app, visitor));
    response
}
