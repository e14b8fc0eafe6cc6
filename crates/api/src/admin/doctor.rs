//! Whether the installation is well.

use super::auth::{May, Operate, Read};
use super::given::Asked;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use twinwire_core::doctor::{Check, Finding};
use twinwire_engine::doctor;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Something that can be checked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Check)]
pub struct CheckView {
    /// Its name.
    #[schema(example = "public_url")]
    pub check: String,
    /// What is done for it, for whoever waits.
    #[schema(example = "calling the public address from here")]
    pub doing: String,
}

/// Everything that can be checked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Checks {
    /// The version of the server.
    pub version: String,
    /// In the order in which they make sense.
    pub checks: Vec<CheckView>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingView {
    /// What was checked.
    #[schema(example = "public_url")]
    pub check: String,
    /// `ok`, `warn` or `fail`.
    #[schema(example = "fail")]
    pub level: String,
    /// What is wrong, in a word: the section of docs/OPERATIONS.md that tells more. Null where all is well.
    #[schema(example = "public-url-elsewhere")]
    pub trouble: Option<String>,
    /// The account, channel or endpoint that it is about.
    pub about: Option<String>,
    /// In a sentence or two.
    pub words: String,
    /// What to do next: sentences and commands.
    pub next: Vec<String>,
}

impl From<Finding> for FindingView {
    fn from(found: Finding) -> Self {
        Self {
            check: found.check.word().to_owned(),
            level: found.level.word().to_owned(),
            trouble: found.trouble.map(|trouble| trouble.word().to_owned()),
            about: found.about,
            words: found.words,
            next: found.next,
        }
    }
}

/// What all checks found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Findings {
    /// Whether nothing failed.
    pub well: bool,
    /// In the order of the checks.
    pub findings: Vec<FindingView>,
}

/// Which check is run.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Only this one; all without it.
    check: Option<String>,
}

/// Lists what can be checked.
#[utoipa::path(get, path = "/doctor", tag = "doctor", security(("token" = ["read"])),
    responses((status = 200, body = Checks)))]
async fn list(_: May<Read>) -> Answer<Checks> {
    let view = |check: Check| CheckView { check: check.word().to_owned(), doing: check.doing().to_owned() };
    Ok(Json(Checks {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checks: Check::ALL.into_iter().map(view).collect(),
    }))
}

/// Checks whether the installation is well. It asks the database, calls the public address, and makes calls at the vendors
/// with the accounts' credentials, which is why looking alone is not enough for it. Nothing is changed, no message is sent.
#[utoipa::path(post, path = "/doctor", tag = "doctor", security(("token" = ["operate"])), params(Which),
    responses((status = 200, body = Findings)))]
async fn run(_: May<Operate>, State(app): State<App>, Asked(which): Asked<Which>) -> Answer<Findings> {
    let checks = match which.check.as_deref() {
        None => Check::ALL.to_vec(),
        Some(word) => vec![named(word)?],
    };
    let mut findings = Vec::new();
    for check in checks {
        findings.extend(doctor::run(&app.engine, check).await?.into_iter().map(FindingView::from));
    }
    Ok(Json(Findings { well: findings.iter().all(|found| found.level != "fail"), findings }))
}

fn named(word: &str) -> Result<Check, Problem> {
    Check::ALL.into_iter().find(|check| check.word() == word).ok_or_else(|| {
        let words: Vec<&str> = Check::ALL.iter().map(|check| check.word()).collect();
        Problem::wrong(format!("`{}` is no check.", word.escape_debug()))
            .hint(format!("There are: {}.", words.join(", ")))
    })
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(run))
}
