//! A conversation as people read it, with how each of its messages stands on both sides.

use super::auth::{May, Read};
use super::channels::find;
use super::given::Asked;
use super::messages::list::state;
use super::page;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_core::model::{Direction, Parked, Side, Status, Told};
use twinwire_engine::person;
use twinwire_store::browse::{self, Listed, OnBothSides, Place};
use twinwire_store::{consents, conversations};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What kind of cursor it is.
const CURSOR: &str = "c1";

/// How much of a conversation is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HowMuch {
    /// With the texts.
    #[serde(default)]
    pub body: bool,
    /// How many messages, 500 at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
    /// `next` of the page before.
    pub before: Option<String>,
}

/// A page of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ConversationView {
    /// Its channel.
    pub channel: String,
    /// The customer's number.
    #[schema(example = "+12025550147")]
    pub conversation: String,
    /// The helpdesk's id of it.
    pub helpdesk_conversation_id: Option<String>,
    /// Since when the customer does not want to be texted from this channel; null while they do.
    pub opted_out_since: Option<DateTime<Utc>>,
    /// Its messages, the newest first.
    pub messages: Vec<ConversationMessage>,
    /// What to ask for as `before` to have the next page; null where there is none.
    pub next: Option<String>,
}

/// A message of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConversationMessage {
    /// Its number.
    pub message: i64,
    /// When it was written.
    pub occurred_at: DateTime<Utc>,
    /// `inbound` (from the customer) or `outbound`.
    #[schema(value_type = String, example = "outbound")]
    pub direction: Direction,
    /// Where it was born: `helpdesk` or `provider`.
    #[schema(value_type = String, example = "helpdesk")]
    pub origin: Side,
    /// The text, where it was asked for; empty where there are only files, or where it was let go.
    pub body: Option<String>,
    /// How it stands in the helpdesk.
    pub helpdesk: AtHelpdesk,
    /// How it stands at the provider.
    pub provider: AtProvider,
    /// `pending`, `parked`, `failed` or `done`.
    #[schema(example = "done")]
    pub state: String,
    /// Why it was put aside.
    #[schema(value_type = Option<String>, example = "refused")]
    pub parked: Option<Parked>,
}

/// How a message stands in the helpdesk.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AtHelpdesk {
    /// The helpdesk's id; null where it is not there yet.
    pub id: Option<String>,
    /// What the helpdesk was told of a failure: `failed`, `noted`, `untold` or `status_refused`.
    #[schema(value_type = Option<String>, example = "failed")]
    pub status: Option<Told>,
    /// When it got there, where that is known.
    pub at: Option<DateTime<Utc>>,
}

/// How a message stands at the provider.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AtProvider {
    /// The provider's id; null where it is not there yet.
    pub id: Option<String>,
    /// What the provider says became of it.
    #[schema(value_type = Option<String>, example = "delivered")]
    pub status: Option<Status>,
    /// The provider's error code.
    pub error_code: Option<String>,
    /// When that last changed, by the provider's clock; else when it got there, where that is known.
    pub at: Option<DateTime<Utc>>,
}

impl ConversationMessage {
    fn of(one: OnBothSides, body: bool) -> Self {
        let OnBothSides { listed, body: text, helpdesk_status, delivered_at, provider_updated_at } = one;
        let Listed { origin, occurred_at, provider_status, parked, wake_at, .. } = listed;
        // It was born on the one side when it was written, and got to the other when our call was answered.
        let since = |side, id: &Option<String>| match id {
            Some(_) if origin == side => Some(occurred_at),
            Some(_) => delivered_at,
            None => None,
        };
        Self {
            message: listed.seq,
            occurred_at,
            direction: listed.direction,
            origin,
            body: body.then_some(text),
            state: state(parked, wake_at, provider_status).to_owned(),
            parked,
            helpdesk: AtHelpdesk {
                at: since(Side::Helpdesk, &listed.helpdesk_message_id),
                status: helpdesk_status,
                id: listed.helpdesk_message_id,
            },
            provider: AtProvider {
                at: provider_updated_at.or_else(|| since(Side::Provider, &listed.provider_message_id)),
                status: provider_status,
                error_code: listed.provider_error_code,
                id: listed.provider_message_id,
            },
        }
    }
}

/// Shows a conversation, the newest messages first. The texts are left out unless they are asked for,
/// with a token of scope `operate`.
#[utoipa::path(get, path = "/conversations/{channel}/{conversation}", tag = "conversations",
    security(("token" = ["read"])),
    params(("channel" = String, Path, description = "The channel's id"),
        ("conversation" = String, Path, description = "The customer's number, or the helpdesk's id of the conversation"),
        HowMuch),
    responses((status = 200, body = ConversationView),
        (status = 404, description = "There is no such channel, or no such conversation in it.")))]
async fn show(
    may: May<Read>,
    State(app): State<App>,
    Path((channel, name)): Path<(String, String)>,
    Asked(asked): Asked<HowMuch>,
) -> Answer<ConversationView> {
    if asked.body {
        may.reads_texts()?;
    }
    let limit = page::limit(asked.limit, page::USUAL, page::MOST)?;
    let before = page::opened::<2>(CURSOR, asked.before.as_deref())?.map(place).transpose()?;
    let channel = find(&app, &channel).await?;
    let (pool, name) = (app.engine.pool(), name.trim());
    // What Postgres cannot hold is nobody's id.
    let named = if name.contains('\0') { None } else { conversations::find(pool, channel.id, name).await? };
    let named = named.ok_or_else(|| unknown(name, &channel.channel.id))?;
    let names = person::names(app.engine.key(), &named.conversation);
    let found =
        browse::conversation(pool, channel.id, &named.conversation, before, page::and_one(limit)).await?;
    let at = |last: &OnBothSides| [last.listed.occurred_at.timestamp_micros(), last.listed.seq];
    let (found, next) = page::cut(found, limit, |last| page::cursor(CURSOR, &at(last)));
    Ok(Json(ConversationView {
        channel: channel.channel.id,
        opted_out_since: consents::opted_out_since(pool, channel.id, &names).await?,
        conversation: named.conversation,
        helpdesk_conversation_id: named.thread,
        messages: found.into_iter().map(|one| ConversationMessage::of(one, asked.body)).collect(),
        next,
    }))
}

fn place([micros, seq]: [i64; 2]) -> Result<Place, Problem> {
    let at = DateTime::from_timestamp_micros(micros).filter(|at| *at > DateTime::UNIX_EPOCH);
    at.map(|at| Place { at, seq }).ok_or_else(page::wrong)
}

fn unknown(name: &str, channel: &str) -> Problem {
    Problem::not_found(format!("There is no conversation {} in channel {channel}.", name.escape_debug()))
        .hint(format!("`twinwire messages list --channel {channel} --full` shows the latest ones."))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}
