//! What the pages have in common: they ask the admin API, they act by forms, they stand in a frame, and they say what went
//! wrong.

use super::session::Session;
use super::sign_in;
use crate::admin::ROOT;
use crate::admin::auth::SignedIn;
use crate::admin::problem::{ErrorBody, Problem};
use crate::web::{is_foreign, page};
use crate::{App, web};
use askama::Template;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::iter;
use std::ops::Deref;
use tower::ServiceExt;
use twinwire_store::admin_tokens::Scope;

/// What may stand in a part of a path as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What all pages share.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) app: App,
    /// The admin API.
    pub(super) admin: Router,
}

/// Somebody who is signed in, at the desk. A page with this in its signature is shown to nobody else.
pub(super) struct Signed {
    pub(super) session: Session,
    pub(super) desk: Desk,
}

impl Deref for Signed {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl FromRequestParts<Desk> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        match Session::of(&desk.app, &parts.headers).await {
            Ok(Some(session)) => Ok(Self { session, desk: desk.clone() }),
            Ok(None) => {
                let next = (parts.method == Method::GET).then(|| parts.uri.path_and_query()).flatten();
                Err(sign_in::page_of(StatusCode::UNAUTHORIZED, next.map_or("/", |next| next.as_str()), None))
            }
            Err(problem) => Err(Sorry(problem).into_response()),
        }
    }
}

/// A form of a page of theirs.
pub(super) struct Acting<T> {
    pub(super) signed: Signed,
    pub(super) what: T,
}

/// A form as it arrives.
#[derive(Deserialize)]
struct Sent<T> {
    #[serde(default)]
    form: String,
    #[serde(flatten)]
    what: T,
}

impl<T: DeserializeOwned> FromRequest<Desk> for Acting<T> {
    type Rejection = Response;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if is_foreign(&parts.headers) {
            return Err(Sorry::forbidden("This form came from another site.").into_response());
        }
        let signed = Signed::from_request_parts(&mut parts, desk).await?;
        let sent: Result<Form<Sent<T>>, FormRejection> =
            Form::from_request(Request::from_parts(parts, body), desk).await;
        let Form(sent) = sent.map_err(|error| {
            Sorry(Problem::wrong(format!("The form is not as it should be: {error}."))).into_response()
        })?;
        if !signed.sent(&sent.form) {
            let words = "This form was not of a page of yours. Go back, load the page again, and repeat it.";
            return Err(Sorry::forbidden(words).into_response());
        }
        Ok(Self { signed, what: sent.what })
    }
}

impl Signed {
    /// Whether buttons that need this scope are shown. The admin API is asked all the same.
    pub(super) fn may_operate(&self) -> bool {
        self.caller.scope >= Scope::Operate
    }

    /// Looks at something by the admin API.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &Path) -> Result<T, Problem> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    /// Asks the admin API for something to be done.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &Path,
        body: &impl Serialize,
    ) -> Result<T, Problem> {
        let body = serde_json::to_vec(body).map_err(|error| Problem::wrong(error.to_string()))?;
        self.ask(Method::POST, path, Body::from(body)).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &Path, body: Body) -> Result<T, Problem> {
        let request = http::Request::builder().method(method).uri(&path.0);
        let request = request.extension(SignedIn(self.caller.clone())).body(body);
        let request = request.map_err(|error| Problem::wrong(format!("That is no address: {error}.")))?;
        let Ok(response) = self.desk.admin.clone().oneshot(request).await;
        let status = response.status();
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "an answer of the admin API cannot be read");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error; the log says more.")
        };
        let body = to_bytes(response.into_body(), usize::MAX).await.map_err(|error| unreadable(&error))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unreadable(&error));
        }
        let ErrorBody { error, hint } = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
        let problem = Problem::new(status, error);
        Err(match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    }

    /// The frame of a page of theirs.
    pub(super) fn frame(&self, at: &'static str) -> Frame<'_> {
        Frame {
            at,
            who: &self.caller.name,
            scope: self.caller.scope.word(),
            form: &self.form,
            operate: self.may_operate(),
            now: self.desk.app.engine.now(),
        }
    }
}

/// Where in the admin API.
pub(super) struct Path(String);

impl Path {
    /// A path of parts, whatever stands in them.
    pub(super) fn of(parts: &[&str]) -> Self {
        Self(format!("{ROOT}{}", address(parts)))
    }

    /// The same with something in the query, where there is something.
    pub(super) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            let start = if self.0.contains('?') { '&' } else { '?' };
            let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
            self.0.push(start);
            self.0.push_str(&pair);
        }
        self
    }
}

/// An address of parts, whatever stands in them.
pub(super) fn address(parts: &[&str]) -> String {
    parts.iter().flat_map(|part| iter::once("/").chain(utf8_percent_encode(part, &PLAIN))).collect()
}

/// What stands around a page.
pub(super) struct Frame<'a> {
    /// Which of the pages it is.
    pub(super) at: &'static str,
    pub(super) who: &'a str,
    pub(super) scope: &'static str,
    /// What forms carry.
    pub(super) form: &'a str,
    /// Whether what acts is shown.
    pub(super) operate: bool,
    pub(super) now: DateTime<Utc>,
}

/// What came of a form, said on the page that follows.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Came {
    pub(super) done: Option<Done>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Done {
    Paused,
    Resumed,
    Unchanged,
    Backfill,
    Retried,
    Settled,
    Replay,
    Cancelled,
    #[serde(other)]
    Other,
}

impl Came {
    /// In words.
    pub(super) fn words(self) -> Option<&'static str> {
        Some(match self.done? {
            Done::Paused => "The channel is paused: webhooks are taken and kept, and nothing is delivered.",
            Done::Resumed => "The channel goes on.",
            Done::Unchanged => "Nothing was to be changed.",
            Done::Backfill => "The backfill is asked for; it is the topmost here.",
            Done::Retried => "It is tried anew.",
            Done::Settled => "That is written down.",
            Done::Replay => "The request is taken again; the job is the topmost here.",
            Done::Cancelled => "The job ends, at its next step if it runs.",
            Done::Other => return None,
        })
    }
}

/// A page that says what went wrong.
pub(super) struct Sorry(pub(super) Problem);

impl Sorry {
    pub(super) fn forbidden(words: &str) -> Self {
        Self(Problem::new(StatusCode::FORBIDDEN, words))
    }
}

impl From<Problem> for Sorry {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

#[derive(Template)]
#[template(path = "dashboard/sorry.html")]
struct SorryPage<'a> {
    title: &'static str,
    words: &'a str,
    hint: Option<&'a str>,
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let title = match status {
            StatusCode::NOT_FOUND => "Not here",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::CONFLICT => "Not now",
            _ => "That did not work",
        };
        let shown = SorryPage { title, words: self.0.words(), hint: self.0.hinted() };
        let mut response = page(status, &shown);
        if let Some(seconds) = self.0.seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A page, or what went wrong.
pub(super) type Shown = Result<Response, Sorry>;

/// To a page, which says what was done.
pub(super) fn done(to: &str, what: &str) -> Response {
    web::onward(&format!("{to}?done={what}"))
}
