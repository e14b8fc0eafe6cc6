//! Sends the events that wait for one endpoint.

use super::sign;
use crate::sender::{Late, Latest, Window, check_open};
use crate::{Engine, Error, Result, crash};
use chrono::{SecondsFormat, TimeDelta};
use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use twinwire_core::http::{Method, Reply, Request};
use twinwire_core::outgoing::{Came, RESTS_AFTER, judge, next_attempt, rest};
use twinwire_store::deliveries::{self, Claimed, Due, Ended};
use twinwire_store::endpoints;
use twinwire_store::tx;
use url::Url;

/// Events that one process sends to one endpoint at a time.
const AT_ONCE: i32 = 8;
/// How long the endpoint may take for its whole answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// When a call has to have begun after its claim, and to be out: well before the claim ends.
const START: TimeDelta = TimeDelta::seconds(10);
const END: TimeDelta = TimeDelta::seconds(20);

/// Sends until nothing is due any more, the endpoint rests, or `shutdown`.
pub(super) async fn run(engine: &Engine, due: &Due, shutdown: &CancellationToken) {
    while !shutdown.is_cancelled() {
        match batch(engine, due).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // What was claimed is due again when the claims end.
                tracing::warn!(endpoint = due.public_id, %error, "events could not be sent");
                return;
            }
        }
    }
}

/// Sends what is due, a few at once. False when nothing was.
async fn batch(engine: &Engine, due: &Due) -> Result<bool> {
    let now = engine.now();
    let claimed = deliveries::claim(engine.pool(), due.id, engine.owner(), now, AT_ONCE).await?;
    if claimed.is_empty() {
        return Ok(false);
    }
    let secrets = endpoints::secrets(engine.pool(), engine.key(), due.id).await?;
    let latest =
        Latest { window: Window { start_by: now + START, end_by: now + END }, clock: engine.clock() };
    let sent = claimed.iter().map(|event| send(engine, due, event, &secrets, latest.clone()));
    join_all(sent).await.into_iter().collect::<Result<()>>()?;
    Ok(true)
}

/// Makes one attempt and writes down what came of it.
async fn send(
    engine: &Engine,
    due: &Due,
    event: &Claimed,
    secrets: &[SecretString],
    latest: Latest,
) -> Result<()> {
    let Some(body) = body(engine, due, event).await? else {
        let ended = Ended {
            state: "cancelled",
            status: None,
            error: Some("the message is gone"),
            next_at: None,
            now: engine.now(),
        };
        deliveries::end(engine.pool(), event, engine.owner(), ended).await?;
        return Ok(());
    };
    crash::point("before_event");
    let reply = match call(engine, event, body, secrets, latest).await? {
        Ok(reply) => reply,
        Err(Late::Start) => {
            deliveries::give_back(engine.pool(), &[event.id], engine.owner()).await?;
            return Ok(());
        }
        Err(late @ Late::End) => Reply::NoAnswer(late.to_string()),
    };
    crash::point("after_event");
    end(engine, due, event, &reply).await
}

/// What is sent: what happened, and the message as it is now. None where there is no message any more.
async fn body(engine: &Engine, due: &Due, event: &Claimed) -> Result<Option<Vec<u8>>> {
    let mut data = match (event.channel_id, &event.external_id) {
        (Some(channel), Some(id)) => {
            match deliveries::message(engine.pool(), channel, id, event.with_body).await? {
                Some(row) => row,
                None => return Ok(None),
            }
        }
        _ => json!({ "endpoint": due.public_id }),
    };
    data["version"] = event.id.into();
    let timestamp = event.happened_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let event = json!({ "type": event.event_type, "timestamp": timestamp, "data": data });
    Ok(Some(event.to_string().into_bytes()))
}

async fn call(
    engine: &Engine,
    event: &Claimed,
    body: Vec<u8>,
    secrets: &[SecretString],
    latest: Latest,
) -> Result<std::result::Result<Reply, Late>> {
    let checked = Url::parse(&event.url).map_err(|_| "cannot be read");
    if let Err(why) = checked.and_then(|url| check_open(&url, engine.private_hosts())) {
        return Ok(Ok(Reply::NotSent(format!("its address {why}"))));
    }
    let timestamp = engine.now().timestamp();
    let signature = sign::sign(secrets, &event.public_id, timestamp, &body);
    let signature = signature.ok_or_else(|| Error::Client("an endpoint's secret is damaged".to_owned()))?;
    let request = Request {
        method: Method::Post,
        url: event.url.clone(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", event.public_id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ],
        body,
        timeout: TIMEOUT,
    };
    Ok(engine.outgoing().send(request, Some(latest)).await)
}

async fn end(engine: &Engine, due: &Due, event: &Claimed, reply: &Reply) -> Result<()> {
    let (pool, owner, now) = (engine.pool(), engine.owner(), engine.now());
    let status = match reply {
        Reply::Answer(answer) => Some(i32::from(answer.status)),
        Reply::NotSent(_) | Reply::NoAnswer(_) => None,
    };
    let attempts = u32::try_from(event.attempts).unwrap_or(0) + 1;
    match judge(reply) {
        Came::Taken => {
            let ended = Ended { state: "delivered", status, error: None, next_at: None, now };
            deliveries::end(pool, event, owner, ended).await?;
            endpoints::worked(pool, due.id, now).await?;
        }
        Came::Gone => {
            let why = "it answered 410: it is gone";
            let mut tx = tx::begin(pool).await?;
            endpoints::lock(&mut *tx, due.id).await?;
            let ended = Ended { state: "failed", status, error: Some(why), next_at: None, now };
            deliveries::end(&mut *tx, event, owner, ended).await?;
            if endpoints::disable(&mut tx, due.id, why).await? {
                tracing::warn!(endpoint = due.public_id, "an endpoint is gone and is sent nothing any more");
            }
            tx.commit().await?;
        }
        Came::Not { why, after } => {
            let next_at = next_attempt(event.queued_at, attempts, after, now, rand::random());
            let state = if next_at.is_some() { "pending" } else { "failed" };
            let mut tx = tx::begin(pool).await?;
            endpoints::lock(&mut *tx, due.id).await?;
            let ended = Ended { state, status, error: Some(&why), next_at, now };
            deliveries::end(&mut *tx, event, owner, ended).await?;
            let failures = endpoints::failed(&mut *tx, due.id, now, &why).await?;
            let failures = failures.and_then(|failures| u32::try_from(failures).ok());
            if let Some(until) = failures.and_then(|failures| rest(failures, after, now, rand::random())) {
                endpoints::rest(&mut *tx, due.id, until).await?;
            }
            tx.commit().await?;
            if failures == Some(RESTS_AFTER) {
                // Once per outage: the operator's one alert.
                tracing::warn!(endpoint = due.public_id, %why, "an endpoint rests; its events wait");
            }
        }
    }
    Ok(())
}
