//! Accounts at vendors: listed, shown, and let go on where they rest.

use super::auth::{May, Operate, Read};
use super::given::Path;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use twinwire_engine::stop;
use twinwire_store::accounts::{self, Shown};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// An account, without its credentials.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// Its id.
    #[schema(example = "acc_2m7Xw0aT5kQ")]
    pub account: String,
    /// The vendor.
    #[schema(example = "signalwire")]
    pub connector: String,
    /// It rests until then: nothing is called with it before. Null or past: it does not rest.
    pub rests_until: Option<DateTime<Utc>>,
    /// Why it rests, or rested last while no call has worked since.
    #[schema(example = "credentials refused")]
    pub reason: Option<String>,
    /// Refusals in a row.
    pub refusals: i32,
    /// Everything that the vendor had up to then has been read.
    pub read_until: Option<DateTime<Utc>>,
    /// What becomes of its webhooks that are not signed as they should be: `enforce` (refused) or `log_only` (taken).
    #[schema(example = "enforce")]
    pub verification: String,
    /// The channels that it serves.
    pub channels: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl AccountView {
    /// Whether it rests at that time.
    pub fn rests(&self, now: DateTime<Utc>) -> bool {
        self.rests_until.is_some_and(|until| until > now)
    }
}

impl From<Shown> for AccountView {
    fn from(shown: Shown) -> Self {
        Self {
            account: shown.public_id,
            connector: shown.connector,
            rests_until: shown.paused_until,
            reason: shown.pause_reason,
            refusals: shown.pauses,
            read_until: shown.polled_until,
            verification: shown.verification,
            channels: shown.channels,
            created_at: shown.created_at,
        }
    }
}

/// Every account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Accounts {
    /// The oldest first.
    pub accounts: Vec<AccountView>,
}

/// What came of ending an account's rest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Resumed {
    /// How it stands now.
    #[serde(flatten)]
    pub account: AccountView,
    /// Whether it rested.
    pub changed: bool,
}

async fn find(app: &App, id: &str) -> Result<Shown, Problem> {
    // What Postgres cannot hold is nobody's id.
    let found =
        if id.contains('\0') { None } else { accounts::shown(app.engine.pool(), Some(id)).await?.pop() };
    found.ok_or_else(|| {
        Problem::not_found(format!("There is no account {}.", id.escape_debug()))
            .hint("`twinwire accounts` lists them.")
    })
}

/// Lists the accounts.
#[utoipa::path(get, path = "/accounts", tag = "accounts", security(("token" = ["read"])),
    responses((status = 200, body = Accounts)))]
async fn list(_: May<Read>, State(app): State<App>) -> Answer<Accounts> {
    let accounts = accounts::shown(app.engine.pool(), None).await?;
    Ok(Json(Accounts { accounts: accounts.into_iter().map(Into::into).collect() }))
}

/// Shows an account.
#[utoipa::path(get, path = "/accounts/{account}", tag = "accounts", security(("token" = ["read"])),
    params(("account" = String, Path, description = "The account's id")),
    responses((status = 200, body = AccountView), (status = 404, description = "There is no such account.")))]
async fn show(_: May<Read>, State(app): State<App>, Path(id): Path<String>) -> Answer<AccountView> {
    Ok(Json(find(&app, &id).await?.into()))
}

/// Ends the rest of an account now. If what made it rest is not mended, it rests again after the next call.
#[utoipa::path(post, path = "/accounts/{account}/resume", tag = "accounts", security(("token" = ["operate"])),
    params(("account" = String, Path, description = "The account's id")),
    responses((status = 200, body = Resumed), (status = 404, description = "There is no such account.")))]
async fn resume(_: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<Resumed> {
    let account = find(&app, &id).await?;
    let changed = stop::end_rest(&app.engine, account.id).await?;
    Ok(Json(Resumed { account: find(&app, &id).await?.into(), changed }))
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(resume))
}
