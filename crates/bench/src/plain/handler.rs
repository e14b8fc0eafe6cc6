//! The handlers in axum.

use super::Keeps;
use crate::front;
use anyhow::Context;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use sha2::Sha256;
use sqlx::{Connection, PgConnection};
use std::io::Write;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Requests for which a transaction is begun while another one runs.
const WORTH: usize = 16;
/// Requests in one at most.
const TOGETHER: usize = 128;

/// Is a handler, until it is killed. So many transactions at a time: while one is committed, the next one is made.
pub(crate) async fn serve(keeps: Keeps, at_once: u32) -> anyhow::Result<()> {
    let store = match keeps {
        Keeps::Nothing => None,
        Keeps::Request | Keeps::Row => Some(Store::open(keeps, at_once).await?),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let routes = Router::new().route("/message", post(answer)).with_state(store);
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?.port())?;
    Ok(axum::serve(listener, routes).await?)
}

#[derive(Deserialize)]
struct Posted<'a> {
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(Deserialize)]
struct Payload {
    id: String,
    text: String,
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    role: String,
    handle: String,
}

async fn answer(State(store): State<Option<Store>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(front::APP.1.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    for part in [header("x-front-request-timestamp").as_bytes(), b":", &body] {
        mac.update(part);
    }
    let given = STANDARD.decode(header("x-front-signature")).unwrap_or_default();
    if mac.verify_slice(&given).is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let read = serde_json::from_slice::<Posted<'_>>(&body);
    let Ok((posted, payload)) = read.and_then(|posted| {
        let payload: Payload = serde_json::from_str(posted.payload.get())?;
        Ok((posted, payload))
    }) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (id, text) = (payload.id, payload.text);
    let to = payload.recipients.into_iter().find(|one| one.role == "to").map(|one| one.handle);
    if let Some(store) = store {
        let data = posted.payload.get().to_owned();
        let one = Line { id: id.clone(), to: to.clone(), text, data, body: body.clone() };
        if let Err(error) = store.keep(one).await {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")).into_response();
        }
    }
    Json(json!({ "type": "success", "external_id": id, "external_conversation_id": to })).into_response()
}

/// What is kept of a request.
struct Line {
    id: String,
    to: Option<String>,
    text: String,
    /// The payload, as JSON.
    data: String,
    body: Bytes,
}

/// A line, and whoever waits for it.
type Waiting = (Line, oneshot::Sender<()>);

/// Where requests go: what comes while a transaction runs is written together in the next one.
#[derive(Clone)]
struct Store(mpsc::Sender<Waiting>);

impl Store {
    async fn open(keeps: Keeps, at_once: u32) -> anyhow::Result<Self> {
        let url = std::env::var("DATABASE_URL")?;
        // Each transaction has a connection of its own: a pool would ask it whether it is well each time.
        let mut idle = Vec::new();
        for _ in 0..at_once {
            idle.push(PgConnection::connect(&url).await?);
        }
        let first = idle.first_mut().context("no transaction at all")?;
        let table = "create table if not exists kept (id text primary key, body bytea not null)";
        sqlx::query(table).execute(first).await?;
        let (sender, waiting) = mpsc::channel(1024);
        tokio::spawn(async move {
            if let Err(error) = write(keeps, idle, waiting).await {
                // Whoever waits learns it by that nobody answers.
                writeln!(std::io::stderr(), "not written: {error:#}").ok();
            }
        });
        Ok(Self(sender))
    }

    async fn keep(&self, line: Line) -> anyhow::Result<()> {
        let (sender, done) = oneshot::channel();
        self.0.send((line, sender)).await.ok().context("nobody writes any more")?;
        done.await.context("it was not written")
    }
}

/// Writes what waits, as the server does: another transaction begins beside one that runs only where it is worth it.
async fn write(
    keeps: Keeps,
    mut idle: Vec<PgConnection>,
    mut waiting: mpsc::Receiver<Waiting>,
) -> anyhow::Result<()> {
    let (mut taken, mut running) = (Vec::new(), JoinSet::new());
    loop {
        tokio::select! {
            Some(done) = running.join_next() => idle.push(done??),
            came = waiting.recv(), if taken.len() < TOGETHER => match came {
                Some(one) => taken.push(one),
                None => return Ok(()),
            },
        }
        // Whoever is about to ask comes along.
        tokio::task::yield_now().await;
        while taken.len() < TOGETHER
            && let Ok(one) = waiting.try_recv()
        {
            taken.push(one);
        }
        if !taken.is_empty()
            && (running.is_empty() || taken.len() >= WORTH)
            && let Some(conn) = idle.pop()
        {
            running.spawn(insert_and_tell(keeps, conn, std::mem::take(&mut taken)));
        }
    }
}

async fn insert_and_tell(
    keeps: Keeps,
    mut conn: PgConnection,
    taken: Vec<Waiting>,
) -> anyhow::Result<PgConnection> {
    let (lines, told): (Vec<Line>, Vec<oneshot::Sender<()>>) = taken.into_iter().unzip();
    insert(keeps, &mut conn, lines).await?;
    for one in told {
        // Who went away meanwhile need not know.
        one.send(()).ok();
    }
    Ok(conn)
}

async fn insert(keeps: Keeps, conn: &mut PgConnection, lines: Vec<Line>) -> anyhow::Result<()> {
    let ids: Vec<&str> = lines.iter().map(|line| line.id.as_str()).collect();
    if keeps == Keeps::Request {
        let bodies: Vec<&[u8]> = lines.iter().map(|line| &line.body[..]).collect();
        let sql = "insert into kept select * from unnest($1::text[], $2::bytea[])";
        sqlx::query(sql).bind(ids).bind(bodies).execute(conn).await?;
    } else {
        let to: Vec<Option<&str>> = lines.iter().map(|line| line.to.as_deref()).collect();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let data: Vec<&str> = lines.iter().map(|line| line.data.as_str()).collect();
        let sql = "insert into messages (channel_id, external_id, origin, direction, external_conversation_id, \
            sender, recipient, body, data, occurred_at, helpdesk_message_id, wake_at) \
            select 1, 'kept_' || id, 'helpdesk', 'outbound', recipient, '+12015550000', recipient, body, data::jsonb, \
            now(), id, now() from unnest($1::text[], $2::text[], $3::text[], $4::text[]) \
            as u (id, recipient, body, data)";
        sqlx::query(sql).bind(ids).bind(to).bind(texts).bind(data).execute(conn).await?;
    }
    Ok(())
}
