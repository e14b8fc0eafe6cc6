//! Erasing a person.

use super::auth::{Admin, May};
use super::given::Given;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use twinwire_engine::jobs::erase::{self, Refused};
use twinwire_store::erasures::Found;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Who is to be erased.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The phone number with its country code, or the short code.
    #[schema(example = "+12025550147")]
    pub address: String,
    /// Do it. Without it is only said what would go.
    #[serde(default)]
    pub yes: bool,
    /// Also messages that are on their way; they are not delivered then.
    #[serde(default)]
    pub even_pending: bool,
}

/// What there is of a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErasureView {
    /// The job that erases them; null where it is only said what would go.
    pub job: Option<i64>,
    /// Messages.
    pub messages: i64,
    /// Of these, on their way still.
    pub pending: i64,
    /// Files.
    pub files: i64,
    /// Messages at the provider that are none of a channel.
    pub at_provider: i64,
    /// Lines of the messages' stories.
    pub attempts: i64,
    /// What they said about being texted. It goes on to hold, without the number.
    pub consents: i64,
    /// Conversations.
    pub conversations: i64,
    /// Logged requests that are known to be about them; the whole log is searched for others.
    pub webhooks: i64,
}

impl ErasureView {
    fn new(found: Found, job: Option<i64>) -> Self {
        Self {
            job,
            messages: found.messages,
            pending: found.pending,
            files: found.files,
            at_provider: found.at_provider,
            attempts: found.attempts,
            consents: found.consents,
            conversations: found.conversations,
            webhooks: found.webhooks,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Engine(error) => error.into(),
            Refused::Address(_) => Self::wrong(format!("{refused}."))
                .hint("Write it as +12025550147; `whatsapp:` is not needed before it."),
            Refused::Pending(count) => {
                Self::conflict(format!("Of their messages, {count} are still on their way."))
                    .hint("Wait until they are settled, or say --even-pending: they are not delivered then.")
            }
        }
    }
}

/// Says what there is of a person and, with `yes`, erases it. An opt-out goes on to hold, and what is from before does not
/// come back.
#[utoipa::path(post, path = "/erasures", tag = "erasures", security(("token" = ["admin"])), request_body = Erase,
    responses((status = 200, body = ErasureView), (status = 409, description = "Messages are on their way.")))]
async fn ask(may: May<Admin>, State(app): State<App>, Given(asked): Given<Erase>) -> Answer<ErasureView> {
    let found = erase::found(&app.engine, &asked.address).await?;
    if !asked.yes {
        return Ok(Json(ErasureView::new(found, None)));
    }
    let job = erase::request(&app.engine, &asked.address, asked.even_pending, &may.caller.name).await?;
    Ok(Json(ErasureView::new(found, Some(job))))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask))
}
