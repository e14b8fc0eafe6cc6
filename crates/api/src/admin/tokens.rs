//! Tokens of this API.

use super::auth::{Admin, May, make};
use super::given::{Given, Path};
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use twinwire_store::admin_tokens::{self, AdminToken, Scope};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Longest name of a token, in characters.
const LONGEST_NAME: usize = 64;

/// A token, without its text.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// Name.
    #[schema(example = "on-call")]
    pub name: String,
    /// What it allows: `metrics`, `read`, `operate` or `admin`; each includes the ones before it.
    #[schema(value_type = String, example = "operate")]
    pub scope: Scope,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it opens nothing.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<AdminToken> for TokenView {
    fn from(token: AdminToken) -> Self {
        let AdminToken { name, scope, created_at, last_used_at, revoked_at, .. } = token;
        Self { name, scope, created_at, last_used_at, revoked_at }
    }
}

/// Every token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// The oldest first, those that were revoked among them.
    pub tokens: Vec<TokenView>,
}

/// A token that is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Its name: who or what will use it. Letters, digits, `.`, `_` and `-`.
    #[schema(example = "on-call")]
    pub name: String,
    /// What it allows: `metrics`, `read`, `operate` or `admin`.
    #[schema(value_type = String, example = "operate")]
    pub scope: Scope,
}

/// A token that was made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub token: TokenView,
    /// Its text. Nobody can show it again.
    #[schema(example = "twt_…")]
    pub text: String,
}

/// Lists the tokens.
#[utoipa::path(get, path = "/tokens", tag = "tokens", security(("token" = ["admin"])),
    responses((status = 200, body = Tokens)))]
async fn list(_: May<Admin>, State(app): State<App>) -> Answer<Tokens> {
    let tokens = admin_tokens::all(app.engine.pool()).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(Into::into).collect() }))
}

/// Makes a token.
#[utoipa::path(post, path = "/tokens", tag = "tokens", security(("token" = ["admin"])), request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = 409, description = "A token of that name is in use.")))]
async fn create(
    _: May<Admin>,
    State(app): State<App>,
    Given(asked): Given<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let name = asked.name.trim();
    if !is_name(name) {
        return Err(Problem::wrong(format!(
            "A token's name is 1 to {LONGEST_NAME} letters, digits, `.`, `_` or `-`."
        )));
    }
    let (text, hash) = make();
    let made = admin_tokens::insert(app.engine.pool(), name, asked.scope, &hash).await?;
    let made = made.ok_or_else(|| {
        Problem::conflict(format!("A token named {name} is in use."))
            .hint(format!("`twinwire tokens revoke {name}` revokes it."))
    })?;
    let made = MadeToken { token: made.into(), text: text.expose_secret().to_owned() };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes a token: it opens nothing any more.
#[utoipa::path(delete, path = "/tokens/{name}", tag = "tokens", security(("token" = ["admin"])),
    params(("name" = String, Path, description = "The token's name")),
    responses((status = 200, body = TokenView), (status = 404, description = "No such token is in use.")))]
async fn revoke(_: May<Admin>, State(app): State<App>, Path(name): Path<String>) -> Answer<TokenView> {
    let unknown = || {
        Problem::not_found(format!("No token named {} is in use.", name.escape_debug()))
            .hint("`twinwire tokens` lists them.")
    };
    if !is_name(&name) {
        return Err(unknown());
    }
    let revoked = admin_tokens::revoke(app.engine.pool(), &name, app.engine.now()).await?;
    Ok(Json(revoked.ok_or_else(unknown)?.into()))
}

fn is_name(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(fine) && name.contains(|c: char| c != '.')
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}
