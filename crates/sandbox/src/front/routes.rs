//! The Channel API: who may call what, and the form of Front's errors.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::form::{self, Parsed};
use super::{Front, auth};
use crate::core::{Exchange, Refusal, refused};
use crate::locked;
use crate::misbehaviour::{Operation, Stage};
use crate::serve::Cut;

/// Front's limit for attachments of a request is 25 MB (developer documentation, read 2026-11).
const LARGEST_BODY: usize = 25 * 1024 * 1024;

/// What is too large is read to its end all the same, so that the refusal reaches whoever is still sending.
const LARGEST_READ: usize = 4 * LARGEST_BODY;

/// How much of a multipart body is remembered in the log.
const LONGEST_LOGGED: usize = 64 * 1024;

/// What Front announces for published apps (rate limit documentation, read 2026-11).
const USUAL_RATE_LIMIT: usize = 120;

/// A request, taken apart.
pub(crate) struct Call {
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Parsed, String>,
}

pub(super) fn router(front: Front) -> Router {
    Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(front)
}

async fn answer(
    State(front): State<Front>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_READ).await else {
        return error(413, 0, "Request entity too large");
    };
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let segments: Vec<String> = parts.uri.path().split('/').skip(1).map(decoded).collect();
    let operation = operation(&parts.method, &segments);
    let body = match operation {
        Some(
            Operation::SyncInbound
            | Operation::SyncOutbound
            | Operation::UpdateStatus
            | Operation::UpdateChannel,
        ) if bytes.len() <= LARGEST_BODY => form::parse(&parts, &bytes).await,
        _ => Ok(Parsed::default()),
    };
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned();
    let call = Call { segments, query: query.collect(), headers: parts.headers, body };
    let (handle, text) = front.described(operation, &call);
    let fault = operation.and_then(|op| front.core().faults.take(Stage::Answer, op, &handle, &text));
    let exchange = Exchange {
        operation,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        body: logged(&call.headers, &bytes),
        cut,
    };
    let spent = locked(&front.inner.state).spend();
    let over = front.inner.options.rate_limit.is_some_and(|limit| spent > limit);
    let perform = async {
        if bytes.len() > LARGEST_BODY {
            Err(refused(413, 0, "Request entity too large"))
        } else if over {
            Ok(too_many())
        } else {
            front.perform(operation, call).await
        }
    };
    let mut response = front.core().respond(exchange, fault, error, perform).await;
    front.announce_rate(&mut response, spent);
    response
}

/// A body for the log; files are not remembered twice.
fn logged(headers: &HeaderMap, bytes: &[u8]) -> String {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    match bytes.get(..LONGEST_LOGGED) {
        Some(begin) if kind.starts_with(b"multipart/") => {
            format!("{}… ({} bytes)", String::from_utf8_lossy(begin), bytes.len())
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn operation(method: &Method, segments: &[String]) -> Option<Operation> {
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (method.as_str(), path.as_slice()) {
        ("POST", ["channels", _, "inbound_messages"]) => Some(Operation::SyncInbound),
        ("POST", ["channels", _, "outbound_messages"]) => Some(Operation::SyncOutbound),
        ("PUT", ["channels", _, "conversations", _, "messages", _, "status"]) => {
            Some(Operation::UpdateStatus)
        }
        ("PATCH", ["channels", _]) => Some(Operation::UpdateChannel),
        ("GET", ["conversations", _, "messages"]) => Some(Operation::ListConversation),
        ("GET", ["messages", _]) => Some(Operation::GetMessage),
        ("GET", ["messages", _, "download", _]) => Some(Operation::DownloadFile),
        _ => None,
    }
}

impl Front {
    /// The customer's handle and the text of a request, for the predicates of rules.
    fn described(&self, operation: Option<Operation>, call: &Call) -> (String, String) {
        if operation == Some(Operation::DownloadFile) {
            let state = locked(&self.inner.state);
            let message = state.messages.iter().find(|m| m.id.as_deref() == Some(call.segment(1)));
            return message.map(|m| (m.contact().to_owned(), m.text.clone())).unwrap_or_default();
        }
        let body = call.body.as_ref().map_or(&Value::Null, |parsed| &parsed.value);
        let text = body["body"].as_str().unwrap_or_default().to_owned();
        let handle = match operation {
            Some(Operation::SyncInbound) => body["sender"]["handle"].as_str().unwrap_or_default().to_owned(),
            Some(Operation::SyncOutbound) => body["to"][0]["handle"].as_str().unwrap_or_default().to_owned(),
            Some(Operation::UpdateStatus) => self.contact_of(call.segment(1), call.segment(3)),
            _ => String::new(),
        };
        (handle, text)
    }

    fn contact_of(&self, channel: &str, conversation: &str) -> String {
        let state = locked(&self.inner.state);
        let contacts = state.conversation(channel, conversation).map(|known| known.contacts.clone());
        contacts.and_then(|known| known.into_iter().next()).unwrap_or_default()
    }

    async fn perform(&self, operation: Option<Operation>, call: Call) -> Result<Response, Refusal> {
        let header = call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let options = &self.inner.options;
        let now = Utc::now().timestamp();
        let speaks_for = auth::channel_of(header, &options.app_id, &options.app_secret, now)
            .map_err(|reason| refused(401, 0, reason))?;
        let Some(operation) = operation else { return Err(refused(404, 0, "Unknown route")) };
        let known = locked(&self.inner.state).channel(&speaks_for).is_some_and(|channel| !channel.deleted);
        if !known {
            return Err(refused(401, 0, "Invalid token: unknown channel"));
        }
        if call.segment(0) == "channels" && call.segment(1) != speaks_for {
            return Err(refused(401, 0, "Invalid token: another channel's"));
        }
        match operation {
            Operation::SyncInbound => self.sync(&speaks_for, call, true).await,
            Operation::SyncOutbound => self.sync(&speaks_for, call, false).await,
            Operation::UpdateStatus => self.update_status(&speaks_for, &call),
            Operation::UpdateChannel => self.update_channel(&speaks_for, &call),
            Operation::DownloadFile => self.download(&speaks_for, &call),
            Operation::ListConversation => self.list_conversation(&speaks_for, &call),
            _ => self.get_message(&speaks_for, &call),
        }
    }

    fn announce_rate(&self, response: &mut Response, spent: usize) {
        let limit = self.inner.options.rate_limit.unwrap_or(USUAL_RATE_LIMIT);
        let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let remaining = if refused { 0 } else { limit.saturating_sub(spent) };
        let reset = Utc::now().timestamp() + 60;
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
    }
}

impl Call {
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, or Front's refusal of it.
    pub(crate) fn json(&self) -> Result<&Value, Refusal> {
        self.body.as_ref().map(|parsed| &parsed.value).map_err(|reason| refused(400, 0, reason.as_str()))
    }
}

fn too_many() -> Response {
    let mut response = error(429, 0, "Rate limit exceeded. Please retry in 1000 milliseconds.");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Front's errors are an object under `_error`.
pub(crate) fn error(status: u16, _code: i64, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = status.canonical_reason().unwrap_or("Error");
    json_response(
        status,
        &json!({ "_error": { "status": status.as_u16(), "title": title, "message": message } }),
    )
}

pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
