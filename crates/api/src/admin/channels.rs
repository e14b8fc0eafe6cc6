//! Channels: listed, shown, paused, resumed, removed.

use super::accounts::AccountView;
use super::auth::{Admin, May, Operate, Read};
use super::given::Path;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_engine::{stop, verification};
use twinwire_store::channels::{self, Overview, StoredChannel};
use twinwire_store::verification::LogOnly;
use twinwire_store::{accounts, story};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A channel as it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    /// Its id.
    #[schema(example = "chn_2m7Xw0aT5kQ")]
    pub channel: String,
    /// What it joins, a helpdesk and a provider.
    #[schema(example = "front_signalwire")]
    pub pair: String,
    /// Our number at the provider.
    #[schema(example = "+12015550123")]
    pub address: String,
    /// `new` (nobody has connected it in the helpdesk yet), `active`, `paused` or `deleted`.
    #[schema(example = "active")]
    pub state: String,
    /// The helpdesk's id of it.
    pub helpdesk_channel_id: Option<String>,
    /// Messages with something to do. They are counted up to 1,001, which stands for more than 1,000.
    pub pending: i64,
    /// Messages put aside, those that were too old left out; counted up to 1,001 as well.
    pub parked: i64,
    /// Messages that were too old to be delivered; counted up to 1,001 as well.
    pub too_old: i64,
    /// Why an account of it rests, where one does.
    pub resting: Option<String>,
    /// Its accounts whose webhooks are taken without being verified.
    pub log_only: Vec<LogOnlyView>,
}

/// An account whose webhooks are taken without being verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LogOnly)]
pub struct LogOnlyView {
    /// Its id.
    pub account: String,
    /// The vendor.
    pub connector: String,
    /// Webhooks taken without being verified in the last seven days.
    pub unverified: i64,
    /// When the last one came.
    pub last_unverified_at: Option<DateTime<Utc>>,
}

/// Every channel.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Channels {
    /// The oldest first.
    pub channels: Vec<ChannelView>,
}

/// A channel with what belongs to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelDetails {
    /// How it stands.
    #[serde(flatten)]
    pub channel: ChannelView,
    /// The account at the helpdesk.
    pub helpdesk: AccountView,
    /// The account at the provider.
    pub provider: AccountView,
    /// The addresses that the provider calls.
    pub webhook_urls: WebhookUrls,
    /// Whether the helpdesk shows its users that it works; null while nobody knows.
    pub shown_works: Option<bool>,
    /// The process that works it at this moment.
    pub worked_by: Option<String>,
}

/// The addresses that a provider calls.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookUrls {
    /// For customers' messages.
    pub inbound: String,
    /// For what becomes of ours.
    pub status: String,
}

/// The number up to which messages are counted; it stands for any number above as well.
pub const COUNTED: i64 = channels::COUNTED;

/// What came of pausing or resuming a channel.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Switched {
    /// How it stands now.
    #[serde(flatten)]
    pub channel: ChannelView,
    /// Whether that is a change.
    pub changed: bool,
}

fn view(overview: Overview, log_only: &[LogOnly]) -> ChannelView {
    let of_it = |one: &&LogOnly| one.channels.contains(&overview.channel);
    let log_only = log_only.iter().filter(of_it).map(|one| LogOnlyView {
        account: one.account.clone(),
        connector: one.connector.clone(),
        unverified: one.unverified,
        last_unverified_at: one.last_unverified_at,
    });
    ChannelView {
        log_only: log_only.collect(),
        channel: overview.channel,
        pair: overview.pair,
        address: overview.address,
        state: overview.state,
        helpdesk_channel_id: overview.helpdesk_channel_id,
        pending: overview.pending,
        parked: overview.parked,
        too_old: overview.too_old,
        resting: overview.resting,
    }
}

/// All of them, or one.
async fn views(app: &App, channel: Option<i64>) -> Result<Vec<ChannelView>, Problem> {
    let log_only = verification::log_only(&app.engine).await?;
    let overview = channels::overview(app.engine.pool(), channel).await?;
    Ok(overview.into_iter().map(|one| view(one, &log_only)).collect())
}

async fn view_of(app: &App, channel: &StoredChannel) -> Result<ChannelView, Problem> {
    views(app, Some(channel.id)).await?.pop().ok_or_else(|| unknown(&channel.channel.id))
}

/// The channel of that id.
pub(super) async fn find(app: &App, id: &str) -> Result<StoredChannel, Problem> {
    // What Postgres cannot hold is nobody's id.
    let found = if id.contains('\0') { None } else { channels::by_public_id(app.engine.pool(), id).await? };
    found.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("There is no channel {}.", id.escape_debug()))
        .hint("`twinwire channels` lists them.")
}

/// Lists the channels.
#[utoipa::path(get, path = "/channels", tag = "channels", security(("token" = ["read"])),
    responses((status = 200, body = Channels)))]
async fn list(_: May<Read>, State(app): State<App>) -> Answer<Channels> {
    Ok(Json(Channels { channels: views(&app, None).await? }))
}

/// Shows a channel with its accounts and addresses.
#[utoipa::path(get, path = "/channels/{channel}", tag = "channels", security(("token" = ["read"])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = ChannelDetails), (status = 404, description = "There is no such channel.")))]
async fn show(_: May<Read>, State(app): State<App>, Path(id): Path<String>) -> Answer<ChannelDetails> {
    let stored = find(&app, &id).await?;
    let engine = &app.engine;
    let all = accounts::shown(engine.pool(), None).await?;
    let account = |key| all.iter().find(|account| account.id == key).cloned().map(AccountView::from);
    let (helpdesk, provider) = (account(stored.helpdesk_account), account(stored.provider_account));
    let (Some(helpdesk), Some(provider)) = (helpdesk, provider) else { return Err(unknown(&id)) };
    let url = |hook| stored.channel.provider_url(engine.public_url(), &provider.connector, hook);
    Ok(Json(ChannelDetails {
        channel: view_of(&app, &stored).await?,
        webhook_urls: WebhookUrls { inbound: url("inbound"), status: url("status") },
        shown_works: stored.shown_works,
        worked_by: story::worked_by(engine.pool(), stored.id).await?.map(|(owner, _)| owner),
        helpdesk,
        provider,
    }))
}

/// Pauses a channel. Webhooks are still taken and stored, and nothing is delivered until it is resumed; a call that is
/// under way is finished.
#[utoipa::path(post, path = "/channels/{channel}/pause", tag = "channels", security(("token" = ["operate"])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Switched), (status = 404, description = "There is no such channel."),
        (status = 409, description = "It was removed.")))]
async fn pause(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<Switched> {
    let stored = find(&app, &id).await?;
    let changed = stop::pause(&app.engine, stored.id).await?.ok_or_else(|| removed(&id))?;
    Ok(Json(Switched { channel: view_of(&app, &stored).await?, changed }))
}

/// Lets a paused channel go on. What came meanwhile is delivered in its order, unless it is more than 48 hours old.
#[utoipa::path(post, path = "/channels/{channel}/resume", tag = "channels", security(("token" = ["operate"])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Switched), (status = 404, description = "There is no such channel."),
        (status = 409, description = "It was removed.")))]
async fn resume(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<Switched> {
    let stored = find(&app, &id).await?;
    let changed = stop::resume(&app.engine, stored.id).await?.ok_or_else(|| removed(&id))?;
    Ok(Json(Switched { channel: view_of(&app, &stored).await?, changed }))
}

fn removed(id: &str) -> Problem {
    Problem::conflict(format!("Channel {id} was removed.")).hint(
        "Connecting it again in the helpdesk brings it back; `twinwire setup` makes a new one for the number.",
    )
}

/// Removes a channel: its webhooks are refused from now on and nothing is delivered any more. Its history stays.
#[utoipa::path(delete, path = "/channels/{channel}", tag = "channels", security(("token" = ["admin"])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Switched), (status = 404, description = "There is no such channel.")))]
async fn delete(_: May<Admin>, State(app): State<App>, Path(id): Path<String>) -> Answer<Switched> {
    let stored = find(&app, &id).await?;
    let changed = stored.state != channels::State::Deleted;
    stop::remove(&app.engine, stored.id).await?;
    Ok(Json(Switched { channel: view_of(&app, &stored).await?, changed }))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
}
