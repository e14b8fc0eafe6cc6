//! The list of messages, the newest first. A page ends where the next one begins: by the number of its last message, so that
//! what comes meanwhile moves nothing.

use crate::App;
use crate::admin::auth::{May, Read};
use crate::admin::channels::find;
use crate::admin::given::Asked;
use crate::admin::page;
use crate::admin::problem::{Answer, Problem};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_core::model::{Direction, Parked, Side, Status};
use twinwire_store::browse::{self, Listed, Standing, Wanted};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What kind of cursor it is.
const CURSOR: &str = "m1";

/// Which messages are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Of this channel alone.
    pub channel: Option<String>,
    /// That stand so: `pending` (with something to do), `parked` (put aside, but for those that were too old), `too_old`
    /// (put aside because they were) or `failed` (taken by the provider and not delivered).
    #[param(value_type = Option<String>)]
    pub state: Option<Standing>,
    /// Of this conversation: the customer's number, or the helpdesk's id of it.
    pub conversation: Option<String>,
    /// How many, 500 at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
    /// `next` of the page before.
    pub before: Option<String>,
}

/// A message in the list. The text is not in it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ListedMessage {
    /// Its number.
    pub message: i64,
    /// Its channel.
    pub channel: String,
    /// Our id.
    pub external_id: String,
    /// Where it was born: `helpdesk` or `provider`.
    #[schema(value_type = String, example = "helpdesk")]
    pub origin: Side,
    /// `inbound` (from the customer) or `outbound`.
    #[schema(value_type = String, example = "outbound")]
    pub direction: Direction,
    /// The customer's number.
    pub conversation: String,
    /// When it was written.
    pub occurred_at: DateTime<Utc>,
    /// `pending`, `parked`, `too_old`, `failed` or `done`.
    #[schema(example = "done")]
    pub state: String,
    /// The helpdesk's id.
    pub helpdesk_message_id: Option<String>,
    /// The provider's id.
    pub provider_message_id: Option<String>,
    /// What the provider says became of it.
    #[schema(value_type = Option<String>, example = "delivered")]
    pub provider_status: Option<Status>,
    /// The provider's error code.
    pub provider_error_code: Option<String>,
    /// Why it was put aside.
    #[schema(value_type = Option<String>, example = "refused")]
    pub parked: Option<Parked>,
    /// The last refusal or uncertainty, for people.
    pub last_error: Option<String>,
    /// When there is something to do next.
    pub wake_at: Option<DateTime<Utc>>,
}

impl From<Listed> for ListedMessage {
    fn from(listed: Listed) -> Self {
        Self {
            state: state(listed.parked, listed.wake_at, listed.provider_status).to_owned(),
            message: listed.seq,
            channel: listed.channel,
            external_id: listed.external_id,
            origin: listed.origin,
            direction: listed.direction,
            conversation: listed.conversation,
            occurred_at: listed.occurred_at,
            helpdesk_message_id: listed.helpdesk_message_id,
            provider_message_id: listed.provider_message_id,
            provider_status: listed.provider_status,
            provider_error_code: listed.provider_error_code,
            parked: listed.parked,
            last_error: listed.last_error,
            wake_at: listed.wake_at,
        }
    }
}

/// How a message stands, in one word. What was put aside may still have something to do: its failure is to be told.
pub(in crate::admin) fn state(
    parked: Option<Parked>,
    wake_at: Option<DateTime<Utc>>,
    status: Option<Status>,
) -> &'static str {
    if parked == Some(Parked::TooOld) {
        "too_old"
    } else if parked.is_some() {
        "parked"
    } else if wake_at.is_some() {
        "pending"
    } else if status.is_some_and(Status::is_failure) {
        "failed"
    } else {
        "done"
    }
}

/// A page of messages.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Messages {
    /// The newest first.
    pub messages: Vec<ListedMessage>,
    /// What to ask for as `before` to have the next page; null where there is none.
    pub next: Option<String>,
}

/// Lists messages, the newest first.
#[utoipa::path(get, path = "/messages", tag = "messages", security(("token" = ["read"])), params(Filters),
    responses((status = 200, body = Messages), (status = 404, description = "There is no such channel.")))]
async fn list(_: May<Read>, State(app): State<App>, Asked(asked): Asked<Filters>) -> Answer<Messages> {
    let limit = page::limit(asked.limit, page::USUAL, page::MOST)?;
    let channel = match &asked.channel {
        Some(id) => Some(find(&app, id).await?.id),
        None => None,
    };
    let conversation = asked.conversation.as_deref().map(str::trim);
    if conversation.is_some_and(|id| id.is_empty() || id.contains('\0')) {
        return Err(Problem::wrong("The conversation is empty, or no id."));
    }
    let before = page::opened::<1>(CURSOR, asked.before.as_deref())?.map(|[seq]| seq);
    let wanted = Wanted { channel, standing: asked.state, conversation, before };
    let mut conn = app.engine.pool().acquire().await.map_err(twinwire_store::Error::from)?;
    let found = browse::messages(&mut conn, wanted, page::and_one(limit)).await?;
    let (found, next) = page::cut(found, limit, |last| page::cursor(CURSOR, &[last.seq]));
    Ok(Json(Messages { messages: found.into_iter().map(Into::into).collect(), next }))
}

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}
