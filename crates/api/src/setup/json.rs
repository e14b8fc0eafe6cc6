//! The set-up as JSON, with the admin token. Answers go in; what comes next comes out, and no answer with it.

use super::forms::{Begin, Install, InstalledView, Link, Say, Saying, SetupView, Webhook};
use crate::App;
use crate::admin::auth::{Admin, May};
use crate::admin::given::Path;
use crate::admin::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use twinwire_core::setting::Settings;
use twinwire_engine::setup::said::{Said, Word};
use twinwire_engine::setup::session::{self, Session};
use twinwire_engine::setup::webhook::{self, Take};
use twinwire_engine::setup::{self, SetupError};
use twinwire_engine::setup::{view, visit};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How a set-up goes on.
const SAY: &str = "Say one of {\"answer\": \"…\"}, {\"answers\": {…}}, {\"back\": \"setting\"}, {\"webhook\": \"set\", \
                   \"take_over\" or \"leave\"}, {\"continue\": true}; with \"answer\" and \"webhook\" the \"version\" of the \
                   step that it is said of.";

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

/// An answer that no cache keeps: the channel's key may be in it.
type Kept<T> = Result<(StatusCode, [(HeaderName, &'static str); 1], Json<T>), Problem>;
type Shown = Kept<SetupView>;

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Begins a set-up. What is answered already is not asked.
#[utoipa::path(post, path = "/setup", tag = "setup", security(("token" = ["admin"])), request_body = Begin,
    responses((status = 201, body = SetupView), (status = 404, description = "There is no such pair or channel.")))]
async fn begin(_: May<Admin>, State(app): State<App>, body: Bytes) -> Shown {
    let asked: Begin = parsed(
        &body,
        "Say {\"pair\": \"…\"} and, as you like, \"answers\" by name or the \"channel\" whose answers change.",
    )?;
    let pair = setup::pair_for(&app.engine, asked.pair.as_deref(), asked.channel.as_deref()).await?;
    let answers = Settings::from_iter(asked.answers);
    let session = session::begin(&app.engine, &pair, &answers, asked.channel.as_deref()).await?;
    shown(&app, StatusCode::CREATED, &session).await
}

/// Makes a channel, or changes answers of one, all at once: nothing is stored before the provider has taken the credentials.
#[utoipa::path(post, path = "/setup/install", tag = "setup", security(("token" = ["admin"])), request_body = Install,
    responses((status = 200, body = InstalledView), (status = 404, description = "There is no such channel."),
        (status = 422, description = "The provider refuses the credentials."),
        (status = 502, description = "The provider cannot be asked.")))]
async fn install(_: May<Admin>, State(app): State<App>, body: Bytes) -> Kept<InstalledView> {
    let asked: Install = parsed(
        &body,
        "Say {\"pair\": \"…\", \"answers\": {…}}, and as you like the \"channel\" whose answers change, and \
             \"webhook\": \"set\" or \"take_over\".",
    )?;
    let engine = &app.engine;
    let pair = setup::pair_for(engine, asked.pair.as_deref(), asked.channel.as_deref()).await?;
    let answers = Settings::from_iter(asked.answers);
    let made = match &asked.channel {
        Some(channel) => setup::change(engine, channel, &answers).await,
        None => setup::install(engine, &pair, &answers).await,
    };
    let made = named(made)?;
    let take = match asked.webhook {
        Some(Webhook::Set) => Some(Take::Free),
        Some(Webhook::TakeOver) => Some(Take::Over),
        Some(Webhook::Leave) | None => None,
    };
    let goes = match take {
        Some(take) => Some(webhook::take(engine, &made.channel.id, take).await?),
        None => None,
    };
    Ok((StatusCode::OK, NO_STORE, Json(InstalledView::of(&made, engine.public_url(), goes))))
}

/// Shows what comes next in a set-up.
#[utoipa::path(get, path = "/setup/{setup}", tag = "setup", security(("token" = ["admin"])),
    params(("setup" = String, Path, description = "The set-up's id")),
    responses((status = 200, body = SetupView), (status = 404, description = "There is no such set-up.")))]
async fn look(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Shown {
    let session = session::look(&app.engine, &id).await?;
    shown(&app, StatusCode::OK, &session).await
}

/// Goes on with a set-up, and shows what comes next.
#[utoipa::path(post, path = "/setup/{setup}", tag = "setup", security(("token" = ["admin"])), request_body = Saying,
    params(("setup" = String, Path, description = "The set-up's id")),
    responses((status = 200, body = SetupView), (status = 404, description = "There is no such set-up."),
        (status = 409, description = "Somebody else went on with it in the meantime.")))]
async fn say(_: May<Admin>, State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Shown {
    let (version, say) = parsed::<Saying>(&body, SAY)?.one().ok_or_else(|| wrong(SAY))?;
    let said = say.said().ok_or_else(|| wrong(SAY))?;
    let session = session::say(&app.engine, &id, version, said).await?;
    shown(&app, StatusCode::OK, &session).await
}

/// Makes a link to a set-up's page, for one use within 30 minutes.
#[utoipa::path(post, path = "/setup/{setup}/link", tag = "setup", security(("token" = ["admin"])),
    params(("setup" = String, Path, description = "The set-up's id")),
    responses((status = 201, body = Link), (status = 404, description = "There is no such set-up.")))]
async fn link(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Kept<Link> {
    let session = session::look(&app.engine, &id).await?;
    let link = visit::link(&app.engine, &session).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(Link { link })))
}

async fn shown(app: &App, status: StatusCode, session: &Session) -> Shown {
    Ok((status, NO_STORE, Json(view::of(&app.engine, session).await?.into())))
}

/// What was said. Of what cannot be read only a name that nobody knows is repeated: anything else may be a secret.
fn parsed<T: DeserializeOwned>(body: &[u8], hint: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let words = error.to_string();
        match words.split(',').next().filter(|words| words.starts_with("unknown field")) {
            Some(unknown) => Problem::wrong(format!("The body has an {unknown}.")).hint(hint),
            None => wrong(hint),
        }
    })
}

fn wrong(hint: &str) -> Problem {
    Problem::wrong("The body is not as it should be.").hint(hint)
}

/// Whoever gives all answers at once and a pair that there is not asks wrongly.
fn named<T>(result: Result<T, SetupError>) -> Result<T, Problem> {
    result.map_err(|error| match error {
        SetupError::NoPair(..) => Problem::wrong(error.to_string()),
        other => other.into(),
    })
}

/// The routes, under `/v1`.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(install))
        .routes(routes!(look, say))
        .routes(routes!(link))
}
