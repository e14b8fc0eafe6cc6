//! The story of a message: what arrived, what was tried, what came of it.

use super::named;
use super::view::MessageDetails;
use crate::App;
use crate::admin::auth::{May, Read};
use crate::admin::given::{Asked, Path};
use crate::admin::problem::Answer;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use twinwire_core::model::{Act, Message, Status};
use twinwire_core::observe::AtProvider;
use twinwire_engine::Keep;
use twinwire_engine::converge::outlook;
use twinwire_store::story::{self, Entry, Request};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The first line of a story is written with the message; this is for clocks and slow transactions.
const BEGINS_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// What is to be told.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HowMuch {
    /// With the text; needs a token of scope `operate`.
    #[serde(default)]
    pub body: bool,
    /// With the webhooks as they were received; needs a token of scope `operate`.
    #[serde(default)]
    pub raw: bool,
    /// Of no more messages than so many: where one id is more of them, only their numbers are told.
    pub most: Option<usize>,
}

/// The stories of every message of one id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Stories {
    /// The numbers of the messages: one message of the helpdesk to several people, or in several parts, is several.
    pub messages: Vec<i64>,
    /// Their stories.
    pub stories: Vec<Story>,
}

/// The story of a message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Story {
    /// The message.
    #[serde(flatten)]
    pub message: MessageDetails,
    /// What happened so far, the oldest first.
    pub story: Vec<Line>,
    /// Messages at the provider that may be this one, where an operator has to say which.
    pub candidates: Vec<Candidate>,
    /// The webhooks that made or changed it, as far as they are still kept.
    pub webhooks: Vec<StoryWebhook>,
    /// What of all that is not kept any more, in sentences; nothing where it is all there.
    #[serde(default)]
    pub gone: Vec<String>,
}

/// A line of the story.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// `begin`, `apply`, `note` or `seen`.
    #[schema(example = "apply")]
    pub step: String,
    /// What was tried: `deliver`, `fetch`, `look_up`, `report` or `note`.
    #[schema(value_type = Option<String>, example = "deliver")]
    pub act: Option<Act>,
    /// What came of it, was decided or was seen.
    pub outcome: Option<String>,
    /// The vendor's code or words.
    pub detail: Option<String>,
    /// Which process.
    pub owner: Option<String>,
    /// Under which lease.
    pub fence: Option<i64>,
    /// By which way evidence came.
    pub way: Option<String>,
    /// The webhook's number.
    pub webhook: Option<i64>,
    /// The vendor's word for the event.
    pub event: Option<String>,
}

/// A message at the provider that may be this one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The provider's id.
    pub id: String,
    /// When it was made there.
    pub created_at: Option<DateTime<Utc>>,
    /// What the provider says of it.
    #[schema(value_type = Option<String>, example = "sent")]
    pub status: Option<Status>,
}

/// A webhook of a story.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoryWebhook {
    /// Its number.
    pub webhook: i64,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// From which vendor.
    pub connector: String,
    /// The vendor's word for the event.
    pub event: Option<String>,
    /// The status answered.
    pub status: i32,
    /// Why it was not verified, where it was taken all the same.
    pub unverified: Option<String>,
    /// Method, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub method: Option<String>,
    /// URL, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// Body, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        let Entry { at, step, act, outcome, detail, owner, fence, way, webhook, event } = entry;
        Self { at, step, act, outcome, detail, owner, fence, way, webhook, event }
    }
}

impl From<AtProvider> for Candidate {
    fn from(seen: AtProvider) -> Self {
        Self { id: seen.id, created_at: seen.created_at, status: seen.status }
    }
}

impl StoryWebhook {
    fn of(request: Request, raw: bool) -> Self {
        Self {
            webhook: request.id,
            received_at: request.received_at,
            connector: request.connector,
            event: request.event,
            status: request.status,
            unverified: request.unverified,
            method: raw.then_some(request.method),
            url: raw.then_some(request.url),
            body: raw.then(|| String::from_utf8_lossy(&request.body).into_owned()),
        }
    }
}

/// What retention has let go of a story. It begins when the message is made, and each webhook in it stands in the log.
fn gone(row: &Message, story: &[Entry], requests: &[Request], keep: &Keep) -> Vec<String> {
    let for_how_long = |keep: Option<TimeDelta>, setting: &str| match keep {
        Some(keep) => format!("kept for {} days ({setting})", keep.num_days()),
        None => format!("kept for ever by now ({setting})"),
    };
    let begins = story.first().is_some_and(|first| first.at <= row.seen_at + BEGINS_WITHIN);
    let story_gone = (!begins).then(|| {
        let what = if story.is_empty() { "The story" } else { "The beginning of the story" };
        format!(
            "{what} is not kept any more: stories are {}.",
            for_how_long(keep.attempts, "TWINWIRE_KEEP_ATTEMPTS")
        )
    });
    let named = story.iter().filter(|line| line.webhook.is_some()).count();
    let webhooks_gone = named.checked_sub(requests.len()).filter(|missing| *missing > 0).map(|missing| {
        let what = if missing == 1 { "1 webhook is".to_owned() } else { format!("{missing} webhooks are") };
        format!(
            "{what} not kept any more: requests are {}.",
            for_how_long(keep.webhooks, "TWINWIRE_KEEP_WEBHOOKS")
        )
    });
    story_gone.into_iter().chain(webhooks_gone).collect()
}

/// Tells the story of a message, or of every message of that id. What people wrote, with `body` or `raw`, is told to a
/// token of scope `operate`.
#[utoipa::path(get, path = "/messages/{message}/story", tag = "messages", security(("token" = ["read"])),
    params(("message" = String, Path, description = "Our id, the helpdesk's, the provider's, or the message's number"),
        HowMuch),
    responses((status = 200, body = Stories), (status = 404, description = "There is no such message.")))]
async fn tell(
    may: May<Read>,
    State(app): State<App>,
    Path(name): Path<String>,
    Asked(how): Asked<HowMuch>,
) -> Answer<Stories> {
    if how.body || how.raw {
        may.reads_texts()?;
    }
    let found = named::all(&app, &name).await?;
    let mut stories = Vec::new();
    if how.most.is_none_or(|most| found.len() <= most) {
        for one in &found {
            let Some(outlook) = outlook(&app.engine, one).await? else { continue };
            let requests = story::requests(app.engine.pool(), one.channel, &one.external_id).await?;
            stories.push(Story {
                gone: gone(&outlook.row, &outlook.story, &requests, app.engine.keep()),
                message: MessageDetails::of(one.seq, &outlook, how.body),
                story: outlook.story.into_iter().map(Into::into).collect(),
                candidates: outlook.candidates.into_iter().map(Into::into).collect(),
                webhooks: requests.into_iter().map(|request| StoryWebhook::of(request, how.raw)).collect(),
            });
        }
    }
    Ok(Json(Stories { messages: found.iter().map(|one| one.seq).collect(), stories }))
}

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tell))
}
