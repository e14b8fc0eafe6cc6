//! Jobs: readings of lists, retention, erasing, taking requests again. What runs, how far it is, and making it end.

use super::auth::{May, Operate, Read};
use super::given::{Asked, Path};
use super::page;
use super::problem::{Answer, Problem};
use crate::App;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use twinwire_store::jobs::{self, Listed};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Jobs of a page, unless said otherwise, and at most.
const USUAL: u16 = 20;
const MOST: u16 = 500;

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Its number.
    pub job: i64,
    /// `poll`, `incremental` or `full` (readings of a provider's list), `retain`, `erase` or `replay`.
    #[schema(example = "full")]
    pub kind: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "running")]
    pub state: String,
    /// Of a reading, the provider's account.
    pub account: Option<String>,
    /// The channel for which it was asked.
    pub channel: Option<String>,
    /// Who asked for it.
    pub requested_by: String,
    /// What it is at.
    #[schema(example = "reading page 12")]
    pub doing: Option<String>,
    /// What it has done so far.
    #[schema(value_type = Object)]
    pub counts: Value,
    /// Failures since it last got further: with ten it is over.
    pub failures: i32,
    /// Why it failed; while it runs, why it was interrupted last.
    pub error: Option<String>,
    /// Who wanted it to end.
    pub cancelled_by: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it last got further.
    pub moved_at: DateTime<Utc>,
}

impl JobView {
    /// Whether it has come to its end.
    pub fn is_over(&self) -> bool {
        jobs::is_over(&self.state)
    }

    /// Whether it has failed since it last got further, and is tried again.
    pub fn is_failing(&self) -> bool {
        !self.is_over() && self.failures > 0
    }
}

impl From<Listed> for JobView {
    fn from(job: Listed) -> Self {
        Self {
            job: job.id,
            kind: job.kind,
            state: job.state,
            account: job.account,
            channel: job.channel,
            requested_by: job.requested_by,
            doing: job.doing,
            counts: job.counts,
            failures: job.failures,
            error: job.error,
            cancelled_by: job.cancelled_by,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            moved_at: job.row_updated_at,
        }
    }
}

/// Jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Jobs {
    /// Those that wait or run, then the latest.
    pub jobs: Vec<JobView>,
    /// What to ask for as `before` to have the next page; null where there is none.
    pub next: Option<String>,
}

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Also polls that are over: there is one a minute.
    #[serde(default)]
    all: bool,
    /// How many, 500 at most.
    #[param(minimum = 1, maximum = 500, default = 20)]
    limit: Option<u16>,
    /// `next` of the page before.
    before: Option<String>,
}

/// A job that was asked for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobAskedFor {
    /// Its number.
    pub job: i64,
}

/// Lists jobs.
#[utoipa::path(get, path = "/jobs", tag = "jobs", security(("token" = ["read"])), params(Which),
    responses((status = 200, body = Jobs)))]
async fn list(_: May<Read>, State(app): State<App>, Asked(which): Asked<Which>) -> Answer<Jobs> {
    let limit = page::limit(which.limit, USUAL, MOST)?;
    let before = page::opened::<2>("j1", which.before.as_deref())?;
    let before = before.map(|[open, job]| (open != 0, job));
    let jobs = jobs::list(app.engine.pool(), which.all, before, page::and_one(limit)).await?;
    let (jobs, next) = page::cut(jobs, limit, |last| page::cursor("j1", &[last.is_open().into(), last.id]));
    Ok(Json(Jobs { jobs: jobs.into_iter().map(Into::into).collect(), next }))
}

/// Shows a job.
#[utoipa::path(get, path = "/jobs/{job}", tag = "jobs", security(("token" = ["read"])),
    params(("job" = i64, Path, description = "The job's number")),
    responses((status = 200, body = JobView), (status = 404, description = "There is no such job.")))]
async fn show(_: May<Read>, State(app): State<App>, Path(id): Path<String>) -> Answer<JobView> {
    Ok(Json(find(&app, &id).await?))
}

/// Wants a job to end: at once where it waits, at its next step where it runs. What it did until then stays done: a person whose
/// erasure has begun counts as erased, and what is from before it is not taken in again.
#[utoipa::path(post, path = "/jobs/{job}/cancel", tag = "jobs", security(("token" = ["operate"])),
    params(("job" = i64, Path, description = "The job's number")),
    responses((status = 200, body = JobView), (status = 404, description = "There is no such job."),
        (status = 409, description = "It is over.")))]
async fn cancel(may: May<Operate>, State(app): State<App>, Path(id): Path<String>) -> Answer<JobView> {
    let job = find(&app, &id).await?;
    if job.is_over() {
        return Err(Problem::conflict(format!("Job {} is over: it is {}.", job.job, job.state)));
    }
    twinwire_engine::jobs::cancel(&app.engine, job.job, &may.caller.name).await?;
    Ok(Json(find(&app, &id).await?))
}

async fn find(app: &App, id: &str) -> Result<JobView, Problem> {
    let found = match id.parse() {
        Ok(id) => jobs::listed(app.engine.pool(), id).await?,
        Err(_) => None,
    };
    found.map(Into::into).ok_or_else(|| {
        Problem::not_found(format!("There is no job {}.", id.escape_debug()))
            .hint("`twinwire jobs --all` lists them.")
    })
}

/// The routes of this subject.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(cancel))
}
