//! The set-up as JSON, with the admin token. Answers go in; what comes next comes out, and no answer with it.

use super::{failed, no_store, problem, unauthorized};
use crate::App;
use crate::admin::is_admin;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use twinwire_core::setting::Settings;
use twinwire_engine::setup::session::{self, Said, Session, Word};
use twinwire_engine::setup::view;

/// What begins a set-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    pair: String,
    #[serde(default)]
    answers: BTreeMap<String, String>,
    channel: Option<String>,
}

/// What goes on with it: one of these.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Say {
    Answer(String),
    Answers(BTreeMap<String, String>),
    Back(String),
    Webhook(Webhook),
    Continue(bool),
}

/// What is to become of the number's webhook.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Webhook {
    Set,
    TakeOver,
    Leave,
}

impl Say {
    /// What a person says by it; nothing where it says that one does not go on.
    fn said(self) -> Option<Said> {
        Some(match self {
            Self::Answer(answer) => Said::Answer(answer),
            Self::Answers(answers) => Said::Answers(Settings::from_iter(answers)),
            Self::Back(setting) => Said::Back(setting),
            Self::Webhook(Webhook::Set) => Said::Webhook(Word::Set),
            Self::Webhook(Webhook::TakeOver) => Said::Webhook(Word::TakeOver),
            Self::Webhook(Webhook::Leave) => Said::Webhook(Word::Leave),
            Self::Continue(true) => Said::Continue,
            Self::Continue(false) => return None,
        })
    }
}

/// `POST /v1/setup`: begins a set-up.
pub(super) async fn begin(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    let Some(asked) = parsed::<Begin>(&body) else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Say {\"pair\": \"…\"} and, as you like, \"answers\" by name or the \"channel\" whose answers change.",
        );
    };
    let answers = Settings::from_iter(asked.answers);
    match session::begin(&app.engine, &asked.pair, &answers, asked.channel.as_deref()).await {
        Ok(session) => shown(&app, StatusCode::CREATED, &session).await,
        Err(error) => failed(&error),
    }
}

/// `GET /v1/setup/{setup}`: what comes next.
pub(super) async fn look(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    match session::look(&app.engine, &id).await {
        Ok(session) => shown(&app, StatusCode::OK, &session).await,
        Err(error) => failed(&error),
    }
}

/// `POST /v1/setup/{setup}`: goes on, and gives what comes next.
pub(super) async fn say(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    let Some(said) = parsed::<Say>(&body).and_then(Say::said) else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Say one of {\"answer\": \"…\"}, {\"answers\": {…}}, {\"back\": \"setting\"}, {\"webhook\": \"set\", \
             \"take_over\" or \"leave\"}, {\"continue\": true}.",
        );
    };
    match session::say(&app.engine, &id, said).await {
        Ok(session) => shown(&app, StatusCode::OK, &session).await,
        Err(error) => failed(&error),
    }
}

/// `POST /v1/setup/{setup}/link`: a link to its page, for one use within 30 minutes.
pub(super) async fn link(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_admin(&app, &headers) {
        return unauthorized();
    }
    let made = async {
        let session = session::look(&app.engine, &id).await?;
        session::link(&app.engine, &session).await
    };
    match made.await {
        Ok(link) => (StatusCode::CREATED, no_store(), Json(json!({ "link": link }))).into_response(),
        Err(error) => failed(&error),
    }
}

pub(super) async fn shown(app: &App, status: StatusCode, session: &Session) -> Response {
    match view::of(&app.engine, session).await {
        Ok(view) => (status, no_store(), Json(view)).into_response(),
        Err(error) => failed(&error),
    }
}

/// What was said; nothing of what cannot be read is repeated, for it may be a secret.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
