//! Is it up, and is it well.

use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use twinwire_engine::verification;
use twinwire_store::channels;

/// How long the database may take to answer a question about its health.
const PATIENCE: Duration = Duration::from_secs(3);

/// `GET /healthz`: the process answers. Asks nobody else, so that an outage of the database does not get it restarted.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// How long an answer is given again: anybody may ask, and counting costs the database.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer of `/statusz`, and when it was found.
pub type LastStatus = Mutex<Option<(Instant, StatusCode, Value)>>;

/// `GET /statusz`: what the process is and whether it can do its work; 503 while the database is away. One question at
/// a time goes to the database.
pub(crate) async fn statusz(State(app): State<App>) -> Response {
    let mut last = app.status.lock().await;
    if let Some((at, status, body)) = &*last
        && at.elapsed() < FRESH
    {
        return (*status, Json(body.clone())).into_response();
    }
    let (status, body) = found(&app).await;
    *last = Some((Instant::now(), status, body.clone()));
    (status, Json(body)).into_response()
}

async fn found(app: &App) -> (StatusCode, Value) {
    let asked = tokio::time::timeout(PATIENCE, async {
        let channels = channels::overview(app.engine.pool(), None).await.ok()?;
        Some((channels, verification::log_only(&app.engine).await.ok()?))
    });
    let (status, database, (channels, log_only)) = match asked.await {
        Ok(Some(found)) => (StatusCode::OK, "ok", found),
        Ok(None) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unreachable", Default::default()),
    };
    let count = |state: &str| channels.iter().filter(|channel| channel.state == state).count();
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": app.started.elapsed().as_secs(),
        "database": database,
        "channels": { "new": count("new"), "active": count("active"), "paused": count("paused"), "deleted": count("deleted") },
        "messages": {
            "pending": channels.iter().map(|channel| channel.pending).sum::<i64>(),
            "parked": channels.iter().map(|channel| channel.parked).sum::<i64>(),
            "too_old": channels.iter().map(|channel| channel.too_old).sum::<i64>(),
        },
        "accounts_resting": channels.iter().filter(|channel| channel.resting.is_some()).count(),
        "accounts_log_only": log_only.len(),
        "unverified_in_7_days": log_only.iter().map(|account| account.unverified).sum::<i64>(),
    });
    (status, body)
}
