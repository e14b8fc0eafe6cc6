//! The set-up as JSON, with the admin token. Answers go in; what comes next comes out, and no answer with it.

use crate::App;
use crate::admin::auth::{Admin, May};
use crate::admin::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use twinwire_core::setting::Settings;
use twinwire_engine::setup::session::{self, Said, Session, Word};
use twinwire_engine::setup::view::{self, View};

/// What begins a set-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    pair: String,
    #[serde(default)]
    answers: BTreeMap<String, String>,
    channel: Option<String>,
}

/// What goes on with a set-up.
#[derive(Deserialize)]
struct Saying {
    /// The version of the step that it is said of. Without it an answer that is sent again could answer the next question.
    version: Option<i64>,
    #[serde(flatten)]
    say: Say,
}

/// One of these.
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
    /// Whether it is said of what was shown, and of nothing else.
    fn needs_version(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::Webhook(_))
    }

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

/// An answer that no cache keeps: the channel's key may be in it.
type Shown = Result<(StatusCode, [(HeaderName, &'static str); 1], Json<View>), Problem>;

/// `POST /v1/setup`: begins a set-up.
pub(super) async fn begin(_: May<Admin>, State(app): State<App>, body: Bytes) -> Shown {
    let asked: Begin = parsed(&body).ok_or_else(|| {
        Problem::wrong("The body is not as it should be.").hint(
            "Say {\"pair\": \"…\"} and, as you like, \"answers\" by name or the \"channel\" whose answers change.",
        )
    })?;
    let answers = Settings::from_iter(asked.answers);
    let session = session::begin(&app.engine, &asked.pair, &answers, asked.channel.as_deref()).await?;
    shown(&app, StatusCode::CREATED, &session).await
}

/// `GET /v1/setup/{setup}`: what comes next.
pub(super) async fn look(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Shown {
    let session = session::look(&app.engine, &id).await?;
    shown(&app, StatusCode::OK, &session).await
}

/// `POST /v1/setup/{setup}`: goes on, and gives what comes next.
pub(super) async fn say(_: May<Admin>, State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Shown {
    let wrong = || {
        Problem::wrong("The body is not as it should be.").hint(
            "Say one of {\"answer\": \"…\"}, {\"answers\": {…}}, {\"back\": \"setting\"}, {\"webhook\": \"set\", \
             \"take_over\" or \"leave\"}, {\"continue\": true}; with \"answer\" and \"webhook\" the \"version\" of the step \
             that it is said of.",
        )
    };
    let Saying { version, say } = parsed(&body).ok_or_else(wrong)?;
    if say.needs_version() && version.is_none() {
        return Err(wrong());
    }
    let said = say.said().ok_or_else(wrong)?;
    let session = session::say(&app.engine, &id, version, said).await?;
    shown(&app, StatusCode::OK, &session).await
}

/// `POST /v1/setup/{setup}/link`: a link to its page, for one use within 30 minutes.
pub(super) async fn link(
    _: May<Admin>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let session = session::look(&app.engine, &id).await?;
    let link = session::link(&app.engine, &session).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(json!({ "link": link }))).into_response())
}

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn shown(app: &App, status: StatusCode, session: &Session) -> Shown {
    Ok((status, NO_STORE, Json(view::of(&app.engine, session).await?)))
}

/// What was said; nothing of what cannot be read is repeated, for it may be a secret.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
