//! Messages: listed, shown, their story told, tried anew, settled.
//!
//! * [`list`] — the newest first, page by page.
//! * [`view`] — a message as it stands.
//! * [`story`] — what happened to it.
//! * [`named`] — which message is meant.

pub mod list;
mod named;
pub mod story;
pub mod view;

use super::auth::{May, Operate, Read};
use super::given::{Given, Path};
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use twinwire_core::model::Told;
use twinwire_engine::converge::outlook;
use twinwire_engine::operator::{self, Refused};
use twinwire_store::messages;
use twinwire_store::story::Found;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use view::MessageDetails;

/// How a message is tried anew.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// If it waits for a time, it waits no longer.
    #[serde(default)]
    pub now: bool,
}

/// What became of an uncertain message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Settle {
    /// It arrived.
    Arrived {
        /// Its id on the other side.
        id: String,
        /// Believe it although its text or its time is another.
        #[serde(default)]
        force: bool,
    },
    /// It did not arrive.
    NotArrived {
        /// Try it anew at once.
        #[serde(default)]
        retry: bool,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// How the message stands now.
    #[serde(flatten)]
    pub message: MessageDetails,
    /// Whether the agent was told before that it failed. That stays there, whatever comes of it now.
    pub agent_was_told: bool,
}

async fn details(app: &App, found: &Found) -> Result<MessageDetails, Problem> {
    let outlook = outlook(&app.engine, found).await?.ok_or_else(gone)?;
    Ok(MessageDetails::of(found.seq, &outlook, false))
}

fn gone() -> Problem {
    Problem::not_found("The message is gone.")
}

/// Shows a message as it stands, with what happens next. The text is left out; the story has it where it is asked for.
#[utoipa::path(get, path = "/messages/{message}", tag = "messages", security(("token" = ["read"])),
    params(("message" = String, Path, description = "Our id, the helpdesk's, the provider's, or the message's number")),
    responses((status = 200, body = MessageDetails), (status = 404, description = "There is no such message.")))]
async fn show(_: May<Read>, State(app): State<App>, Path(name): Path<String>) -> Answer<MessageDetails> {
    let found = named::one(&app, &name).await?;
    Ok(Json(details(&app, &found).await?))
}

/// Asks for a new attempt of a message that was put aside.
#[utoipa::path(post, path = "/messages/{message}/retry", tag = "messages", security(("token" = ["operate"])),
    params(("message" = String, Path, description = "Our id, the helpdesk's, the provider's, or the message's number")),
    request_body = Option<Retry>,
    responses((status = 200, body = Done), (status = 404, description = "There is no such message."),
        (status = 409, description = "It is not in a state for it.")))]
async fn retry(
    _: May<Operate>,
    State(app): State<App>,
    Path(name): Path<String>,
    Given(how): Given<Retry>,
) -> Answer<Done> {
    let found = named::one(&app, &name).await?;
    let agent_was_told = was_told(&app, &found).await?;
    operator::retry(&app.engine, &found, how.now).await.map_err(|refused| refusal(refused, &found))?;
    Ok(Json(Done { message: details(&app, &found).await?, agent_was_told }))
}

/// Says what became of an uncertain message.
#[utoipa::path(post, path = "/messages/{message}/settle", tag = "messages", security(("token" = ["operate"])),
    params(("message" = String, Path, description = "Our id, the helpdesk's, the provider's, or the message's number")),
    request_body = Settle,
    responses((status = 200, body = Done), (status = 404, description = "There is no such message."),
        (status = 409, description = "It is not uncertain, or that id cannot be its.")))]
async fn settle(
    _: May<Operate>,
    State(app): State<App>,
    Path(name): Path<String>,
    Given(answer): Given<Settle>,
) -> Answer<Done> {
    let found = named::one(&app, &name).await?;
    let agent_was_told = was_told(&app, &found).await?;
    let done = match &answer {
        Settle::Arrived { id, .. } if id.trim().is_empty() || id.contains('\0') => {
            return Err(Problem::wrong("The id on the other side is empty, or no id."));
        }
        Settle::Arrived { id, force } => operator::arrived(&app.engine, &found, id.trim(), *force).await,
        Settle::NotArrived { retry } => operator::not_arrived(&app.engine, &found, *retry).await,
    };
    done.map_err(|refused| refusal(refused, &found))?;
    Ok(Json(Done { message: details(&app, &found).await?, agent_was_told }))
}

async fn was_told(app: &App, found: &Found) -> Result<bool, Problem> {
    let row = messages::get(app.engine.pool(), found.channel, &found.external_id).await?;
    Ok(row.is_some_and(|row| matches!(row.helpdesk_status, Some(Told::Failed | Told::Noted))))
}

/// Why it was not done.
fn refusal(refused: Refused, found: &Found) -> Problem {
    match refused {
        Refused::State(state) => {
            let name = found.seq.to_string();
            Problem::conflict(format!("message {name}: {}", state.words(&name)))
        }
        Refused::Id(words) => Problem::conflict(words),
        Refused::Engine(error) => error.into(),
    }
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(list::routes())
        .routes(routes!(show))
        .routes(routes!(retry))
        .routes(routes!(settle))
        .merge(story::routes())
}
